from datetime import timedelta

from libs.kernel import Scope, new_id
from libs.testing import actor_of
from subgraphs.operations.roster import model as roster
from tests.operations.grading.school import TODAY, WEIGHTS, School, sitting

SUMMARY = "gradeSummary { subject { id } finalScore gradeLetter predicate kkm passed missing }"
CATEGORIES = [{"name": name, "weight": weight} for name, weight in WEIGHTS]
RECORDED = "... on RecordGradesSuccess { recorded updated unchanged } ... on ScoreOutOfRange { studentId max }"


async def test_the_whole_way_from_categories_to_the_final_score(here: School):
    maths, (ani, budi, _) = here.taught[0, "MAT"], here.students
    answer = "... on SetGradeCategoriesSuccess { categories { name weight } }"
    kept = await here.change("setGradeCategories", answer, classSubjectId=str(maths), categories=CATEGORIES)
    assert kept["categories"][0] == {"name": "UAS", "weight": 30}
    for (category, _), score in zip(WEIGHTS, (85, 90, 80, 88), strict=True):
        made = await here.change(
            "createAssessment",
            "... on CreateAssessmentSuccess { assessment { id title maxScore assessmentDate classSubject { id } } }",
            classSubjectId=str(maths),
            category=category,
            title=f"{category} 1",
            assessmentDate=TODAY.isoformat(),
        )
        assessment = made["assessment"]
        assert assessment["maxScore"] == 100
        assert assessment["classSubject"] == {"id": str(maths)}
        entries = [{"studentId": str(ani), "score": score}, {"studentId": str(budi), "score": None}]
        done = await here.change("recordGrades", RECORDED, assessmentId=assessment["id"], entries=entries)
        assert done == {"__typename": "RecordGradesSuccess", "recorded": 2, "updated": 0, "unchanged": 0}
    (summary, other, elsewhere) = await here.students_as("principal", SUMMARY)
    biology = {
        "subject": {"id": str(here.biology)}, "finalScore": None, "gradeLetter": None, "predicate": None,
        "kkm": 70, "passed": None, "missing": 1,
    }  # fmt: skip
    assert summary["gradeSummary"] == [
        biology,
        {
            "subject": {"id": str(here.maths)}, "finalScore": 86.4, "gradeLetter": "B", "predicate": "Baik",
            "kkm": 75, "passed": True, "missing": 0,
        },
    ]  # fmt: skip
    assert other["gradeSummary"][1] | {"missing": 0} == biology | {
        "subject": {"id": str(here.maths)}, "kkm": 75, "missing": 0,
    }  # fmt: skip
    assert other["gradeSummary"][1]["missing"] == 4
    assert [each["missing"] for each in elsewhere["gradeSummary"]] == [1, 1]


async def test_who_sees_which_grades(here: School, there: School):
    ani, budi, citra = here.students
    for (n, _), subject in here.taught.items():
        pupils = (ani, budi) if n == 0 else (citra,)
        await here.graded(subject, {"Tugas": dict.fromkeys(pupils, 80)})
    await there.graded(there.taught[0, "MAT"], {"Tugas": {there.students[0]: 80}})

    async def seen(actor: str) -> list[int]:
        found = await here.students_as(actor, "gradeSummary { finalScore }", [*here.students, there.students[0]])
        return [len(each["gradeSummary"]) for each in found]

    assert await seen("principal") == [2, 2, 2, 0]
    assert await seen("school_admin") == [2, 2, 2, 0]
    assert await seen("homeroom") == [2, 2, 0, 0]
    assert await seen("teacher") == [1, 1, 0, 0]
    assert await seen("student") == await seen("parent") == [2, 0, 0, 0]
    keys = [{"__typename": "Student", "id": str(ani)}]
    query = (
        "query($keys: [_Any!]!) { _entities(representations: $keys) { ... on Student { gradeSummary { missing } } } }"
    )
    refused = await here.ask(query, "finance_staff", keys=keys)
    assert refused.data == {"_entities": [{"gradeSummary": None}]}
    assert refused.codes == ["FORBIDDEN"]


async def test_who_taught_a_subject_last_grades_and_sees_it_and_nobody_before(here: School):
    maths, (ani, budi, _) = here.taught[0, "MAT"], here.students
    await here.graded(maths, {"Tugas": {ani: 80}})
    assessment = here.rows("assessments")[0]["id"]
    here.actors["successor"] = successor = actor_of("teacher", here.tenant_id)
    until = {"valid_from": TODAY - timedelta(days=9), "valid_to": TODAY - timedelta(days=1)}
    async with here.write(Scope.SYSTEM) as tx:
        ids = {"id": new_id(), "class_subject_id": maths, "teacher_id": new_id(), "user_id": successor.user_id}
        tx.add(roster.Teaching(**ids, **until, sequence=1))
    entries = [{"studentId": str(budi), "score": 70}]
    for actor, kind, seen in (("teacher", "NotTeachingThisClass", 0), ("successor", "RecordGradesSuccess", 1)):
        found = await here.students_as(actor, "gradeSummary { missing }")
        assert [len(each["gradeSummary"]) for each in found] == [seen, seen, 0]
        listed = (await here.ask("{ assessments { totalCount } }", actor)).ok()
        assert listed == {"assessments": {"totalCount": seen}}
        done = await here.change("recordGrades", "", actor, assessmentId=str(assessment), entries=entries)
        assert done["__typename"] == kind


