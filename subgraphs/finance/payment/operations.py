"""Taking payments."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.finance import PaymentReceived
from subgraphs.finance.invoice.model import Invoice
from subgraphs.finance.invoice.rules import OPEN_STATUSES, InvoiceStatus, status_after_payment
from subgraphs.finance.ledger.queries import post_payment
from subgraphs.finance.payment.model import Payment, PaymentAllocation
from subgraphs.finance.payment.rules import PaymentMethod, check_paid_on, check_payment
from subgraphs.finance.series.queries import take_numbers
from subgraphs.finance.series.rules import Document, document_number, series_of


async def record_payment(
    tx: TenantTransaction,
    *,
    invoice_id: UUID,
    amount: int,
    method: PaymentMethod,
    paid_on: date,
    reference_number: str | None,
    received_by: UUID,
    today: date,
) -> Payment:
    """Takes `amount` rupiah for an invoice. The number bears the month in which the payment is recorded.

    Raises NotFound, InvalidInput, AlreadyPaid, AmountTooLarge.
    """
    check_paid_on(paid_on, today=today)
    # Locked: of two that pay the last rupiah, the second sees that they are paid.
    invoice = await tx.get(Invoice, invoice_id, lock=True)
    status = InvoiceStatus(invoice.status)
    is_paid, is_open = status is InvoiceStatus.PAID, status in OPEN_STATUSES
    check_payment(is_paid=is_paid, is_open=is_open, open=invoice.open, amount=amount)
    invoice.paid += amount
    invoice.status = status_after_payment(status, due=invoice.due, paid=invoice.paid).value
    await tx.flush()
    series = series_of(Document.PAYMENT, today)
    payment = Payment(
        id=tx.new_id(),
        number=document_number(series, await take_numbers(tx, series)),  # the last lock of the transaction
        payer=invoice.payer,
        payer_id=invoice.payer_id,
        student_id=invoice.student_id,
        amount=amount,
        method=method.value,
        paid_on=paid_on,
        reference_number=reference_number,
        received_by=received_by,
    )
    tx.add(payment)
    await tx.flush()
    part = {"payment_id": payment.id, "invoice_id": invoice.id, "student_id": invoice.student_id, "amount": amount}
    tx.add(PaymentAllocation(id=tx.new_id(), **part))
    await post_payment(tx, payment.id, amount=amount, method=payment.method, day=paid_on)
    tx.emit(payment_received(payment, invoice))
    return payment


def payment_received(payment: Payment, invoice: Invoice) -> PaymentReceived:
    """The payment, and how its invoice stands with it."""
    return PaymentReceived(
        payment_id=payment.id,
        number=payment.number,
        invoice_id=invoice.id,
        invoice_number=invoice.number,
        payer=invoice.payer,
        payer_id=invoice.payer_id,
        type=invoice.type,
        amount=payment.amount,
        invoice_amount=invoice.due,
        paid=invoice.paid,
        status=invoice.status,
        method=payment.method,
        paid_on=payment.paid_on,
    )


async def tell_payments(tx: TenantTransaction) -> AsyncGenerator[PaymentReceived, None]:
    """One event for each payment of the tenant, with its invoice as it stands now; rows are held until COMMIT."""
    every = (
        select(Payment, Invoice)
        .join(
            PaymentAllocation,
            (PaymentAllocation.tenant_id == Payment.tenant_id) & (PaymentAllocation.payment_id == Payment.id),
        )
        .join(Invoice, (Invoice.tenant_id == Payment.tenant_id) & (Invoice.id == PaymentAllocation.invoice_id))
        .where(Payment.tenant_id == tx.tenant_id)
        .order_by(Payment.id)
        .with_for_update(read=True)
    )
    for payment, invoice in (await tx.execute(every)).all():
        yield payment_received(payment, invoice)
