from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from subgraphs.finance.billing_config.rules import BillingFrequency
from subgraphs.finance.model import BillingType
from tests.finance.world import World


async def test_what_a_school_bills_is_its_own(world: World, other_world: World):
    config = await world.config("SPP X", amount=300_000, due_day=31, class_level=10)
    (row,) = world.rows("billing_configurations")
    assert (row["id"], row["name"], row["amount"], row["type"]) == (config.id, "SPP X", 300_000, "SPP")
    assert (row["frequency"], row["due_day"], row["class_level"]) == ("MONTHLY", 31, 10)
    assert (row["valid_from"], row["valid_to"], row["is_active"], row["version"]) == (date(2026, 7, 1), None, True, 1)
    assert other_world.rows("billing_configurations") == []


async def test_every_type_and_frequency_is_known(world: World):
    for type_ in BillingType:
        for frequency in BillingFrequency:
            await world.config(f"{type_} {frequency}", type=type_, frequency=frequency)
    assert len(world.rows("billing_configurations")) == len(BillingType) * len(BillingFrequency)


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"due_day": 0}, {"due_day": 32}, {"class_level": 14}])
async def test_the_table_refuses_what_the_input_would(world: World, wrong: dict[str, int]):
    with pytest.raises(IntegrityError):
        await world.config(**wrong)
    assert world.rows("billing_configurations") == []
