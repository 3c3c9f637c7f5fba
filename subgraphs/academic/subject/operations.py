"""Subjects."""

from collections.abc import AsyncGenerator

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.academic import SubjectCreated
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.subject.rules import CodeTaken, SubjectCategory


async def create_subject(
    tx: TenantTransaction,
    *,
    code: str,
    name: str,
    category: SubjectCategory,
    credit_hours: int | None = None,
    kkm: int = 75,
) -> Subject:
    """A subject; `credit_hours` are lessons a week, `kkm` the minimum mark (0-100). Raises CodeTaken."""
    subject = Subject(id=tx.new_id(), code=code, name=name, category=category.value, credit_hours=credit_hours, kkm=kkm)
    async with tx.rejecting({"uq_subjects_tenant_id_code": lambda: CodeTaken(subject_code=code)}):
        tx.add(subject)
    tx.emit(subject_created(subject))
    return subject


def subject_created(subject: Subject) -> SubjectCreated:
    """The subject's full state as others need it."""
    return SubjectCreated(
        subject_id=subject.id,
        code=subject.code,
        name=subject.name,
        category=subject.category,
        credit_hours=subject.credit_hours,
        is_active=bool(subject.is_active),
        kkm=subject.kkm,
    )


async def tell_subjects(tx: TenantTransaction) -> AsyncGenerator[SubjectCreated, None]:
    """One event for each subject of the tenant, whose row is held until COMMIT."""
    every = select(Subject).where(Subject.tenant_id == tx.tenant_id).order_by(Subject.id).with_for_update(read=True)
    for subject in await tx.scalars(every):
        yield subject_created(subject)
