"""Teachers and the accounts they get."""

from libs.db import TenantTransaction
from libs.events.contracts.academic import TeacherCreated
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.teacher.model import Teacher
from subgraphs.academic.teacher.rules import already_taken, check_nip


async def create_teacher(
    tx: TenantTransaction, *, contacts: Contacts, full_name: str, nip: str | None = None, email: str | None = None
) -> Teacher:
    """A teacher; with an e-mail address, identity invites the person to an account. Raises InvalidInput."""
    check_nip(nip)
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
