"""What a school bills, in the graph."""

from datetime import date
from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Connection,
    Rupiah,
    column,
    described_enum,
    entity,
    given,
    mutation,
    one,
    result,
    root_connection,
)
from subgraphs.finance.billing_config import model, operations, rules
from subgraphs.finance.model import LARGEST_AMOUNT, BillingType

described_enum(
    BillingType,
    "What money is asked for.",
    SPP="Monthly school fee (SPP).",
    CONTRIBUTION="Contribution, like the building fund.",
    REGISTRATION="Fee for applying or registering.",
    EXAM="Fee for an exam.",
    UNIFORM="Uniform.",
    OTHER="Anything else.",
)
described_enum(
    rules.BillingFrequency,
    "How often something is billed.",
    MONTHLY="Each month, by generateMonthlyInvoices.",
    YEARLY="Once a year.",
    ONCE="Once.",
)


@entity(model.BillingConfiguration.__table__, resource="billing_config", keyed=False)
class BillingConfig:
    """Something that the school bills its pupils for."""

    id: UUID = column("Identity.", filter=True)
    name: str = column("What it is called.", filter=True, order=True)
    amount: Rupiah = column("Rupiah for one period.")
    type: BillingType = column("What it is for.", filter=True)
    frequency: rules.BillingFrequency = column("How often it is billed.", filter=True)
    due_day: int = column("Day of the month by which it is to be paid, 1 to 31; 31 is the last day of any month.")
    class_level: int | None = column("Grade level that is billed; null for all of them.", filter=True)
    valid_from: date = column("First day for which it is billed.", filter=True)
    valid_to: date | None = column("First day for which it is billed no more; null while it lasts.")
    is_active: bool = column("Whether it is billed at all.", filter=True)


@strawberry.input(description="What to bill.")
class CreateBillingConfigInput:
    name: str = given("What it is called.", max_length=120)
    amount: Rupiah = given("Rupiah for one period.", min=1, max=LARGEST_AMOUNT)
    type: BillingType = given("What it is for.")
    frequency: rules.BillingFrequency = given("How often it is billed.")
    due_day: int = given("Day of the month by which it is to be paid; 31 is the last day of any month.", min=1, max=31)
    class_level: int | None = given(
        "Grade level that is billed; all of them unless given.", default=None, min=1, max=13
    )
    valid_from: date = given("First day for which it is billed.")


@result
class CreateBillingConfigSuccess:
    """It will be billed."""

    billing_config_id: strawberry.Private[UUID]
    billing_config: BillingConfig = one("BillingConfig", "What is billed.")


@strawberry.type
class BillingConfigQuery:
    """Queries about what is billed."""

    billing_configs: Connection[BillingConfig] = root_connection(
        BillingConfig, "What the school bills, by name.", order="name"
    )


@strawberry.type
class BillingConfigMutation:
    """Mutations of what is billed."""

    @mutation(permission="billing_config:create", feature="FINANCE")
    async def create_billing_config(self, call: Call, input: CreateBillingConfigInput) -> CreateBillingConfigSuccess:
        """Says what the school bills from a day on. Invoices that are issued stay as they are."""
        config = await operations.create_billing_config(
            call.tx,
            name=input.name,
            amount=input.amount,
            type=input.type,
            frequency=input.frequency,
            due_day=input.due_day,
            class_level=input.class_level,
            valid_from=input.valid_from,
        )
        return CreateBillingConfigSuccess(billing_config_id=config.id)
