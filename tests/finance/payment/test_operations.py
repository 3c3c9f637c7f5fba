import asyncio
import random
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from libs.kernel import Binding, InvalidInput, NotFound, Scope, new_id
from subgraphs.finance.payment.operations import tell_payments
from subgraphs.finance.payment.rules import AlreadyPaid, AmountTooLarge
from tests.finance.world import World, applied

SUMS = """
    select i.id, i.amount - i.discount as due, i.paid, i.status,
      (select coalesce(sum(a.amount), 0) from finance.payment_allocations a where a.invoice_id = i.id) as allocated
    from finance.invoices i where i.tenant_id = %s
"""
PARTS = """
    select p.amount, (select sum(a.amount) from finance.payment_allocations a where a.payment_id = p.id) as allocated
    from finance.payments p where p.tenant_id = %s
"""


async def billed(world: World, count: int = 1) -> list[UUID]:
    await world.pupils(count, class_id=await world.class_())
    await world.config()
    await world.generate()
    return [row["id"] for row in world.invoices()]


def check_sums(world: World) -> None:
    """Every payment equals its parts, and every invoice stands as what was paid for it says."""
    assert all(row["amount"] == row["allocated"] for row in world.as_owner("finance", PARTS, (world.tenant_id,)))
    for row in world.as_owner("finance", SUMS, (world.tenant_id,)):
        assert row["paid"] == row["allocated"] <= row["due"]
        expected = "UNPAID" if row["paid"] == 0 else "PAID" if row["paid"] == row["due"] else "PARTIALLY_PAID"
        assert row["status"] in (expected, "OVERDUE") if expected != "PAID" else row["status"] == "PAID"


async def test_an_invoice_is_paid_in_two_parts(world: World, other_world: World):
    (invoice,) = await billed(world)
    first = await world.pay(invoice, 100_000, paid_on=date(2026, 8, 20))
    assert [(row["paid"], row["status"]) for row in world.invoices()] == [(100_000, "PARTIALLY_PAID")]
    second = await world.pay(invoice, 150_000)
    assert [(row["paid"], row["status"]) for row in world.invoices()] == [(250_000, "PAID")]
    assert [first.number, second.number] == ["PAY/2026/09/000001", "PAY/2026/09/000002"]
    events = world.events("PaymentReceived")
    assert [(each["amount"], each["paid"], each["status"]) for each in events] == [
        (100_000, 100_000, "PARTIALLY_PAID"),
        (150_000, 250_000, "PAID"),
    ]
    assert events[0] == events[0] | {"invoice_id": str(invoice), "invoice_amount": 250_000, "paid_on": "2026-08-20"}
    assert (events[0]["method"], events[0]["type"], events[0]["payer"]) == ("CASH", "SPP", "STUDENT")
    check_sums(world)
    assert other_world.rows("payments") == other_world.rows("payment_allocations") == []


async def test_more_than_is_open_is_refused(world: World):
    (invoice,) = await billed(world)
    await world.pay(invoice, 200_000)
    with pytest.raises(AmountTooLarge) as refused:
        await world.pay(invoice, 50_001)
    assert refused.value.data == {"open": 50_000}
    await world.pay(invoice, 50_000)
    with pytest.raises(AlreadyPaid):
        await world.pay(invoice, 1)
    assert [row["number"][-1] for row in world.rows("payments")] == ["1", "2"]
    check_sums(world)


async def test_what_cannot_be_paid(world: World, other_world: World):
    (invoice,) = await billed(world)
    for missing in (new_id(), (await billed(other_world))[0]):
        with pytest.raises(NotFound):
            await world.pay(missing, 1)
    with pytest.raises(InvalidInput):
        await world.pay(invoice, 1, paid_on=date(2026, 9, 2))
    for status in ("CANCELLED", "REFUNDED", "WRITTEN_OFF"):
        world.as_owner("finance", "update finance.invoices set status = %s where id = %s", (status, invoice))
        with pytest.raises(InvalidInput) as refused:
            await world.pay(invoice, 1)
        assert refused.value.faults[0].code == "NOT_OPEN"
    assert world.rows("payments") == []
    assert [row["name"] for row in world.rows("number_series")] == ["INV/2026/08"]


