import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError, ProgrammingError

from libs.kernel import new_id
from subgraphs.finance.model import BillingType
from subgraphs.finance.payment.operations import record_payment
from subgraphs.finance.payment.rules import AlreadyPaid, AmountTooLarge, PaymentMethod
from tests.finance.world import World, applied

ENTRIES = """
    select e.id, sum(l.debit) as debits, sum(l.credit) as credits, count(l.id) as lines
    from finance.ledger_entries e left join finance.ledger_lines l on l.tenant_id = e.tenant_id and l.entry_id = e.id
    where e.tenant_id = %s group by e.id
"""
BALANCES = """
    select a.code, sum(l.debit - l.credit)::bigint as balance from finance.ledger_accounts a
    join finance.ledger_lines l on l.tenant_id = a.tenant_id and l.account_id = a.id where a.tenant_id = %s group by a.code
"""


def balances(world: World) -> dict[str, int]:
    return {row["code"]: row["balance"] for row in world.as_owner("finance", BALANCES, (world.tenant_id,))}


def check_books(world: World) -> None:
    """Every entry balances, every document has one, and the accounts say what the documents say."""
    entries = world.as_owner("finance", ENTRIES, (world.tenant_id,))
    assert all(each["debits"] == each["credits"] > 0 and each["lines"] == 2 for each in entries)
    invoices, payments, told = world.invoices(), world.rows("payments"), balances(world)
    assert len(entries) == len(invoices) + len(payments)
    assert sum(told.values()) == 0
    assert told.get("RECEIVABLE", 0) == sum(row["amount"] - row["paid"] for row in invoices)
    assert told.get("CASH", 0) == sum(row["amount"] for row in payments)
    for type_ in BillingType:
        earned = sum(row["amount"] for row in invoices if row["type"] == type_)
        assert told.get(f"REVENUE_{type_}", 0) == -earned


async def billed(world: World) -> list[UUID]:
    await world.pupils(3, class_id=await world.class_())
    await world.config()
    await world.config("Iuran", amount=75_000, type=BillingType.CONTRIBUTION)
    await world.generate()
    await world.receive(applied(150_000))
    return [row["id"] for row in world.invoices()]


async def test_the_books_say_what_the_documents_say(world: World, other_world: World):
    invoices, _ = await billed(world), await billed(other_world)
    chance = random.Random(5)
    for _ in range(50):
        try:
            await world.pay(chance.choice(invoices), chance.choice((1, 25_000, 75_000, 125_000, 250_000)))
        except (AlreadyPaid, AmountTooLarge):
            continue
    for each in (world, other_world):
        check_books(each)
    assert balances(other_world) == {
        "RECEIVABLE": 3 * 325_000 + 150_000,
        "REVENUE_SPP": -750_000,
        "REVENUE_CONTRIBUTION": -225_000,
        "REVENUE_REGISTRATION": -150_000,
    }


async def test_invoices_go_to_the_day_of_their_issue_and_payments_to_the_day_they_were_paid(world: World):
    invoice, paid_on = (await billed(world))[0], world.today - timedelta(days=12)
    await world.pay(invoice, 1_000, paid_on=paid_on)
    days = {(row["payment_id"] is not None, row["day"]) for row in world.rows("ledger_entries")}
    assert days == {(False, world.today), (True, paid_on)}


async def test_everything_at_once_leaves_the_books_right_and_no_gap(world: World, other_world: World):
    invoices, foreign = await billed(world), await billed(other_world)
    months = [world.generate(month) for month in ("2026-09", "2026-09", "2026-10")]
    paying = [world.pay(each, 25_000) for each in invoices * 2] + [other_world.pay(each, 75_000) for each in foreign]
    applying = [world.receive(applied(1_000)) for _ in range(10)]
    await asyncio.gather(*months, *paying, *applying)
    for each in (world, other_world):
        check_books(each)
        numbers = [row["number"] for row in (*each.invoices(), *each.rows("payments"))]
        for series in each.rows("number_series"):
            found = sorted(number for number in numbers if number.startswith(series["name"]))
            assert found == [f"{series['name']}/{n:06d}" for n in range(1, series["last"] + 1)]


async def test_a_payment_that_is_taken_back_leaves_no_number(world: World):
    first, second = (await billed(world))[:2]

    async def fail() -> None:
        async with world.write() as tx:
            await record_payment(
                tx,
                invoice_id=first,
                amount=1_000,
                method=PaymentMethod.QRIS,
                paid_on=world.today,
                reference_number=None,
                received_by=new_id(),
                today=world.today,
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await world.pay(second, 1_000)).number == "PAY/2026/09/000001"
    check_books(world)


async def test_the_first_postings_may_meet(world: World):
    await world.receive(applied(150_000), applied(100_000))
    world.as_owner("finance", "truncate finance.ledger_accounts cascade")
    invoices = [row["id"] for row in world.invoices()]
    await asyncio.gather(*(world.pay(each, 50_000) for each in invoices))
    assert len(world.rows("ledger_accounts")) == 9
    assert balances(world) == {"CASH": 100_000, "RECEIVABLE": -100_000}


async def test_applications_of_two_schools_in_one_batch_are_both_booked(world: World, other_world: World):
    await world.receive(world.envelope(applied(1_000)), other_world.envelope(applied(2_000)))
    for each, amount in ((world, 1_000), (other_world, 2_000)):
        assert balances(each) == {"RECEIVABLE": amount, "REVENUE_REGISTRATION": -amount}
        check_books(each)


async def _run(world: World, statement: str, values: tuple) -> None:
    async with world.write() as tx:
        await (await tx.session.connection()).exec_driver_sql(statement, values)


async def test_an_entry_that_does_not_balance_is_refused(world: World):
    invoice = (await billed(world))[0]
    account, entry = world.rows("ledger_accounts")[0]["id"], world.rows("ledger_entries")[0]["id"]
    line = "insert into finance.ledger_lines (id, entry_id, account_id, debit, credit) values (%s, %s, %s, 1, 0)"
    with pytest.raises(IntegrityError, match="do not balance"):
        await _run(world, line, (new_id(), entry, account))
    world.as_owner("finance", "truncate finance.ledger_entries cascade")
    empty = "insert into finance.ledger_entries (id, day, invoice_id) values (%s, '2026-09-01', %s)"
    with pytest.raises(IntegrityError, match="do not balance"):
        await _run(world, empty, (new_id(), invoice))


@pytest.mark.parametrize("table", ["ledger_accounts", "ledger_entries", "ledger_lines"])
async def test_what_is_booked_cannot_be_changed(world: World, table: str):
    await billed(world)
    before = world.rows(table)
    for statement in (f"update finance.{table} set id = %s", f"delete from finance.{table} where id <> %s"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            await _run(world, statement, (new_id(),))
    assert world.rows(table) == before
