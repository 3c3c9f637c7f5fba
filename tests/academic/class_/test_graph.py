from datetime import timedelta

import pytest

from libs.kernel import new_id
from tests.academic.graph import Scene

CREATED = "... on CreateClassSuccess { class { id name level maxStudents studentCount academicYear { name } } }"


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        ("principal", ["X-1", "X-2"]),
        ("finance_staff", ["X-1", "X-2"]),
        ("teacher", ["X-1"]),
        ("student", ["X-1"]),
        ("parent", ["X-1"]),
    ],
)
async def test_everybody_sees_their_classes(here: Scene, there: Scene, actor: str, seen: list[str]):
    page = (await here.ask("{ classes { totalCount nodes { name } } }", actor)).ok()["classes"]
    assert page == {"totalCount": len(seen), "nodes": [{"name": name} for name in seen]}
    query = "query($id: ID!) { class(id: $id) { name } }"
    for class_ in here.classes:
        visible = {"name": class_.name} if class_.name in seen else None
        assert (await here.ask(query, actor, id=str(class_.id))).ok()["class"] == visible
    for foreign in there.classes:
        assert (await here.ask(query, actor, id=str(foreign.id))).ok()["class"] is None


async def test_a_class_shows_its_people_as_far_as_the_actor_sees_them(here: Scene):
    query = """{ classes(first: 1) { nodes { homeroomTeacher { fullName user { id } } studentCount
        subjects { subject { code } teacher { fullName } semester { number isActive } class { name } }
        students(first: 36) { nodes { fullName } } } } }"""
    account = str(here.actors["teacher"].user_id)
    for actor, pupils in (("principal", ["Ani Lestari", "Budi Santoso"]), ("parent", ["Ani Lestari"])):
        (node,) = (await here.ask(query, actor)).ok()["classes"]["nodes"]
        assert node == {
            "homeroomTeacher": {"fullName": "Guru Satu", "user": {"id": account}},
            "studentCount": 2,
            "subjects": [
                {
                    "subject": {"code": "MAT"},
                    "teacher": {"fullName": "Guru Satu"},
                    "semester": {"number": 1, "isActive": True},
                    "class": {"name": "X-1"},
                }
            ],
            "students": {"nodes": [{"fullName": name} for name in pupils]},
        }


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("level: {gte: 11}", []),
        ("level: {eq: 10}", ["X-1", "X-2"]),
        ('name: {ne: "X-1"}', ["X-2"]),
        ("major: {isNull: false}", []),
        ('academicYearId: {eq: "YEAR"}', ["X-1", "X-2"]),
        ('academicYearId: {eq: "TEACHER"}', []),
        ('homeroomTeacherId: {eq: "TEACHER"}', ["X-1"]),
        ('homeroomTeacherId: {ne: "TEACHER"}', ["X-2"]),
        ("homeroomTeacherId: {isNull: true}", ["X-2"]),
        ('homeroomTeacherId: {in: ["TEACHER"], isNull: false}', ["X-1"]),
        ("not: {homeroomTeacherId: {isNull: true}}", ["X-1"]),
    ],
)
async def test_filters(here: Scene, filter_: str, names: list[str]):
    filter_ = filter_.replace("YEAR", str(here.year.id)).replace("TEACHER", str(here.teacher_row.id))
    page = (await here.ask(f"{{ classes(filter: {{{filter_}}}) {{ nodes {{ name }} }} }}")).ok()["classes"]
    assert [node["name"] for node in page["nodes"]] == names


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        (None, ["X-1", "X-2"]),
        ("", ["X-1", "X-2"]),
        ('name: {ne: "X-1"}', ["X-2"]),
        ('or: [{academicYearId: {eq: "PAST"}}, {name: {eq: "X-1"}}]', ["X-1"]),
        ('academicYearId: {eq: "PAST"}', ["X-0"]),
        ('academicYearId: {in: ["PAST", "YEAR"]}', ["X-0", "X-1", "X-2"]),
        ('academicYearId: {ne: "YEAR"}', ["X-0"]),
        ("academicYearId: {isNull: false}", ["X-0", "X-1", "X-2"]),
        ("academicYearId: {isNull: true}", []),
        ("academicYearId: {}", ["X-0", "X-1", "X-2"]),
    ],
)
async def test_classes_are_this_years_unless_a_year_is_named(here: Scene, filter_: str | None, names: list[str]):
    first = here.year.start_date
    past = await here.world.year("2020/2021", dates=tuple(first - timedelta(days=days) for days in (400, 100, 250)))
    await here.world.class_(past, "X-0")
    given = "" if filter_ is None else f"(filter: {{{filter_}}})"
    given = given.replace("YEAR", str(here.year.id)).replace("PAST", str(past.id))
    page = (await here.ask(f"{{ classes{given} {{ totalCount nodes {{ name }} }} }}")).ok()["classes"]
    assert page == {"totalCount": len(names), "nodes": [{"name": name} for name in names]}


