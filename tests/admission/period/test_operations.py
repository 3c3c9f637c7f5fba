import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from libs.db import Database
from libs.jobs import add_schedule
from libs.jobs.schedules import Scheduler
from libs.kernel import InvalidInput, NotFound, Scope, new_id
from subgraphs.admission.jobs import SCHEDULES
from subgraphs.admission.period.operations import CLOSE_PERIODS, close_periods, tell_periods
from subgraphs.admission.period.rules import PeriodCodeTaken, PeriodNotDraft
from tests.admission.world import TODAY, YEAR, World


async def test_a_period_is_planned_and_opened(world: World, other_world: World):
    planned = await world.period(code="a1", max_applicants=40)
    (row,) = world.rows("periods")
    assert (row["status"], row["code"], row["applicants"], row["version"]) == ("DRAFT", "A1", 0, 1)
    assert row["number_prefix"] == "SCHOOL-2027A1"
    assert world.events() == []
    await world.open(planned)
    (row,) = world.rows("periods")
    assert (row["status"], row["version"]) == ("OPEN", 2)
    (event,) = world.events("AdmissionPeriodOpened")
    assert event == event | {
        "period_id": str(planned.id),
        "code": "A1",
        "start_date": TODAY.isoformat(),
        "registration_fee": 150_000,
        "max_applicants": 40,
    }
    assert other_world.rows("periods") == []


async def test_the_year_must_be_known_and_the_values_right(world: World, other_world: World):
    foreign = await other_world.year()
    for year in (foreign, new_id()):
        with pytest.raises(NotFound):
            await world.period(year)
    with pytest.raises(InvalidInput):
        await world.period(end_date=TODAY - timedelta(days=1))
    assert world.rows("periods") == []


async def test_a_code_is_given_once_a_year(world: World, other_world: World):
    year = await world.year()
    raced = await asyncio.gather(*(world.period(year, code=code) for code in "aA"), return_exceptions=True)
    (refused,) = [each for each in raced if isinstance(each, Exception)]
    assert isinstance(refused, PeriodCodeTaken)
    assert refused.data == {"period_code": "A"}
    twin = await world.year((date(2027, 1, 4), date(2027, 12, 20)))
    with pytest.raises(PeriodCodeTaken):  # their numbers would be the same
        await world.period(twin, code="A")
    await world.period(await world.year((date(2028, 7, 10), date(2029, 6, 23))), code="A")
    await other_world.period(code="A")
    assert len(world.rows("periods")) == 2


async def test_a_period_is_opened_once(world: World, other_world: World):
    period = await world.period()
    raced = await asyncio.gather(world.open(period), world.open(period), return_exceptions=True)
    assert [type(each) for each in raced if isinstance(each, Exception)] == [PeriodNotDraft]
    assert len(world.events("AdmissionPeriodOpened")) == 1
    with pytest.raises(NotFound):
        await other_world.open(period)
    over = await world.period(code="Z", start_date=TODAY - timedelta(days=9), end_date=TODAY - timedelta(days=1))
    with pytest.raises(InvalidInput):
        await world.open(over)


async def test_a_period_closes_after_its_last_day_on_the_schools_clock(world: World, other_world: World):
    year = await world.year()
    ended = await world.opened(year=year, start_date=TODAY, end_date=TODAY)
    last_day = await world.opened(year=year, code="B", start_date=TODAY, end_date=TODAY + timedelta(days=1))
    draft = await world.period(year, code="C", start_date=TODAY, end_date=TODAY)
    await other_world.opened(start_date=TODAY, end_date=TODAY)
    midnight = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)  # 26 November in Jakarta
    for moment in (midnight - timedelta(seconds=1), midnight, midnight):
        async with world.write(Scope.SYSTEM) as tx:
            tx.now = moment
            await close_periods(tx)
        states = {row["id"]: row["status"] for row in world.rows("periods")}
        closed = "CLOSED" if moment == midnight else "OPEN"
        assert states == {ended.id: closed, last_day.id: "OPEN", draft.id: "DRAFT"}
    assert [row["status"] for row in other_world.rows("periods")] == ["OPEN"]


async def test_closing_is_timed_work(world: World):
    await world.opened(year=await world.year((date(2020, 7, 1), YEAR[1])), start_date=TODAY, end_date=TODAY)
    async with world.write(Scope.SYSTEM) as tx:
        await add_schedule(tx, "admission", CLOSE_PERIODS, first_run_at=datetime(2026, 1, 1, tzinfo=UTC))
    later = Database(world.settings, "admission", clock=lambda: datetime(2026, 11, 27, tzinfo=UTC))
    assert await Scheduler(later, SCHEDULES).run_next()
    await later.close()
    assert [row["status"] for row in world.rows("periods")] == ["CLOSED"]


async def test_periods_that_were_opened_are_told_again(world: World, other_world: World):
    year = await world.year()
    opened = await world.opened(year=year)
    await world.period(year, code="B")
    async with world.write(Scope.SYSTEM) as tx:
        told = [event async for event in tell_periods(tx)]
    assert [(event.period_id, event.code) for event in told] == [(opened.id, "A")]
    async with other_world.write(Scope.SYSTEM) as tx:
        assert [event async for event in tell_periods(tx)] == []
