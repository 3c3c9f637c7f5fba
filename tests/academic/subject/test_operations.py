import asyncio

from subgraphs.academic.subject.rules import CodeTaken
from tests.academic.world import World


async def test_a_code_is_taken_once_per_school_also_in_a_race(world: World, other_world: World):
    answers = await asyncio.gather(*(world.subject("MAT") for _ in range(5)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [CodeTaken] * 4
    assert refused[0].message("en") == "There already is a subject with the code MAT."
    await other_world.subject("MAT")
    (row,) = world.rows("subjects")
    assert (row["code"], row["category"], row["kkm"], row["credit_hours"]) == ("MAT", "WAJIB", 75, None)
    (event,) = world.events("SubjectCreated")
    assert event["subject_id"] == str(row["id"])
    assert (event["is_active"], event["kkm"]) == (True, 75)