async def test_without_an_active_year_there_are_classes_of_named_years_alone(here: Scene):
    here.world.as_owner("academic", "update academic.academic_years set is_active = false")
    for filter_, count in (("", 0), (f'(filter: {{academicYearId: {{eq: "{here.year.id}"}}}})', 2)):
        assert (await here.ask(f"{{ classes{filter_} {{ totalCount }} }}")).ok()["classes"]["totalCount"] == count


async def test_create_class_and_every_way_it_is_refused(here: Scene, there: Scene):
    values = {"academicYearId": str(here.year.id), "name": " X-3 ", "level": 10}
    created = (await here.change("createClass", CREATED, **values))["class"]
    assert created.pop("id")
    assert created == {
        "name": "X-3",
        "level": 10,
        "maxStudents": 40,
        "studentCount": 0,
        "academicYear": {"name": "2026/2027"},
    }
    taken = await here.change("createClass", "... on NameTaken { name }", **values)
    assert (taken["__typename"], taken["code"], taken["name"]) == ("NameTaken", "NAME_TAKEN", "X-3")
    wrong = await here.change("createClass", CREATED, **values | {"name": "", "level": 99, "maxStudents": 0})
    assert [(fault["path"], fault["code"]) for fault in wrong["fields"]] == [
        ("input.name", "REQUIRED"),
        ("input.level", "TOO_LARGE"),
        ("input.maxStudents", "TOO_SMALL"),
    ]
    outside = await here.change("createClass", CREATED, **values | {"level": 9})
    assert [(fault["path"], fault["code"]) for fault in outside["fields"]] == [("input.level", "OUT_OF_RANGE")]
    for year in (there.year.id, new_id()):
        assert (await here.change("createClass", "", **values | {"academicYearId": str(year)}))["code"] == "NOT_FOUND"
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("createClass", "", actor, **values))["code"] == "FORBIDDEN"
    assert len(here.world.rows("classes")) == 3
    assert len(there.world.rows("classes")) == 2


async def test_assign_homeroom_teacher_and_every_way_it_is_refused(here: Scene, there: Scene):
    answer = "... on AssignHomeroomTeacherSuccess { class { name homeroomTeacher { id } } }"
    second = here.classes[1]
    values = {"classId": str(second.id), "teacherId": str(here.teacher_row.id)}
    done = await here.change("assignHomeroomTeacher", answer, "principal", **values)
    assert done["class"] == {"name": "X-2", "homeroomTeacher": {"id": values["teacherId"]}}
    page = (await here.ask("{ classes { nodes { name } } }", "teacher")).ok()["classes"]  # the teacher sees it now
    assert [node["name"] for node in page["nodes"]] == ["X-1", "X-2"]
    for foreign in ({"classId": str(there.classes[0].id)}, {"teacherId": str(there.teacher_row.id)}):
        assert (await here.change("assignHomeroomTeacher", "", **values | foreign))["code"] == "NOT_FOUND"
    for actor in ("teacher", "student", "parent", "finance_staff"):
        assert (await here.change("assignHomeroomTeacher", "", actor, **values))["code"] == "FORBIDDEN"
    assert there.world.rows("classes")[0]["homeroom_teacher_id"] == there.teacher_row.id
