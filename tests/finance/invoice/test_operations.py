import asyncio
import time
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import Uuid, bindparam, select

from libs.events import school_day
from libs.jobs.schedules import Scheduler
from libs.kernel import Binding, Scope, new_id
from libs.testing.databases import add_school
from subgraphs.finance.billing_config.rules import BillingFrequency
from subgraphs.finance.invoice.operations import Generated, generate_monthly_invoices, mark_overdue, tell_invoices
from subgraphs.finance.invoice.queries import outstanding_balance
from subgraphs.finance.invoice.rules import parse_month
from subgraphs.finance.jobs import SCHEDULES
from subgraphs.finance.model import Tenant
from tests.finance.world import AUGUST, World, applied, enrolled, student_updated


def numbers(world: World) -> list[str]:
    return [row["number"] for row in world.invoices()]


async def test_every_pupil_is_billed_once_for_the_month(world: World, other_world: World):
    pupils = await world.pupils(3, class_id=await world.class_())
    config = await world.config(due_day=10)
    assert await world.generate() == Generated(created=3, existing=0)
    assert await world.generate() == Generated(created=0, existing=3)
    rows = world.invoices()
    assert numbers(world) == [f"INV/2026/08/00000{n}" for n in (1, 2, 3)]
    assert {row["student_id"] for row in rows} == {row["payer_id"] for row in rows} == set(pupils)
    for row in rows:
        assert (row["payer"], row["billing_config_id"], row["period"]) == ("STUDENT", config.id, AUGUST)
        assert (row["amount"], row["discount"], row["paid"], row["status"]) == (250_000, 0, 0, "UNPAID")
        assert (row["due_date"], row["type"]) == (date(2026, 8, 10), "SPP")
    events = world.events("InvoiceCreated")
    assert [(each["number"], each["invoice_id"]) for each in events] == [(r["number"], str(r["id"])) for r in rows]
    assert events[0]["due_date"] == "2026-08-10"
    assert await other_world.generate() == Generated(created=0, existing=0)
    assert other_world.invoices() == other_world.events() == []


async def test_a_run_issues_what_is_missing_and_its_numbers_go_on(world: World):
    class_ = await world.class_()
    await world.pupils(2, class_id=class_)
    await world.config()
    await world.generate()
    await world.pupils(1, class_id=class_)
    await world.config("Iuran", amount=50_000)
    assert await world.generate() == Generated(created=4, existing=2)
    assert numbers(world) == [f"INV/2026/08/00000{n}" for n in range(1, 7)]
    assert await world.generate("2026-09") == Generated(created=6, existing=0)
    assert numbers(world)[6:] == [f"INV/2026/09/00000{n}" for n in range(1, 7)]


async def test_two_runs_at_once_issue_nothing_twice(world: World, other_world: World):
    for each in (world, other_world):
        await each.pupils(20, class_id=await each.class_())
        await each.config()
    runs = await asyncio.gather(*(world.generate() for _ in range(4)), other_world.generate())
    assert sorted(run.created for run in runs[:4]) == [0, 0, 0, 20]
    assert runs[4] == Generated(created=20, existing=0)
    assert numbers(world) == numbers(other_world) == [f"INV/2026/08/{n:06d}" for n in range(1, 21)]
    assert len(world.events("InvoiceCreated")) == 20


async def test_two_thousand_pupils_are_billed_in_less_than_five_seconds(world: World):
    await world.pupils(2_000, class_id=await world.class_())
    await world.config()
    start = time.perf_counter()
    assert (await world.generate()).created == 2_000
    assert time.perf_counter() - start < 5
    assert len(world.events("InvoiceCreated")) == 2_000
    assert numbers(world)[-1] == "INV/2026/08/002000"


@pytest.mark.parametrize(
    ("month", "due_day", "expected"),
    [
        ("2027-02", 31, date(2027, 2, 28)),
        ("2027-02", 28, date(2027, 2, 28)),
        ("2026-09", 31, date(2026, 9, 30)),
        ("2026-12", 31, date(2026, 12, 31)),
        ("2026-12", 1, date(2026, 12, 1)),
    ],
)
async def test_a_due_day_that_the_month_has_not_is_its_last(world: World, month: str, due_day: int, expected: date):
    await world.pupils(1, class_id=await world.class_())
    await world.config(due_day=due_day)
    await world.generate(month)
    assert [row["due_date"] for row in world.invoices()] == [expected]


