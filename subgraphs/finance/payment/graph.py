"""Payments in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, any_

from libs.graph import (
    Call,
    Connection,
    Info,
    ReadContext,
    Rupiah,
    column,
    compared,
    described_enum,
    entity,
    error,
    find_one,
    given,
    given_out,
    mutation,
    one,
    result,
    root_connection,
    stub,
)
from subgraphs.finance.model import LARGEST_AMOUNT
from subgraphs.finance.payment import model, operations, rules

if TYPE_CHECKING:
    from subgraphs.finance.invoice.graph import Invoice, Student

described_enum(
    rules.PaymentMethod,
    "The way money came.",
    CASH="Cash.",
    BANK_TRANSFER="Transfer to the school's bank account.",
    CREDIT_CARD="Credit card.",
    VIRTUAL_ACCOUNT="Transfer to an account number made for the payer.",
    QRIS="QRIS code.",
    EWALLET="Electronic wallet.",
)


def own_payments(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Families: those for their pupils. An applicant's are nobody's own."""
    return table.c.student_id == any_(context.student_ids)


@entity(
    model.Payment.__table__,
    resource="payment",
    visible=own_payments,
    keyed=False,
    conditions={"student_id": compared("The pupil it is for.", UUID, lambda t: t.c.student_id)},
)
class Payment:
    """Money that came in."""

    id: UUID = column("Identity of the payment.", filter=True)
    number: str = column("Number, like PAY/2026/08/000001.", filter=True, order=True)
    amount: Rupiah = column("Rupiah.")
    method: rules.PaymentMethod = column("The way it came.", filter=True)
    paid_on: date = column("Day on which it was paid.", filter=True, order=True)
    reference_number: str | None = column("What the bank or the payer calls it.", filter=True)
    student: Annotated["Student", strawberry.lazy("subgraphs.finance.invoice.graph")] | None = stub(
        "student_id", "The pupil it is for; null for an applicant."
    )


@error(rules.AlreadyPaid)
class AlreadyPaid:
    """All of the invoice is paid."""


@error(rules.AmountTooLarge)
class AmountTooLarge:
    """More than is still to be paid."""

    open: Rupiah = given_out("Rupiah that are still to be paid.")


@strawberry.input(description="Money that came in for an invoice.")
class RecordPaymentInput:
    invoice_id: UUID = given("The invoice.")
    amount: Rupiah = given("Rupiah.", min=1, max=LARGEST_AMOUNT)
    method: rules.PaymentMethod = given("The way it came.")
    paid_on: date = given("Day on which it was paid; not a day to come.")
    reference_number: str | None = given("What the bank or the payer calls it.", default=None, max_length=100)


@result
class RecordPaymentSuccess:
    """The payment is recorded."""

    payment_id: strawberry.Private[UUID]
    invoice_id: strawberry.Private[UUID]
    payment: Payment = one("Payment", "The payment.")
    invoice: Annotated["Invoice", strawberry.lazy("subgraphs.finance.invoice.graph")] = one(
        "Invoice", "The invoice as it stands now."
    )


@strawberry.type
class PaymentQuery:
    """Queries about payments."""

    payments: Connection[Payment] = root_connection(Payment, "Payments, latest first.", order="paid_on desc")

    @strawberry.field(description="A payment by its identity.")
    async def payment(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the payment.")]
    ) -> Payment | None:
        """Null when there is none for the actor."""
        return await find_one(info, Payment, id=id)  # type: ignore[no-any-return]


@strawberry.type
class PaymentMutation:
    """Mutations of payments."""

    @mutation(permission="payment:record", feature="FINANCE", errors=(AlreadyPaid, AmountTooLarge))
    async def record_payment(self, call: Call, input: RecordPaymentInput) -> RecordPaymentSuccess:
        """Records money that came in for an invoice, all of what is to be paid or part of it."""
        payment = await operations.record_payment(
            call.tx,
            invoice_id=input.invoice_id,
            amount=input.amount,
            method=input.method,
            paid_on=input.paid_on,
            reference_number=input.reference_number,
            received_by=call.actor.user_id,
            today=call.today,
        )
        return RecordPaymentSuccess(payment_id=payment.id, invoice_id=input.invoice_id)
