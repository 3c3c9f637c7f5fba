"""Hats: which may be handed out by whom, and from when to when they are worn."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final
from uuid import UUID, uuid5

from libs.kernel import DomainError, Forbidden

NOT_STAFF: Final = frozenset({"student", "parent"})
"""System roles of families; whoever holds any other role works for the school, and their name is no secret."""

_SYSTEM_ROLES: Final = UUID("8f3c0f5e-5e8e-5b0a-9d5c-3c1d8f0a7e11")  # the namespace of system roles' ids
_WEAKER: Final = ("_taught", "_own")


class LastAdministrator(DomainError):
    """Without this account, or this hat, nobody would administer the school any more, or less long than now."""

    code = "LAST_ADMINISTRATOR"
    texts: ClassVar = {
        "id": "Sekolah harus tetap memiliki admin. Tunjuk admin lain lebih dahulu.",
        "en": "The school must keep an administrator. Appoint another one first.",
    }


def system_role_id(name: str) -> UUID:
    """The id of a system role: it lives in code, and its id is the same in every school."""
    return uuid5(_SYSTEM_ROLES, name)


def covers(held: AbstractSet[str], wanted: str) -> bool:
    """Whether whoever holds these permissions holds `wanted` too: reading all includes reading what is one's own."""
    if wanted in held:
        return True
    if wanted.endswith("_own"):
        whole = wanted.removesuffix("_own")
        return whole in held or f"{whole}_taught" in held
    return wanted.endswith("_taught") and wanted.removesuffix("_taught") in held


def check_grant(held: AbstractSet[str], wanted: Iterable[str]) -> None:
    """Nobody grants what they do not hold. Raises Forbidden."""
    if not all(covers(held, permission) for permission in wanted):
        raise Forbidden


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From a day to a day, both included; without an end while `until` is None."""

    since: date
    until: date | None = None

    def meets(self, other: "Period") -> bool:
        """Whether the two overlap or follow each other without a day between."""
        return _before_or_next(self.since, other.until) and _before_or_next(other.since, self.until)

    def contains(self, other: "Period") -> bool:
        """Whether every day of the other one is a day of this one."""
        if other.since < self.since:
            return False
        return self.until is None or (other.until is not None and other.until <= self.until)

    def joined(self, other: "Period") -> "Period":
        """The period from the earlier start to the later end of two that meet."""
        until = None if self.until is None or other.until is None else max(self.until, other.until)
        return Period(min(self.since, other.since), until)


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who administers the school today: whether they can sign in already, and their last day in office."""

    is_active: bool
    until: date | None

    @property
    def lasting(self) -> tuple[bool, date]:
        """What tells of two which one the school can rely on longer; who has not accepted counts less than anybody."""
        return self.is_active, self.until or date.max


def check_administrator_stays(before: Iterable[Administrator], after: Iterable[Administrator]) -> None:
    """The school never relies on less than before. Raises LastAdministrator.

    So the last one goes neither at once nor at a date, and one whose hat ends is no successor of one whose hat does
    not.
    """
    nobody = (False, date.min)
    best, remaining = (max((each.lasting for each in those), default=nobody) for those in (before, after))
    if remaining < best:
        raise LastAdministrator


def merged(periods: Iterable[Period], new: Period) -> tuple[Period, list[Period]]:
    """The new period joined with all it meets, and those which it replaces: a hat's periods never overlap."""
    replaced: list[Period] = []
    for period in sorted(periods):
        if period.meets(new):
            new = new.joined(period)
            replaced.append(period)
    return new, replaced


def _before_or_next(day: date, end: date | None) -> bool:
    return end is None or day <= end or day - end == timedelta(days=1)
