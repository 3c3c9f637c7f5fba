"""Roles: how they are called and inherit; hats: who may hand them out, and from when to when they are worn."""

import unicodedata
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final
from uuid import UUID, uuid5

from libs.kernel import DomainError, Forbidden

NOT_STAFF: Final = frozenset({"student", "parent"})
"""System roles of families; whoever holds any other role works for the school, and their name is no secret."""

_SYSTEM_ROLES: Final = UUID("8f3c0f5e-5e8e-5b0a-9d5c-3c1d8f0a7e11")  # the namespace of system roles' ids

DEEPEST: Final = 5
"""How many roles may stand in a line in which one inherits from the other, the one at the top included."""


class RoleNameTaken(DomainError):
    """A role of this school, or of the system, is called like this, whatever the case."""

    code = "ROLE_NAME_TAKEN"
    texts: ClassVar = {"id": "Sudah ada peran dengan nama ini.", "en": "There is a role of this name."}


class SystemRoleFixed(DomainError):
    """The name and the inheritance of a system role are the system's, and so is whether there is one."""

    code = "SYSTEM_ROLE_FIXED"
    texts: ClassVar = {
        "id": "Peran bawaan sistem tidak dapat diubah namanya, pewarisannya, atau dihapus.",
        "en": "A role of the system cannot be renamed, inherit, or be deleted.",
    }


class CorePermission(DomainError):
    """Schools add to system roles; what these permit by themselves stays. Data: `permissions`, those that stay."""

    code = "CORE_PERMISSION"
    texts: ClassVar = {
        "id": "Izin inti peran bawaan sistem tidak dapat dicabut.",
        "en": "The core of a system role cannot be taken away.",
    }


class RoleInUse(DomainError):
    """Somebody holds the role now or later, or a role inherits from it. Data: `holders` and `heirs`, how many."""

    code = "ROLE_IN_USE"
    texts: ClassVar = {
        "id": "Peran masih dipakai oleh {holders} akun dan diwarisi {heirs} peran.",
        "en": "{holders} accounts hold this role, and {heirs} roles inherit from it.",
    }


class SecondFactorRole(DomainError):
    """The password policy demands a second factor of whoever holds a role of this name: renamed, it would not."""

    code = "SECOND_FACTOR_ROLE"
    texts: ClassVar = {
        "id": "Kebijakan kata sandi mewajibkan faktor kedua untuk peran ini; ubah kebijakannya lebih dahulu.",
        "en": "The password policy demands a second factor of this role; change the policy first.",
    }


class InheritanceCycle(DomainError):
    """A role would inherit from itself."""

    code = "INHERITANCE_CYCLE"
    texts: ClassVar = {
        "id": "Peran tidak dapat mewarisi dirinya sendiri, juga tidak melalui peran lain.",
        "en": "A role cannot inherit from itself, not through others either.",
    }


class InheritanceTooDeep(DomainError):
    """Too many roles would inherit one from the other. Data: `most`, how many may."""

    code = "INHERITANCE_TOO_DEEP"
    texts: ClassVar = {
        "id": "Paling banyak {most} peran boleh saling mewarisi berturut-turut.",
        "en": "At most {most} roles may inherit one from the other.",
    }


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


def folded(name: str) -> str:
    """What two names of roles have in common that nobody could tell apart: case, width, spaces, invisible signs."""
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(sign for sign in composed if unicodedata.category(sign) != "Cf").split())


def lineage(role: UUID, parents: Mapping[UUID, UUID]) -> tuple[UUID, ...]:
    """The role, what it inherits from, and so on to the top; a circle, which nothing writes, is walked once."""
    line = [role]
    while (parent := parents.get(line[-1])) is not None and parent not in line:
        line.append(parent)
    return tuple(line)


def check_inheritance(role: UUID, parent: UUID, parents: Mapping[UUID, UUID]) -> None:
    """Whether a role may inherit from this one. Raises InheritanceCycle and InheritanceTooDeep.

    The roles that inherit from it come with it.
    """
    above = lineage(parent, parents)
    if role in above:
        raise InheritanceCycle
    lines = [line for line in (lineage(heir, parents) for heir in parents) if role in line]
    below = max((line.index(role) for line in lines), default=0)
    if below + 1 + len(above) > DEEPEST:
        raise InheritanceTooDeep(most=DEEPEST)


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

    def cut(self, last: date) -> "Period | None":
        """What is left of it when no day may be after `last`."""
        if self.since > last:
            return None
        return self if self.until is not None and self.until <= last else Period(self.since, last)

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
