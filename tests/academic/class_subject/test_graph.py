from tests.academic.graph import Scene

ASSIGNED = """... on AssignSubjectToClassSuccess { classSubject {
    id class { name } subject { code } teacher { fullName } semester { number } } }"""


async def test_assign_subject_to_class_and_every_way_it_is_refused(here: Scene, there: Scene):
    values = {
        "classId": str(here.classes[1].id),
        "subjectId": str(here.subject.id),
        "semesterId": str(here.semester),
    }
    first = (await here.change("assignSubjectToClass", ASSIGNED, "principal", **values))["classSubject"]
    assert first["teacher"] is None
    again = await here.change("assignSubjectToClass", ASSIGNED, teacherId=str(here.teacher_row.id), **values)
    assert again["classSubject"] == first | {"teacher": {"fullName": "Guru Satu"}}
    assert first["class"] == {"name": "X-2"}
    foreign = {
        "classId": str(there.classes[0].id),
        "subjectId": str(there.subject.id),
        "semesterId": str(there.semester),
        "teacherId": str(there.teacher_row.id),
    }
    for name, value in foreign.items():
        refused = await here.change("assignSubjectToClass", "", **values | {name: value})
        assert refused["code"] == "NOT_FOUND", name
    year = await here.world.year("2035", dates=[here.year.start_date.replace(year=2035, day=1, month=7), here.year.start_date.replace(year=2036, day=1, month=6), here.year.start_date.replace(year=2036, day=1, month=1)])  # fmt: skip
    other = await here.change("assignSubjectToClass", "", **values | {"semesterId": str(here.world.semester(year))})
    assert [(fault["path"], fault["code"]) for fault in other["fields"]] == [("input.semesterId", "OTHER_YEAR")]
    for actor in ("teacher", "student", "parent", "finance_staff"):
        assert (await here.change("assignSubjectToClass", "", actor, **values))["code"] == "FORBIDDEN"


async def test_references_reach_only_the_classes_one_sees(here: Scene, there: Scene):
    hidden = await here.world.assign(here.classes[1], here.subject, here.semester)
    query = "query($keys: [_Any!]!) { _entities(representations: $keys) { ... on ClassSubject { subject { code } } } }"
    ids = [here.taught.id, hidden.id, there.taught.id]
    keys = [{"__typename": "ClassSubject", "id": str(each)} for each in ids]
    for actor, seen in (("principal", 2), ("teacher", 1), ("parent", 1), ("student", 1)):
        found = (await here.graph(query, {"keys": keys}, actor=here.actors[actor])).ok()["_entities"]
        assert found == [{"subject": {"code": "MAT"}}] * seen + [None] * (3 - seen)
