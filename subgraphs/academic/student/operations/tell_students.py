"""The state of every pupil again, for projections that start from nothing."""

from collections.abc import AsyncGenerator

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.academic import GuardianLinked, StudentUpdated
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.student.model import Student
from subgraphs.academic.student.queries import student_states

_BATCH = 500


async def tell_students(
    tx: TenantTransaction, *, contacts: Contacts
) -> AsyncGenerator[StudentUpdated | GuardianLinked, None]:
    """Each pupil of the tenant and the guardians who have an account; the rows are held until COMMIT."""
    ids = (await tx.scalars(select(Student.id).where(Student.tenant_id == tx.tenant_id).order_by(Student.id))).all()
    for start in range(0, len(ids), _BATCH):
        for state in await student_states(tx, contacts, ids[start : start + _BATCH], lock=True):
            yield StudentUpdated(**state.fields)
            for link in state.links:
                yield link
