"""The fee of an application."""

from datetime import timedelta

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events import EventMeta, school_day
from libs.events.contracts.admission import ApplicationSubmitted
from subgraphs.finance.invoice.model import Invoice
from subgraphs.finance.invoice.operations.tell_invoices import invoice_created
from subgraphs.finance.invoice.rules import DAYS_TO_PAY_REGISTRATION, Payer
from subgraphs.finance.ledger.queries import post_invoices
from subgraphs.finance.model import Tenant
from subgraphs.finance.series.queries import take_numbers
from subgraphs.finance.series.rules import Document, document_number, series_of


async def bill_application(tx: TenantTransaction, event: ApplicationSubmitted, meta: EventMeta) -> None:
    """Issues the invoice of an application's fee, once however often the application is told; none where it is free."""
    if not event.registration_fee:
        return
    day = await school_day(tx, Tenant, meta.time)
    series = series_of(Document.INVOICE, day)
    await take_numbers(tx, series, 0)  # whoever else bills this application waits here
    billed = select(Invoice.id).where(
        Invoice.tenant_id == tx.tenant_id,
        Invoice.payer_id == event.application_id,
        Invoice.billing_config_id.is_(None),
        Invoice.period.is_(None),
    )
    if await tx.scalar(billed) is not None:
        return
    invoice = Invoice(
        id=tx.new_id(),
        number=document_number(series, await take_numbers(tx, series)),
        payer=Payer.APPLICANT.value,
        payer_id=event.application_id,
        type="REGISTRATION",
        amount=event.registration_fee,
        due_date=day + timedelta(days=DAYS_TO_PAY_REGISTRATION),
        notes=event.number,
    )
    tx.add(invoice)
    await tx.flush()
    await post_invoices(tx, [invoice.id], day=day)
    tx.emit(invoice_created(invoice))