async def test_another_semester_and_none_at_all(here: School, there: School):
    ani = here.students[0]
    for semester in (new_id(), there.semester):
        (found,) = await here.students_as("principal", f'gradeSummary(semesterId: "{semester}") {{ missing }}', [ani])
        assert found == {"gradeSummary": []}
    (same,) = await here.students_as("principal", f'gradeSummary(semesterId: "{here.semester}") {{ missing }}', [ani])
    assert same == {"gradeSummary": [{"missing": 1}, {"missing": 1}]}
    (unknown,) = await here.students_as("principal", "gradeSummary { missing }", [new_id()])
    assert unknown == {"gradeSummary": []}


async def test_who_sees_which_assessments(here: School, there: School):
    for subject in here.taught.values():
        await here.graded(subject, {"Tugas": {}})
    await there.graded(there.taught[0, "MAT"], {"Tugas": {}})
    query = "query($filter: AssessmentFilter) { assessments(filter: $filter) { nodes { id } totalCount } }"
    for actor, count in (("principal", 4), ("homeroom", 2), ("teacher", 1), ("student", 2), ("parent", 2)):
        assert (await here.ask(query, actor)).ok()["assessments"]["totalCount"] == count, actor
    wanted = {"classSubjectId": {"eq": str(here.taught[0, "BIO"])}}
    assert (await here.ask(query, "principal", filter=wanted)).ok()["assessments"]["totalCount"] == 1
    assert (await here.ask(query, "finance_staff")).codes == ["FORBIDDEN"]
    async with here.write(Scope.SYSTEM) as tx:
        tx.add(sitting(here.students[0], here.classes[1], TODAY - timedelta(days=1)))
    assert (await here.ask(query, "parent")).ok()["assessments"]["totalCount"] == 4


async def test_every_way_in_which_grading_is_refused(here: School, there: School):
    maths, ani = str(here.taught[0, "MAT"]), str(here.students[0])
    wrong = await here.change(
        "setGradeCategories", "... on WeightsMustSumTo100 { sum }",
        classSubjectId=maths, categories=[{"name": "Tugas", "weight": 90}],
    )  # fmt: skip
    assert (wrong["code"], wrong["sum"]) == ("WEIGHTS_MUST_SUM_TO_100", 90)
    await here.categories(here.taught[0, "MAT"])
    assessment = await here.assessment(here.taught[0, "MAT"], max_score=50)
    left_out = await here.change(
        "setGradeCategories", "... on CategoryInUse { names }",
        classSubjectId=maths, categories=[{"name": "UAS", "weight": 100}],
    )  # fmt: skip
    assert (left_out["__typename"], left_out["names"]) == ("CategoryInUse", "Tugas")
    assessed = {"classSubjectId": maths, "category": "Lain", "title": "UH 1", "assessmentDate": TODAY.isoformat()}
    unknown = await here.change("createAssessment", "", **assessed)
    assert [each["path"] for each in unknown["fields"]] == ["input.category"]
    entry = {"studentId": ani, "score": 51}
    grades = {"assessmentId": str(assessment.id), "entries": [entry]}
    over = await here.change("recordGrades", RECORDED, **grades)
    assert (over["code"], over["studentId"], over["max"]) == ("SCORE_OUT_OF_RANGE", ani, 50)
    stranger = await here.change(
        "recordGrades", "", assessmentId=str(assessment.id), entries=[{"studentId": str(there.students[0])}]
    )
    assert [(each["path"], each["code"]) for each in stranger["fields"]] == [
        ("input.entries[0].studentId", "NOT_IN_CLASS")
    ]
    for field, values in (
        ("setGradeCategories", {"classSubjectId": maths, "categories": CATEGORIES}),
        ("createAssessment", assessed),
        ("recordGrades", grades),
    ):
        assert (await here.change(field, "", "homeroom", **values))["__typename"] == "NotTeachingThisClass"
        for actor in ("student", "parent", "finance_staff", "principal"):
            assert (await here.change(field, "", actor, **values))["__typename"] == "Forbidden"
    gone = await here.change("recordGrades", "", assessmentId=str(new_id()), entries=[entry])
    assert gone["__typename"] == "NotFound"


async def test_a_school_that_switched_grading_off_changes_nothing(here: School):
    here.as_owner("operations", "update operations.tenants set features = '{}', sequence = 9 returning id")
    document = f'mutation {{ recordGrades(input: {{assessmentId: "{new_id()}", entries: []}}) {{ __typename }} }}'
    assert (await here.ask(document, "teacher")).codes == ["FEATURE_DISABLED"]
