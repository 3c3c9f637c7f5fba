"""Invoices in the graph, and what they say of pupils and of the school."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select, any_, case

from libs.auth import Reach
from libs.graph import (
    Call,
    Connection,
    Info,
    ReadContext,
    Rupiah,
    column,
    compared,
    compared_any,
    connection,
    described_enum,
    entity,
    figure,
    find_one,
    given,
    given_out,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
    stub,
)
from subgraphs.finance.invoice import model, operations, rules
from subgraphs.finance.invoice.queries import (
    classes_of_today,
    outstanding_balance,
    payments_of_invoices,
    still_open,
    unpaid_total,
)
from subgraphs.finance.model import BillingType, Tenant

if TYPE_CHECKING:
    from subgraphs.finance.billing_config.graph import BillingConfig
    from subgraphs.finance.payment.graph import Payment

described_enum(rules.Payer, "Of whom money is asked.", STUDENT="A pupil.", APPLICANT="Somebody who applies.")
described_enum(
    rules.InvoiceStatus,
    "How an invoice stands.",
    UNPAID="Nothing is paid yet.",
    PARTIALLY_PAID="Part of it is paid.",
    PAID="All of it is paid.",
    OVERDUE="The day by which it was to be paid has passed, and something is still to be paid.",
    CANCELLED="It is asked for no more.",
    REFUNDED="What was paid was given back.",
    WRITTEN_OFF="The school no longer expects to be paid.",
)


def own_invoices(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Families: their pupils'. An applicant's are nobody's own."""
    return table.c.student_id == any_(context.student_ids)


def payments_of_invoice(context: ReadContext) -> FromClause:
    """Invoice -> payment."""
    return payments_of_invoices(tenant_id=context.tenant_id)


def _classes_of_today(table: FromClause, context: ReadContext) -> Select[UUID]:
    return classes_of_today(table.c.student_id, tenant_id=context.tenant_id, today=context.today)


_CONDITIONS = {
    "student_id": compared("Its pupil.", UUID, lambda t: t.c.student_id),
    "class_id": compared_any("Classes its pupil sits in today.", UUID, _classes_of_today, resource="class"),
}


@entity(model.Invoice.__table__, resource="invoice", visible=own_invoices, keyed=False, conditions=_CONDITIONS)
class Invoice:
    """What a pupil or an applicant is asked to pay."""

    id: UUID = column("Identity of the invoice.", filter=True)
    number: str = column("Number, like INV/2026/08/000001.", filter=True, order=True)
    amount: Rupiah = column("Rupiah, before what is discounted.", measure=True)
    discount: Rupiah = column("Rupiah that are not asked for.", measure=True)
    paid: Rupiah = column("Rupiah that are paid.", measure=True)
    open: Rupiah = column(
        "Rupiah between what is asked for and what is paid; of an invoice that is asked for no more, too.",
        of=still_open,
        measure=True,
    )
    due_date: date = column("Day by which it is to be paid.", filter=True, order=True)
    status: rules.InvoiceStatus = column("How it stands.", filter=True, group=True)
    period: str | None = column(
        "Month that is billed, like 2026-08; null for what is billed once.", filter=True, group=True
    )
    type: BillingType = column("What it is for.", filter=True, group=True)
    payer: rules.Payer = column("Of whom the money is asked.", filter=True, group=True)
    notes: str | None = column("What the school noted; the number of the application for its fee.")
    billing_config: Annotated["BillingConfig", strawberry.lazy("subgraphs.finance.billing_config.graph")] | None = one(
        "BillingConfig", "What is billed; null for the fee of an application."
    )
    student: Annotated["Student", strawberry.lazy("subgraphs.finance.invoice.graph")] | None = stub(
        "student_id", "The pupil; null for an applicant."
    )
    payments: Connection[Annotated["Payment", strawberry.lazy("subgraphs.finance.payment.graph")]] | None = connection(
        "Payment", "What was paid for it, latest first.", through=payments_of_invoice, order="paid_on desc"
    )


def _balance(student_id: ColumnElement[UUID], context: ReadContext) -> ColumnElement[int]:
    """Families are told of their pupils alone; of others nothing."""
    balance = outstanding_balance(student_id, tenant_id=context.tenant_id)
    return balance if context.reach is Reach.ALL else case((student_id == any_(context.student_ids), balance))


@entity(None, resource="invoice")
class Student:
    """A pupil, whom academic owns."""

    id: UUID = column("Identity of the pupil.")
    invoices: Connection[Invoice] | None = connection(
        "Invoice", "Invoices of the pupil, latest due first.", remote="student_id", order="due_date desc"
    )
    outstanding_balance: Rupiah | None = figure("Rupiah that the pupil is still to pay.", of=_balance)


@entity(Tenant.__table__, resource="school_overview")
class SchoolOverview:
    """A school's figures at this moment, which academic owns."""

    id: UUID = column("Identity of the school.")
    unpaid_total: Rupiah | None = column(
        "Rupiah that the school is still to be paid.", of=lambda t: unpaid_total(t.c.tenant_id)
    )


@strawberry.input(description="Which month to bill.")
class GenerateMonthlyInvoicesInput:
    month: str = given("The month, like 2026-08.", max_length=7)


@result
class GenerateMonthlyInvoicesSuccess:
    """Everybody has the invoices of the month."""

    created: int = given_out("Invoices that were issued just now.")
    existing: int = given_out("Invoices that had been issued before.")


@strawberry.type
class InvoiceQuery:
    """Queries about invoices."""

    invoices: Connection[Invoice] = root_connection(Invoice, "Invoices, latest due first.", order="due_date desc")
    invoice_aggregates = root_aggregates(Invoice, "Figures of the invoices.")

    @strawberry.field(description="An invoice by its identity.")
    async def invoice(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the invoice.")]
    ) -> Invoice | None:
        """Null when there is none for the actor."""
        return await find_one(info, Invoice, id=id)  # type: ignore[no-any-return]


@strawberry.type
class InvoiceMutation:
    """Mutations of invoices."""

    @mutation(permission="invoice:generate", feature="FINANCE")
    async def generate_monthly_invoices(
        self, call: Call, input: GenerateMonthlyInvoicesInput
    ) -> GenerateMonthlyInvoicesSuccess:
        """Issues what is billed monthly to every pupil who sits in a class in that month; again, what is missing."""
        month = rules.parse_month(input.month)
        generated = await operations.generate_monthly_invoices(call.tx, month=month, today=call.today)
        return GenerateMonthlyInvoicesSuccess(created=generated.created, existing=generated.existing)
