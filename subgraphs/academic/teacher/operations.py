"""Teachers and the accounts they get."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.academic import TeacherCreated, TeacherUpdated
from libs.kernel import Conflict, Quota
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.school.queries import check_quota
from subgraphs.academic.teacher.model import Teacher
from subgraphs.academic.teacher.rules import TeacherStatus, already_taken, check_nip


async def create_teacher(
    tx: TenantTransaction, *, contacts: Contacts, full_name: str, nip: str | None = None, email: str | None = None
) -> Teacher:
    """A teacher; with an e-mail address, identity invites the person to an account.

    Raises InvalidInput, and QuotaExceeded when the school has as many teachers as it may.
    """
    check_nip(nip)
    await check_quota(tx, Quota.TEACHERS, added=1)
    teacher = Teacher(id=tx.new_id(), full_name=full_name, nip=nip)
    protected = await contacts.protect(tx, "teachers", {teacher.id: {"email": email}})
    for column, value in protected.get(teacher.id, {}).items():
        setattr(teacher, column, value)
    async with tx.rejecting(
        {
            "uq_teachers_tenant_id_nip": lambda: already_taken("nip"),
            "uq_teachers_tenant_id_email_blind": lambda: already_taken("email"),
        }
    ):
        tx.add(teacher)
    personal = {"name": full_name} | ({"email": email} if email else {})
    tx.emit(TeacherCreated(teacher_id=teacher.id, personal=personal))
    return teacher


async def update_teacher(
    tx: TenantTransaction,
    *,
    contacts: Contacts,
    teacher_id: UUID,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Teacher:
    """Changes full_name, nip and status of a teacher; without a difference nothing is told.

    Who left (INACTIVE) takes no place of the school's quota; who comes back takes one again, if there is one. Raises
    NotFound, Conflict, InvalidInput and QuotaExceeded.
    """
    teacher = await tx.get(Teacher, teacher_id, lock=True)
    if expected_version not in (None, teacher.version):
        raise Conflict(current_version=teacher.version)
    changed = {name: value for name, value in changes.items() if value != getattr(teacher, name)}
    if not changed:
        return teacher
    check_nip(changed.get("nip"))
    if changed.get("status") == TeacherStatus.ACTIVE:
        await check_quota(tx, Quota.TEACHERS, added=1)
    async with tx.rejecting({"uq_teachers_tenant_id_nip": lambda: already_taken("nip")}):
        for name, value in changed.items():
            setattr(teacher, name, value)
        teacher.version += 1
    addresses = await contacts.read(tx, "teachers", [teacher])
    tx.emit(_teacher_updated(teacher, addresses[teacher.id]))
    return teacher


def _teacher_updated(teacher: Teacher, addresses: dict[str, str]) -> TeacherUpdated:
    personal = {"name": teacher.full_name} | addresses
    return TeacherUpdated(teacher_id=teacher.id, user_id=teacher.user_id, status=teacher.status, personal=personal)


async def tell_teachers(tx: TenantTransaction, *, contacts: Contacts) -> AsyncGenerator[TeacherUpdated, None]:
    """One event for each teacher of the tenant, whose row is held until COMMIT."""
    every = select(Teacher).where(Teacher.tenant_id == tx.tenant_id).order_by(Teacher.id).with_for_update(read=True)
    teachers = (await tx.scalars(every)).all()
    addresses = await contacts.read(tx, "teachers", teachers)
    for teacher in teachers:
        yield _teacher_updated(teacher, addresses[teacher.id])
