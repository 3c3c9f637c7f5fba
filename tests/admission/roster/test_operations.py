from datetime import date

from libs.kernel import new_id
from tests.admission.world import World, year_created


async def test_a_year_is_kept_however_often_and_in_whatever_order_it_is_told(world: World, other_world: World):
    year = new_id()
    before = world.envelope(year_created(year, name="2027"), sequence=1)
    after = world.envelope(year_created(year, dates=(date(2027, 7, 19), date(2028, 6, 30))), sequence=2)
    for envelope in (after, before, before, after):
        await world.receive(envelope)
    (row,) = world.rows("academic_years")
    assert (row["id"], row["name"], row["sequence"]) == (year, "2027/2028", 2)
    assert (row["start_date"], row["end_date"]) == (date(2027, 7, 19), date(2028, 6, 30))
    assert other_world.rows("academic_years") == []
