"""Invoices as events tell of them."""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Row, select

from libs.db import TenantTransaction
from libs.events.contracts.finance import InvoiceCreated
from subgraphs.finance.invoice.model import Invoice


def invoice_created(invoice: Invoice | Row[Any]) -> InvoiceCreated:
    """The invoice as it was issued."""
    return InvoiceCreated(
        invoice_id=invoice.id,
        number=invoice.number,
        payer=invoice.payer,
        payer_id=invoice.payer_id,
        type=invoice.type,
        period=invoice.period,
        amount=invoice.amount,
        due_date=invoice.due_date,
    )


async def tell_invoices(tx: TenantTransaction) -> AsyncGenerator[InvoiceCreated, None]:
    """One event for each invoice of the tenant, whose row is held until COMMIT."""
    every = select(Invoice).where(Invoice.tenant_id == tx.tenant_id).order_by(Invoice.id).with_for_update(read=True)
    for invoice in await tx.scalars(every):
        yield invoice_created(invoice)
