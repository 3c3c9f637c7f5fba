import pytest

from tests.academic.graph import Scene


@pytest.mark.parametrize("actor", ["principal", "school_admin"])
async def test_the_principal_sees_the_schools_figures(here: Scene, there: Scene, actor: str):
    await here.world.teacher("Second")
    query = "{ school { id name npsn level timezone overview { id students classes teachers } } }"
    tenant = str(here.world.tenant_id)
    assert (await here.ask(query, actor)).ok()["school"] == {
        "id": tenant,
        "name": "School school",
        "npsn": None,
        "level": "SMA",
        "timezone": "Asia/Jakarta",
        "overview": {"id": tenant, "students": 3, "classes": 2, "teachers": 2},
    }


@pytest.mark.parametrize("actor", ["teacher", "student", "parent", "finance_staff"])
async def test_others_see_the_school_without_its_figures(here: Scene, actor: str):
    answer = await here.ask("{ school { name overview { students } } }", actor)
    assert answer.data == {"school": {"name": "School school", "overview": None}}
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["path"] == ["school", "overview"]


async def test_no_reference_reaches_another_school(here: Scene, there: Scene):
    query = """query($keys: [_Any!]!) { _entities(representations: $keys) {
        ... on School { name } ... on SchoolOverview { students } } }"""
    keys = [
        {"__typename": kind, "id": str(scene.world.tenant_id)}
        for scene in (here, there)
        for kind in ("School", "SchoolOverview")
    ]
    answer = await here.graph(query, {"keys": keys}, actor=here.actors["principal"])
    assert answer.ok()["_entities"] == [{"name": "School school"}, {"students": 3}, None, None]
