from tests.academic.graph import Scene

CHRISTMAS = {"date": "2026-12-25", "name": "Natal"}
DECLARED = "... on DeclareHolidaySuccess { holiday { id date name affectsAttendance } }"
LIST = "{ holidays { totalCount nodes { date name affectsAttendance } } }"


async def test_declare_holiday_and_every_way_it_is_refused(here: Scene, there: Scene):
    declared = (await here.change("declareHoliday", DECLARED, **CHRISTMAS))["holiday"]
    assert declared.pop("id")
    assert declared == CHRISTMAS | {"affectsAttendance": True}
    again = await here.change("declareHoliday", "", **CHRISTMAS)
    assert [(fault["path"], fault["code"]) for fault in again["fields"]] == [("input.name", "TAKEN")]
    assert again["fields"][0]["message"] == "Hari libur ini sudah ditetapkan."
    wrong = await here.change("declareHoliday", "", **CHRISTMAS | {"name": "x" * 121})
    assert [(fault["path"], fault["code"]) for fault in wrong["fields"]] == [("input.name", "TOO_LONG")]
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("declareHoliday", "", actor, **CHRISTMAS))["code"] == "FORBIDDEN"
    assert (await there.change("declareHoliday", DECLARED, **CHRISTMAS))["holiday"]["name"] == "Natal"
    assert len(here.world.rows("holidays")) == 1


async def test_everybody_of_the_school_reads_its_holidays(here: Scene, there: Scene):
    await here.change("declareHoliday", "", **CHRISTMAS)
    await here.change("declareHoliday", "", date="2026-08-17", name="Kemerdekaan", affectsAttendance=False)
    for actor in ("principal", "school_admin", "teacher", "student", "parent", "finance_staff"):
        holidays = (await here.ask(LIST, actor)).ok()["holidays"]
        assert holidays["totalCount"] == 2
        assert [each["name"] for each in holidays["nodes"]] == ["Kemerdekaan", "Natal"]
    query = """query($day: Date!) { holidays(filter: {date: {gte: $day}, affectsAttendance: {eq: true}}) {
        nodes { name } } }"""
    assert (await here.ask(query, day="2026-10-01")).ok()["holidays"]["nodes"] == [{"name": "Natal"}]
    assert (await there.ask(LIST)).ok()["holidays"] == {"totalCount": 0, "nodes": []}
