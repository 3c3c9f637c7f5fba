"""What an entry of the audit log says, and how its partitions are named."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: the client's address and what it calls itself."""

    address: str
    user_agent: str


SYSTEM = Origin(address="", user_agent="")
"""The origin of what consumers and jobs do."""


def partitions(today: date, months: int) -> Iterator[tuple[str, date, date]]:
    """Name, first day and the day after the last of the partitions of this month and the `months` after it."""
    first = today.replace(day=1)
    for _ in range(months + 1):
        end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield f"audit_logs_{first:%Y_%m}", first, end
        first = end
