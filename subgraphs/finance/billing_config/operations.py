"""What a school bills."""

from datetime import date

from libs.db import TenantTransaction
from subgraphs.finance.billing_config.model import BillingConfiguration
from subgraphs.finance.billing_config.rules import BillingFrequency
from subgraphs.finance.model import BillingType


async def create_billing_config(
    tx: TenantTransaction,
    *,
    name: str,
    amount: int,
    type: BillingType,
    frequency: BillingFrequency,
    due_day: int,
    class_level: int | None,
    valid_from: date,
) -> BillingConfiguration:
    """Bills `amount` rupiah of every pupil of the class level, or of all, from `valid_from` on.

    `due_day` 31 is the last day of a shorter month.
    """
    config = BillingConfiguration(
        id=tx.new_id(),
        name=name,
        amount=amount,
        type=type.value,
        frequency=frequency.value,
        due_day=due_day,
        class_level=class_level,
        valid_from=valid_from,
    )
    tx.add(config)
    await tx.flush()
    return config
