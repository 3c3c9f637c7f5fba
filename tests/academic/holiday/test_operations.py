import asyncio
from datetime import date

from libs.kernel import InvalidInput
from tests.academic.world import World

DAY = date(2026, 12, 25)


async def test_a_holiday_is_declared_once_per_school_also_in_a_race(world: World, other_world: World):
    answers = await asyncio.gather(*(world.holiday(DAY, "Natal") for _ in range(5)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [InvalidInput] * 4
    assert (refused[0].faults[0].path, refused[0].faults[0].code) == ("input.name", "TAKEN")
    await other_world.holiday(DAY, "Natal")
    [row] = world.rows("holidays")
    assert (row["date"], row["name"], row["scope"], row["affects_attendance"]) == (DAY, "Natal", "SCHOOL", True)
    [event] = world.events("HolidayDeclared")
    assert event == {
        "holiday_id": str(row["id"]),
        "date": "2026-12-25",
        "name": "Natal",
        "affects_attendance": True,
    }


async def test_a_day_may_have_two_and_a_name_two_days(world: World):
    await world.holiday(DAY, "Natal")
    await world.holiday(DAY, "Cuti bersama", affects_attendance=False)
    await world.holiday(date(2027, 12, 25), "Natal")
    assert [row["affects_attendance"] for row in world.rows("holidays")] == [True, False, True]
