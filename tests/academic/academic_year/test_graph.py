from tests.academic.graph import Scene

YEAR = {
    "name": "2031/2032",
    "startDate": "2031-07-14",
    "endDate": "2032-06-26",
    "secondSemesterStart": "2032-01-05",
}
CREATED = """... on CreateAcademicYearSuccess { academicYear {
    id name startDate endDate isActive semesters { id name number startDate endDate isActive } } }"""


async def test_create_academic_year_and_every_way_it_is_refused(here: Scene, there: Scene):
    created = (await here.change("createAcademicYear", CREATED, **YEAR))["academicYear"]
    assert (created["name"], created["startDate"], created["isActive"]) == ("2031/2032", "2031-07-14", False)
    assert [(half["number"], half["startDate"], half["endDate"]) for half in created["semesters"]] == [
        (1, "2031-07-14", "2032-01-04"),
        (2, "2032-01-05", "2032-06-26"),
    ]
    answer = "... on AcademicYearOverlaps { other { id name } }"
    overlapping = await here.change("createAcademicYear", answer, **YEAR | {"name": "Another"})
    assert overlapping["other"] == {"id": created["id"], "name": "2031/2032"}
    assert overlapping["message"] == "Tanggalnya beririsan dengan tahun ajaran 2031/2032."
    wrong = await here.change("createAcademicYear", "", **YEAR | {"endDate": "2031-07-01"})
    assert [(fault["path"], fault["code"]) for fault in wrong["fields"]] == [("input.endDate", "OUT_OF_ORDER")]
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("createAcademicYear", "", actor, **YEAR))["code"] == "FORBIDDEN"
    assert (await there.change("createAcademicYear", CREATED, **YEAR))["academicYear"]["name"] == "2031/2032"
    assert len(here.world.rows("academic_years")) == 2


async def test_activate_semester_and_every_way_it_is_refused(here: Scene, there: Scene):
    second = here.world.semester(here.year, 2)
    answer = "... on ActivateSemesterSuccess { semester { id isActive } }"
    done = await here.change("activateSemester", answer, semesterId=str(second))
    assert done["semester"] == {"id": str(second), "isActive": True}
    for actor in ("principal", "parent"):
        assert (await here.ask("{ activeSemester { id number } }", actor)).ok()["activeSemester"]["number"] == 2
    assert (await there.ask("{ activeSemester { number } }")).ok()["activeSemester"]["number"] == 1
    assert (await here.change("activateSemester", "", semesterId=str(there.semester)))["code"] == "NOT_FOUND"
    for actor in ("principal", "teacher", "student", "parent"):
        assert (await here.change("activateSemester", "", actor, semesterId=str(second)))["code"] == "FORBIDDEN"


async def test_years_newest_first(here: Scene, there: Scene):
    await here.change("createAcademicYear", CREATED, **YEAR)
    query = "{ academicYears { nodes { name isActive semesters { number } } } }"
    for actor in ("principal", "teacher", "student", "parent"):
        nodes = (await here.ask(query, actor)).ok()["academicYears"]["nodes"]
        assert [(node["name"], node["isActive"]) for node in nodes] == [("2031/2032", False), ("2026/2027", True)]
        assert nodes[0]["semesters"] == [{"number": 1}, {"number": 2}]
    active = "{ academicYears(filter: {isActive: {eq: true}}) { nodes { name } } }"
    assert (await there.ask(active)).ok()["academicYears"]["nodes"] == [{"name": "2026/2027"}]