@pytest.mark.parametrize(
    ("days", "billed"),
    [
        ((date(2026, 7, 1), date(2026, 8, 1)), 0),  # the last day is 31 July
        ((date(2026, 7, 1), date(2026, 8, 2)), 1),
        ((date(2026, 8, 31), None), 1),
        ((date(2026, 9, 1), None), 0),
    ],
)
async def test_billed_is_who_sits_in_a_class_in_that_month(world: World, days: tuple, billed: int):
    await world.pupils(1, class_id=await world.class_(), days=days)
    await world.config()
    assert (await world.generate()).created == billed


async def test_who_has_left_the_school_is_billed_no_more(world: World):
    gone, _ = await world.pupils(2, class_id=await world.class_())
    await world.config()
    await world.receive(student_updated(gone, "WITHDRAWN"))
    assert (await world.generate()).created == 1


async def test_a_pupil_who_changes_classes_is_billed_once_by_the_last(world: World):
    first, second = await world.class_(10), await world.class_(11)
    (pupil,) = await world.pupils(1, class_id=first, days=(date(2026, 7, 13), date(2026, 8, 15)))
    await world.receive(enrolled(pupil, second, days=(date(2026, 8, 15), None)))
    for level in (10, 11):
        await world.config(f"SPP {level}", amount=level * 10_000, class_level=level)
    assert await world.generate() == Generated(created=1, existing=0)
    assert [row["amount"] for row in world.invoices()] == [110_000]


async def test_only_what_is_billed_monthly_in_force_and_for_the_level(world: World):
    await world.pupils(1, class_id=await world.class_(10))
    await world.config("level", class_level=11)
    await world.config("later", valid_from=date(2026, 9, 1))
    await world.config("yearly", frequency=BillingFrequency.YEARLY)
    await world.config("once", frequency=BillingFrequency.ONCE)
    for name, change in (("stopped", "is_active = false"), ("ended", "valid_to = '2026-08-01'")):
        config = await world.config(name)
        world.as_owner("finance", f"update finance.billing_configurations set {change} where id = %s", (config.id,))
    assert await world.generate() == Generated(created=0, existing=0)
    await world.config("in force", valid_from=date(2026, 8, 31), class_level=10)
    assert (await world.generate()).created == 1


async def test_a_run_that_fails_leaves_no_gap(world: World):
    await world.pupils(2, class_id=await world.class_())
    await world.config()

    async def fail() -> None:
        async with world.write() as tx:
            await generate_monthly_invoices(tx, month=parse_month(AUGUST), today=world.today)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert world.invoices() == world.events() == []
    await world.generate()
    assert numbers(world) == ["INV/2026/08/000001", "INV/2026/08/000002"]


async def test_an_application_is_billed_once_however_often_it_is_told(world: World, other_world: World):
    application = new_id()
    told = world.envelope(applied(150_000, application_id=application))
    later = world.envelope(applied(175_000, application_id=application), time=datetime(2026, 10, 2, tzinfo=UTC))
    await world.receive(told)
    for each in (told, later):
        await world.receive(each)
    (row,) = world.invoices()
    assert (row["payer"], row["payer_id"], row["student_id"]) == ("APPLICANT", application, None)
    assert (row["type"], row["amount"], row["period"]) == ("REGISTRATION", 150_000, None)
    # Half past five in the afternoon of 31 August, UTC, is 1 September in Jakarta.
    assert (row["number"], row["due_date"]) == ("INV/2026/09/000001", date(2026, 9, 8))
    (event,) = world.events()
    assert (event["payer"], event["payer_id"], event["period"]) == ("APPLICANT", str(application), None)
    assert other_world.invoices() == []


async def test_applying_for_nothing_is_not_billed(world: World):
    await world.receive(applied(None), applied(0))
    assert world.invoices() == world.events() == []
    await world.receive(applied(1), applied(2))
    assert numbers(world) == ["INV/2026/09/000001", "INV/2026/09/000002"]