async def test_of_two_who_pay_the_same_invoice_one_wins(world: World):
    (invoice,) = await billed(world)
    answers = await asyncio.gather(*(world.pay(invoice, 250_000) for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in answers) == ["AlreadyPaid"] * 5 + ["Payment"]
    assert len(world.rows("payments")) == len(world.events("PaymentReceived")) == 1
    check_sums(world)


async def test_of_two_parts_that_are_too_much_together_one_wins(world: World):
    (invoice,) = await billed(world)
    answers = await asyncio.gather(*(world.pay(invoice, 150_000) for _ in range(2)), return_exceptions=True)
    (refused,) = [each for each in answers if isinstance(each, Exception)]
    assert (type(refused), refused.data) == (AmountTooLarge, {"open": 100_000})
    check_sums(world)


async def test_two_hundred_cashiers_leave_no_gap(world: World):
    invoices = await billed(world, 100)
    # Each invoice gets three payments of half its amount at once: the third is refused, and its number is nobody's.
    tries = [invoice for invoice in invoices for _ in range(3)]
    answers = await asyncio.gather(*(world.pay(each, 125_000) for each in tries), return_exceptions=True)
    assert {type(each) for each in answers if isinstance(each, Exception)} == {AlreadyPaid}
    numbers = sorted(row["number"] for row in world.rows("payments"))
    assert numbers == [f"PAY/2026/09/{n:06d}" for n in range(1, 201)]
    assert {row["status"] for row in world.invoices()} == {"PAID"}
    check_sums(world)


async def test_any_sequence_of_payments_leaves_the_books_right(world: World):
    invoices = await billed(world, 5)
    chance = random.Random(11)
    for _ in range(60):
        chosen, amount = chance.choice(invoices), chance.choice((1, 50_000, 99_999, 125_000, 250_000, 250_001))
        open_ = {row["id"]: row["amount"] - row["paid"] for row in world.invoices()}[chosen]
        if open_ == 0:
            with pytest.raises(AlreadyPaid):
                await world.pay(chosen, amount)
        elif amount > open_:
            with pytest.raises(AmountTooLarge):
                await world.pay(chosen, amount)
        else:
            await world.pay(chosen, amount)
    check_sums(world)
    paid = sum(row["amount"] for row in world.rows("payments"))
    assert (
        paid
        == sum(row["paid"] for row in world.invoices())
        == sum(e["amount"] for e in world.events("PaymentReceived"))
    )


async def test_the_parts_of_a_payment_must_add_up_to_it(world: World):
    (invoice,) = await billed(world)
    payment = await world.pay(invoice, 100_000)
    for statement in (
        "update finance.payments set amount = amount + 1 where id = %s",
        "update finance.payment_allocations set amount = amount - 1 where payment_id = %s",
    ):
        with pytest.raises(IntegrityError, match="do not add up"):
            await _change(world, statement, payment.id)
    check_sums(world)


async def _change(world: World, statement: str, row_id: UUID) -> None:
    async with world.write() as tx:
        await (await tx.session.connection()).exec_driver_sql(statement, (row_id,))


async def test_an_applicant_pays_and_families_see_their_own_alone(world: World):
    await world.receive(applied(150_000))
    (fee,) = [row["id"] for row in world.invoices()]
    await billed(world, 2)
    for row in world.invoices():
        await world.pay(row["id"], 100_000)
    assert {row["student_id"] for row in world.rows("payments") if row["payer"] == "APPLICANT"} == {None}
    mine = next(row["student_id"] for row in world.invoices() if row["id"] != fee)
    async with world.database.read(Binding(world.tenant_id, Scope.OWN, student_ids=(mine,))) as tx:
        for table in ("invoices", "payments", "payment_allocations"):
            rows = await (await tx.session.connection()).exec_driver_sql(f"select student_id from finance.{table}")
            assert [row[0] for row in rows] == [mine]


async def test_payments_are_told_again(world: World):
    (invoice,) = await billed(world)
    await world.pay(invoice, 100_000)
    await world.pay(invoice, 150_000)
    async with world.write(Scope.SYSTEM) as tx:
        told = [event async for event in tell_payments(tx)]
    assert [(each.amount, each.paid, each.status) for each in told] == [
        (100_000, 250_000, "PAID"),
        (150_000, 250_000, "PAID"),
    ]
