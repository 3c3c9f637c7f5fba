"""Accounts that identity made for pupils, guardians and teachers."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, select, true, update

from libs.db import TenantTransaction
from libs.events.contracts.academic import GuardianLinked, StudentUpdated
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_.queries import homeroom_teacher_assigned
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.class_subject.queries import teacher_assigned
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.student.model import Guardian, Student, StudentGuardian
from subgraphs.academic.student.queries import student_states
from subgraphs.academic.teacher.model import Teacher


def _tying() -> Select[*tuple[Any, ...]]:
    """One statement whatever the record is: accounts arrive by the hundred after an import."""
    tenant, record, account = (bindparam(name, type_=Uuid) for name in ("tenant", "record", "account"))
    guardian, student, teacher = (
        update(table)
        .where(table.c.tenant_id == tenant, table.c.id == record, table.c.user_id.is_distinct_from(account))
        .values(user_id=account)
        .returning(table.c.id)
        .cte(table.name)
        for table in (Guardian.__table__, Student.__table__, Teacher.__table__)
    )
    return select(
        guardian.c.id.label("guardian"), student.c.id.label("student"), teacher.c.id.label("teacher")
    ).select_from(
        select(record.label("id"))
        .subquery("wanted")
        .outerjoin(guardian, true())
        .outerjoin(student, true())
        .outerjoin(teacher, true())
    )


_TIE = _tying()
_LINKS = select(StudentGuardian.student_id, StudentGuardian.relation, StudentGuardian.is_primary).where(
    StudentGuardian.tenant_id == bindparam("tenant", type_=Uuid),
    StudentGuardian.guardian_id == bindparam("guardian", type_=Uuid),
)


async def link_account(tx: TenantTransaction, *, contacts: Contacts, record_id: UUID, user_id: UUID) -> None:
    """Ties an account to the guardian, pupil or teacher it was made for, and tells those who must know it.

    A record that is not there, or is tied to this account already, changes nothing.
    """
    values = {"tenant": tx.tenant_id, "record": record_id, "account": user_id}
    tied = (await tx.execute(_TIE, values)).one()
    if tied.guardian is not None:
        await _tell_pupils(tx, record_id, user_id)
    if tied.student is not None:
        for state in await student_states(tx, contacts, [record_id]):
            tx.emit(StudentUpdated(**state.fields))
    if tied.teacher is not None:
        await _tell_assignments(tx, record_id)


async def _tell_pupils(tx: TenantTransaction, guardian_id: UUID, user_id: UUID) -> None:
    """Whom the guardian answers for, read once the guardian is locked: an import that was waited for has added some."""
    for link in await tx.execute(_LINKS, {"tenant": tx.tenant_id, "guardian": guardian_id}):
        tx.emit(
            GuardianLinked(
                student_id=link.student_id,
                guardian_id=guardian_id,
                relation=link.relation,
                user_id=user_id,
                is_primary=link.is_primary,
            )
        )


async def _tell_assignments(tx: TenantTransaction, teacher_id: UUID) -> None:
    """What the teacher is assigned to already, again with the account."""
    teacher = await tx.get(Teacher, teacher_id)
    led = select(Class).where(Class.tenant_id == tx.tenant_id, Class.homeroom_teacher_id == teacher_id)
    for class_ in (await tx.execute(led)).scalars():
        tx.emit(homeroom_teacher_assigned(class_, teacher))
    taught = (
        select(ClassSubject, Teaching)
        .join(Teaching, (Teaching.tenant_id == ClassSubject.tenant_id) & (Teaching.class_subject_id == ClassSubject.id))
        .where(Teaching.tenant_id == tx.tenant_id, Teaching.teacher_id == teacher_id)
        .order_by(ClassSubject.id, Teaching.valid_from)
    )
    for subject, teaching in await tx.execute(taught):
        tx.emit(teacher_assigned(subject, teaching, teacher))
