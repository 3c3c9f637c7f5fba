"""What an import would do: compares the file with what the school has, and decides nothing by itself."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from libs.kernel import FieldFault
from subgraphs.academic.student.imports import GuardianRow, StudentRow, fault
from subgraphs.academic.student.rules import StudentStatus

REGULAR: Final = "REGULAR"
LinkKey = tuple[UUID, str, str]
"""Pupil, case-folded name of the guardian, relation."""


@dataclass(slots=True)
class KnownStudent:
    """A pupil the school has. `classes` are those of the year, with whether the class is the pupil's regular one."""

    id: UUID
    nisn: str | None
    status: str
    classes: dict[UUID, bool] = field(default_factory=dict)
    has_primary: bool = False


@dataclass(slots=True)
class KnownClass:
    """A class of the year with the seats it has left."""

    id: UUID
    kind: str
    free: int


@dataclass(slots=True)
class Known:
    """What the school has, as far as the file touches it. `addresses` are blind indexes of guardians."""

    students: dict[str, KnownStudent] = field(default_factory=dict)
    nisn_owners: dict[str, str] = field(default_factory=dict)
    classes: dict[str, KnownClass] = field(default_factory=dict)
    addresses: dict[bytes, UUID] = field(default_factory=dict)
    named: dict[LinkKey, UUID] = field(default_factory=dict)
    links: set[tuple[UUID, UUID]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class NewLink:
    """A guardian who is to answer for a pupil."""

    student_id: UUID
    guardian_id: UUID
    relation: str
    is_primary: bool


@dataclass(slots=True)
class Plan:
    """What is to be written, and every fault that forbids it."""

    students: list[tuple[UUID, StudentRow]] = field(default_factory=list)
    guardians: list[tuple[UUID, GuardianRow]] = field(default_factory=list)
    links: list[NewLink] = field(default_factory=list)
    seats: list[tuple[UUID, KnownClass]] = field(default_factory=list)
    faults: list[FieldFault] = field(default_factory=list)


def plan_import(
    rows: Iterable[StudentRow],
    known: Known,
    *,
    blind_of: Callable[[GuardianRow], list[bytes]],
    make_id: Callable[[], UUID],
) -> Plan:
    """Pupils are matched by NIS and left as they are; what is missing of guardians and enrollments is added.

    A guardian is the one with the same e-mail or phone, or of the same name and relation for that pupil.
    """
    plan = Plan()
    for row in rows:
        student = known.students.get(row.nis)
        faults = list(_identity_faults(row, student, known))
        if student is None:
            student = KnownStudent(id=make_id(), nisn=row.nisn, status=StudentStatus.ACTIVE)
            plan.students.append((student.id, row))
        faults += _seat(row, student, known, plan)
        if row.guardian is not None:
            _link(row.guardian, student, known, plan, blinds=blind_of(row.guardian), make_id=make_id)
        plan.faults += faults
    return plan


def _identity_faults(row: StudentRow, student: KnownStudent | None, known: Known) -> Iterator[FieldFault]:
    if row.nisn is None:
        return
    if known.nisn_owners.get(row.nisn, row.nis) != row.nis:
        yield fault(row.line, "nisn", "TAKEN")
    elif student is not None and student.nisn not in (None, row.nisn):
        # The same NIS with another NISN is another pupil.
        yield fault(row.line, "nis", "TAKEN")


def _seat(row: StudentRow, student: KnownStudent, known: Known, plan: Plan) -> Iterator[FieldFault]:
    if row.class_name is None:
        return
    wanted = known.classes.get(row.class_name)
    if wanted is None:
        yield fault(row.line, "class", "NOT_FOUND")
    elif wanted.id in student.classes:
        return
    elif student.status != StudentStatus.ACTIVE:
        yield fault(row.line, "nis", "NOT_ACTIVE")
    elif wanted.kind == REGULAR and any(student.classes.values()):
        yield fault(row.line, "class", "ALREADY_ENROLLED")
    elif wanted.free <= 0:
        yield fault(row.line, "class", "CLASS_FULL")
    else:
        wanted.free -= 1
        plan.seats.append((student.id, wanted))


def _link(
    row: GuardianRow,
    student: KnownStudent,
    known: Known,
    plan: Plan,
    *,
    blinds: list[bytes],
    make_id: Callable[[], UUID],
) -> None:
    key = (student.id, row.name.casefold(), row.relation)
    same = (known.addresses[blind] for blind in blinds if blind in known.addresses)
    guardian_id = next(same, None) or known.named.get(key)
    if guardian_id is None:
        guardian_id = make_id()
        plan.guardians.append((guardian_id, row))
    known.named.setdefault(key, guardian_id)
    for blind in blinds:
        known.addresses.setdefault(blind, guardian_id)
    if (student.id, guardian_id) not in known.links:
        known.links.add((student.id, guardian_id))
        plan.links.append(NewLink(student.id, guardian_id, row.relation, is_primary=not student.has_primary))
        student.has_primary = True
