from datetime import timedelta

from tests.academic.graph import Scene

ENROLLED = "... on EnrollStudentSuccess { enrollment { class { name } student { nis } validFrom validTo status } }"


async def test_enroll_student_and_every_way_it_is_refused(here: Scene, there: Scene):
    class_ = await here.world.class_(here.year, "X-3", seats=1)
    assert await here.world.import_(here.year, "8,,Dewi,P,,,,,,", "9,,Eka,L,,,,,,") == []
    dewi, eka = (next(row["id"] for row in here.world.rows("students") if row["nis"] == nis) for nis in "89")
    values = {"classId": str(class_.id), "studentId": str(dewi)}
    enrolled = (await here.change("enrollStudent", ENROLLED, **values))["enrollment"]
    assert enrolled == {
        "class": {"name": "X-3"},
        "student": {"nis": "8"},
        "validFrom": here.world.today.isoformat(),
        "validTo": (here.year.end_date + timedelta(days=1)).isoformat(),
        "status": "ACTIVE",
    }
    full = await here.change("enrollStudent", "... on ClassFull { capacity }", **values | {"studentId": str(eka)})
    assert (full["code"], full["capacity"]) == ("CLASS_FULL", 1)
    answer = "... on AlreadyEnrolled { class { name } }"
    again = await here.change("enrollStudent", answer, **values | {"studentId": str(here.students["1"])})
    assert (again["code"], again["class"]) == ("ALREADY_ENROLLED", {"name": "X-1"})
    early = (here.year.start_date - timedelta(days=1)).isoformat()
    outside = await here.change("enrollStudent", "", **values | {"studentId": str(eka), "from": early})
    assert [(fault["path"], fault["code"]) for fault in outside["fields"]] == [("input.from", "OUT_OF_RANGE")]
    for foreign in ({"classId": str(there.classes[0].id)}, {"studentId": str(there.students["1"])}):
        assert (await here.change("enrollStudent", "", **values | foreign))["code"] == "NOT_FOUND"
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("enrollStudent", "", actor, **values))["code"] == "FORBIDDEN"
    assert len(here.world.rows("enrollments")) == 4
    assert len(there.world.rows("enrollments")) == 3


async def test_an_answer_is_repeated_under_its_key_and_done_once(here: Scene):
    assert await here.world.import_(here.year, "8,,Dewi,P,,,,,,") == []
    dewi = next(row["id"] for row in here.world.rows("students") if row["nis"] == "8")
    document = f"mutation($input: EnrollStudentInput!) {{ enrollStudent(input: $input) {{ __typename {ENROLLED} }} }}"
    values = {"input": {"classId": str(here.classes[0].id), "studentId": str(dewi)}}
    headers = {"idempotency-key": "0198c0de-0000-7000-8000-000000000001"}
    answers = [await here.graph(document, values, actor=here.actors["school_admin"], headers=headers) for _ in range(2)]
    assert answers[0].ok() == answers[1].ok()
    assert answers[0].ok()["enrollStudent"]["__typename"] == "EnrollStudentSuccess"
    assert len(here.world.rows("enrollments")) == 4
