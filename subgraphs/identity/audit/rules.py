"""How the partitions of the audit log are named and cut."""

from collections.abc import Iterator
from datetime import date


def partitions(today: date, months: int) -> Iterator[tuple[str, date, date]]:
    """Name, first day and the day after the last of the partitions of this month and the `months` after it."""
    first = today.replace(day=1)
    for _ in range(months + 1):
        end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield f"audit_logs_{first:%Y_%m}", first, end
        first = end
