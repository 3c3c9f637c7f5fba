"""What is still to be paid, and what belongs to an invoice."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    any_,
    func,
    literal_column,
    select,
)

from subgraphs.finance.invoice.model import Invoice
from subgraphs.finance.invoice.rules import OPEN_STATUSES
from subgraphs.finance.payment.model import PaymentAllocation
from subgraphs.finance.roster.model import Enrollment

_OPEN: Final = literal_column(f"'{{{','.join(OPEN_STATUSES)}}}'::text[]", ARRAY(Text))


def still_open(invoices: FromClause) -> ColumnElement[int]:
    """Rupiah of an invoice that are still to be paid, whatever its status."""
    amount: ColumnElement[int] = invoices.c.amount
    return amount - invoices.c.discount - invoices.c.paid


def unpaid_total(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """Rupiah that the school is still to be paid."""
    invoice = Invoice.__table__.alias()
    owed = func.coalesce(func.sum(still_open(invoice)), literal_column("0"))
    return select(owed).where(invoice.c.tenant_id == tenant_id, invoice.c.status == any_(_OPEN)).scalar_subquery()


def classes_of_today(
    student_id: ColumnElement[UUID], *, tenant_id: ColumnElement[UUID], today: ColumnElement[date]
) -> Select[UUID]:
    """The classes a pupil sits in today."""
    sitting = Enrollment.__table__.alias()
    return select(sitting.c.class_id).where(
        sitting.c.tenant_id == tenant_id,
        sitting.c.student_id == student_id,
        sitting.c.valid_from <= today,
        func.coalesce(sitting.c.valid_to, literal_column("'infinity'::date")) > today,
    )


def payments_of_invoices(*, tenant_id: ColumnElement[UUID]) -> FromClause:
    """Invoice (source_id) and payment (target_id)."""
    part = PaymentAllocation.__table__.alias()
    pairs = select(part.c.invoice_id.label("source_id"), part.c.payment_id.label("target_id"))
    return pairs.where(part.c.tenant_id == tenant_id).subquery()


def outstanding_balance(student_id: ColumnElement[UUID], *, tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """Rupiah that a pupil is still to pay, read off one index."""
    invoice = Invoice.__table__.alias()
    owed = func.coalesce(func.sum(still_open(invoice)), literal_column("0"))
    wanted = (invoice.c.tenant_id == tenant_id, invoice.c.student_id == student_id, invoice.c.status == any_(_OPEN))
    return select(owed).where(*wanted).scalar_subquery()
