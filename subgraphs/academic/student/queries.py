"""Pupils as events tell of them, and which pupils a person may see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, Select, Uuid, any_, bindparam, func, select, union_all

from libs.db import ReadTransaction
from libs.events.contracts.academic import GuardianContact, GuardianLinked
from subgraphs.academic.class_.queries import among, taught_class_ids
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.student.model import Guardian, Student, StudentGuardian


@dataclass(frozen=True, slots=True)
class StudentState:
    """A pupil's full state as events carry it: `StudentUpdated(**state.fields)`."""

    fields: dict[str, Any]

    @property
    def links(self) -> list[GuardianLinked]:
        """The guardians of the pupil who have an account."""
        guardians: Sequence[GuardianContact] = self.fields["guardians"]
        return [
            GuardianLinked(
                student_id=self.fields["student_id"],
                guardian_id=guardian.guardian_id,
                relation=guardian.relation,
                user_id=guardian.user_id,
                is_primary=guardian.is_primary,
            )
            for guardian in guardians
            if guardian.user_id is not None
        ]


async def student_states(
    tx: ReadTransaction, contacts: Contacts, student_ids: Collection[UUID], *, lock: bool = False
) -> list[StudentState]:
    """The states of these pupils with their guardians, names and addresses in clear; `lock` holds the rows."""
    wanted = any_(bindparam("students", list(student_ids), ARRAY(Uuid)))
    statement = select(Student).where(Student.tenant_id == tx.tenant_id, Student.id == wanted).order_by(Student.id)
    students = (await tx.execute(statement.with_for_update(read=True) if lock else statement)).scalars().all()
    linked = (
        select(StudentGuardian, Guardian)
        .join(Guardian, (Guardian.tenant_id == tx.tenant_id) & (Guardian.id == StudentGuardian.guardian_id))
        .where(StudentGuardian.tenant_id == tx.tenant_id, StudentGuardian.student_id == wanted)
        .order_by(StudentGuardian.is_primary.desc(), StudentGuardian.id)
    )
    links = (await tx.execute(linked.with_for_update(read=True) if lock else linked)).all()
    reachable = await contacts.read(tx, "students", [student for student in students if student.email is not None])
    guardians = {guardian.id: guardian for _, guardian in links}
    addresses = await contacts.read(tx, "guardians", list(guardians.values()))
    parts: dict[UUID, list[GuardianContact]] = {}
    for link, guardian in links:
        parts.setdefault(link.student_id, []).append(_contact(link, guardian, addresses.get(guardian.id, {})))
    return [_state(student, reachable.get(student.id, {}), parts.get(student.id, ())) for student in students]


def _contact(link: StudentGuardian, guardian: Guardian, addresses: dict[str, str]) -> GuardianContact:
    return GuardianContact(
        guardian_id=guardian.id,
        relation=link.relation,
        is_primary=link.is_primary,
        user_id=guardian.user_id,
        personal={"name": guardian.name} | addresses,
    )


def _state(student: Student, addresses: dict[str, str], guardians: Sequence[GuardianContact]) -> StudentState:
    personal = {"name": student.full_name}
    if student.birth_date is not None:
        personal["birth_date"] = student.birth_date.isoformat()
    if "email" in addresses:
        personal["email"] = addresses["email"]
    return StudentState(
        {
            "student_id": student.id,
            "nis": student.nis,
            "nisn": student.nisn,
            "gender": student.gender,
            "status": student.status,
            "user_id": student.user_id,
            "entry_year": student.entry_year,
            "guardians": tuple(guardians),
            "personal": personal,
        }
    )


def taught_pupil_ids(
    *, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID], today: ColumnElement[date]
) -> Select[UUID]:
    """Pupils who sit today in a class that the account's teacher teaches or leads."""
    sitting = Enrollment.__table__.alias()
    return select(sitting.c.student_id).where(
        sitting.c.tenant_id == tenant_id,
        among(sitting.c.class_id, taught_class_ids(tenant_id=tenant_id, user_id=user_id, today=today)),
        sitting.c.valid_from <= today,
        sitting.c.valid_to > today,
    )


def is_taught(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    user_id: ColumnElement[UUID],
    today: ColumnElement[date],
    or_own: ColumnElement[Sequence[UUID]] | None = None,
) -> ColumnElement[bool]:
    """Whether a pupil sits today in a class that the account's teacher teaches or leads, or is one of `or_own`.

    One IN: beside an OR, PostgreSQL walks through all pupils of the school and asks of each.
    """
    taught = taught_pupil_ids(tenant_id=tenant_id, user_id=user_id, today=today)
    return student_id.in_(taught if or_own is None else union_all(taught, select(func.unnest(or_own))))


def classes_on(
    student_id: ColumnElement[UUID], *, tenant_id: ColumnElement[UUID], day: ColumnElement[date]
) -> Select[UUID]:
    """The classes a pupil sits in on a day."""
    sitting = Enrollment.__table__.alias()
    return select(sitting.c.class_id).where(
        sitting.c.tenant_id == tenant_id,
        sitting.c.student_id == student_id,
        sitting.c.valid_from <= day,
        sitting.c.valid_to > day,
    )


def guardians_of_students() -> FromClause:
    """Guardians as seen from a pupil: one row for each pupil they answer for."""
    link, guardian = StudentGuardian.__table__.alias(), Guardian.__table__.alias()
    same = (guardian.c.tenant_id == link.c.tenant_id) & (guardian.c.id == link.c.guardian_id)
    columns = (guardian.c.name, guardian.c.user_id, link.c.relation, link.c.student_id, link.c.is_primary)
    return select(guardian.c.tenant_id, guardian.c.id, *columns).join_from(link, guardian, same).subquery()


def class_of_today(*, tenant_id: ColumnElement[UUID], today: ColumnElement[date]) -> FromClause:
    """Pupil (source_id) and regular class (target_id) of today."""
    sitting = Enrollment.__table__.alias()
    return (
        select(sitting.c.student_id.label("source_id"), sitting.c.class_id.label("target_id"))
        .where(
            sitting.c.tenant_id == tenant_id,
            sitting.c.kind == "REGULAR",
            sitting.c.valid_from <= today,
            sitting.c.valid_to > today,
        )
        .subquery()
    )