async def test_what_is_not_paid_in_time_is_overdue_on_the_school_s_clock(world: World, other_world: World):
    for each in (world, other_world):
        await each.pupils(4, class_id=await each.class_())
        await each.config(due_day=31)
        await each.generate()
    invoices = [row["id"] for row in world.invoices()]
    await world.pay(invoices[0], 250_000)
    await world.pay(invoices[1], 100_000)
    world.as_owner("finance", "update finance.invoices set status = 'CANCELLED' where id = %s", (invoices[2],))
    world.as_owner("finance", "update finance.tenants set timezone = 'Asia/Jayapura' where id = %s", (world.tenant_id,))
    for hour, expected in ((14, "PARTIALLY_PAID UNPAID"), (15, "OVERDUE OVERDUE")):  # midnight in Jayapura is 15:00 UTC
        async with world.write(Scope.SYSTEM) as tx:
            tx.now = datetime(2026, 8, 31, hour, 30, tzinfo=UTC)
            await mark_overdue(tx)
        half, none = expected.split()
        assert [row["status"] for row in world.invoices()] == ["PAID", half, "CANCELLED", none]
    assert {row["status"] for row in other_world.invoices()} == {"UNPAID"}


async def test_the_schedule_runs_for_each_school(world: World):
    await world.pupils(1, class_id=await world.class_())
    await world.config()
    await world.generate("2026-07")
    world.as_owner(
        "finance",
        "insert into finance.timed_jobs (tenant_id, name, next_run_at) values (%s, 'mark_overdue', '2026-01-01')",
        (world.tenant_id,),
    )
    scheduler = Scheduler(world.database, SCHEDULES)
    assert await scheduler.run_next()
    assert not await scheduler.run_next()
    assert [row["status"] for row in world.invoices()] == ["OVERDUE"]


async def test_balances_are_of_what_is_still_asked_for(world: World, other_world: World):
    first, second, third = await world.pupils(3, class_id=await world.class_())
    await world.config()
    await world.generate()
    await world.generate("2026-09")
    by_pupil = {row["student_id"]: row["id"] for row in world.invoices()}
    await world.pay(by_pupil[first], 100_000)
    await world.pay(by_pupil[second], 250_000)
    world.as_owner("finance", "update finance.invoices set status = 'WRITTEN_OFF' where id = %s", (by_pupil[third],))
    owed = {first: 400_000, second: 250_000, third: 250_000}
    assert await _balances(world, [*owed, new_id()]) == owed
    assert await _balances(world, list(owed), Scope.OWN, (first,)) == {first: 400_000}
    assert await _balances(other_world, list(owed)) == {}


async def _balances(
    world: World, pupils: list[UUID], scope: Scope = Scope.TENANT, own: tuple[UUID, ...] = ()
) -> dict[UUID, int]:
    """What each owes, as the transaction's eyes see it; those who owe nothing are left out."""
    found = {}
    async with world.database.read(Binding(world.tenant_id, scope, student_ids=own)) as tx:
        for pupil in pupils:
            owed = outstanding_balance(
                bindparam("pupil", pupil, Uuid), tenant_id=bindparam("tenant", tx.tenant_id, Uuid)
            )
            found[pupil] = int(await tx.scalar(select(owed)) or 0)
    return {pupil: balance for pupil, balance in found.items() if balance}


async def test_the_day_of_a_school_that_is_not_known_yet_is_jakartas(world: World, settings):
    moment = datetime(2026, 8, 31, 17, 30, tzinfo=UTC)
    makassar = add_school(settings, "makassar", timezone="Asia/Makassar")
    for tenant, day in ((makassar, 1), (new_id(), 1)):
        async with world.database.read(Binding(tenant, Scope.SYSTEM)) as tx:
            assert await school_day(tx, Tenant, moment) == date(2026, 9, day)
    async with world.database.read(Binding(makassar, Scope.SYSTEM)) as tx:
        assert await school_day(tx, Tenant, datetime(2026, 8, 31, 16, 30, tzinfo=UTC)) == date(2026, 9, 1)


async def test_invoices_are_told_again(world: World, other_world: World):
    await world.pupils(2, class_id=await world.class_())
    await world.config()
    await world.generate()
    await world.receive(applied(1_000))
    async with world.write(Scope.SYSTEM) as tx:
        told = [event async for event in tell_invoices(tx)]
    assert [(each.number, each.payer, each.amount) for each in told] == [
        (each["number"], each["payer"], each["amount"]) for each in world.events("InvoiceCreated")
    ]
    async with other_world.write(Scope.SYSTEM) as tx:
        assert [event async for event in tell_invoices(tx)] == []
