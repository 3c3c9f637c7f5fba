import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from libs.kernel import InvalidInput, NotFound, Scope, new_id
from subgraphs.operations.grading.operations import Recorded
from subgraphs.operations.grading.rules import (
    CategoryInUse,
    NotTeachingThisClass,
    ScoreOutOfRange,
    WeightsMustSumTo100,
)
from tests.operations.grading.school import TODAY, WEIGHTS, School, sitting


async def test_categories_are_replaced_and_those_in_use_stay(here: School, there: School):
    maths = here.taught[0, "MAT"]
    teacher = here.grader("teacher")
    assert await here.categories(maths, grader=teacher) == [("UAS", 30), ("UH", 30), ("Tugas", 20), ("UTS", 20)]
    used = await here.assessment(maths, "Tugas")
    changed = (("Tugas", 40), ("UAS", 60))
    assert await here.categories(maths, changed) == [("UAS", 60), ("Tugas", 40)]
    assert {row["id"] for row in here.rows("assessments")} == {used.id}
    with pytest.raises(CategoryInUse) as refused:
        await here.categories(maths, [("UAS", 100)])
    assert refused.value.data == {"names": "Tugas"}
    with pytest.raises(WeightsMustSumTo100):
        await here.categories(maths, [("Tugas", 40)])
    rows = here.rows("grade_categories")
    assert {(row["name"], row["weight"]) for row in rows} == set(changed)
    assert all(row["updated_at"] > row["created_at"] for row in rows)
    assert there.rows("grade_categories") == []


async def test_only_who_teaches_the_subject_grades_it(here: School, there: School):
    maths, biology = here.taught[0, "MAT"], here.taught[0, "BIO"]
    for subject, actor in ((biology, "teacher"), (maths, "homeroom"), (here.taught[1, "MAT"], "teacher")):
        with pytest.raises(NotTeachingThisClass):
            await here.categories(subject, grader=here.grader(actor))
        await here.categories(subject)
        with pytest.raises(NotTeachingThisClass):
            await here.assessment(subject, grader=here.grader(actor))
        assessment = await here.assessment(subject)
        with pytest.raises(NotTeachingThisClass):
            await here.record(assessment, {}, grader=here.grader(actor))
    with pytest.raises(NotFound):
        await here.categories(there.taught[0, "MAT"])
    with pytest.raises(NotFound):
        await here.assessment(there.taught[0, "MAT"])
    await there.categories(there.taught[0, "MAT"])
    with pytest.raises(NotFound):
        await here.record(await there.assessment(there.taught[0, "MAT"]), {})


async def test_an_assessment_belongs_to_a_category_of_its_own_subject(here: School):
    await here.categories(here.taught[0, "MAT"])
    for subject, name in ((here.taught[0, "MAT"], "Lain"), (here.taught[0, "BIO"], "Tugas")):
        with pytest.raises(InvalidInput) as refused:
            await here.assessment(subject, name)
        assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.category", "UNKNOWN")]
    assert here.rows("assessments") == []


async def test_scores_are_recorded_changed_and_left_alone(here: School, there: School):
    maths, (ani, budi, _) = here.taught[0, "MAT"], here.students
    await here.categories(maths)
    first = await here.assessment(maths)
    assert await here.record(first, {ani: "87.5", budi: None}, here.grader("teacher")) == Recorded(2, 0, 0)
    assert await here.record(first, {ani: "87.5", budi: 0}) == Recorded(0, 1, 1)
    assert {row["student_id"]: row["score_hundredths"] for row in here.rows("grades")} == {ani: 8750, budi: 0}
    here.as_owner(
        "operations", "update operations.grades set status = 'APPROVED' where student_id = %s returning id", (ani,)
    )
    assert await here.record(first, {ani: 10, budi: None}, notes="lagi") == Recorded(0, 1, 1)
    assert {row["student_id"]: row["score_hundredths"] for row in here.rows("grades")} == {ani: 8750, budi: None}
    assert await here.record(first, {}) == Recorded(0, 0, 0)
    assert there.rows("grades") == []


async def test_wrong_scores_and_wrong_pupils_change_nothing(here: School, there: School):
    maths, (ani, budi, citra) = here.taught[0, "MAT"], here.students
    await here.categories(maths)
    assessment = await here.assessment(maths, max_score=50)
    for wrong in ("50.01", "-0.01"):
        with pytest.raises(ScoreOutOfRange) as refused:
            await here.record(assessment, {ani: 10, budi: wrong})
        assert refused.value.data == {"student_id": budi, "max": 50}
    others = await _before_and_after(here)
    with pytest.raises(InvalidInput) as strangers:
        await here.record(assessment, {ani: 10, citra: 10, there.students[0]: 10, **dict.fromkeys(others, 10)})
    assert [(fault.path, fault.code) for fault in strangers.value.faults] == [
        (f"input.entries[{place}].studentId", "NOT_IN_CLASS") for place in range(1, 5)
    ]
    assert here.rows("grades") == []


async def _before_and_after(here: School) -> list[UUID]:
    """Pupils who left the class on the semester's first day, or come on the day after its last."""
    first, after = TODAY - timedelta(days=60), TODAY + timedelta(days=61)
    pupils = [new_id(), new_id()]
    async with here.write(Scope.SYSTEM) as tx:
        tx.add(sitting(pupils[0], here.classes[0], first - timedelta(days=200), first))
        tx.add(sitting(pupils[1], here.classes[0], after))
    return pupils


async def test_of_two_who_grade_the_same_pupils_each_is_counted_once(here: School):
    maths, (ani, budi, _) = here.taught[0, "MAT"], here.students
    await here.categories(maths)
    assessment = await here.assessment(maths)
    done = await asyncio.gather(
        *(here.record(assessment, dict.fromkeys(order, 80)) for order in ((ani, budi), (budi, ani)))
    )
    assert sorted((each.recorded, each.unchanged) for each in done) == [(0, 2), (2, 0)]


async def test_a_category_is_not_taken_from_under_a_new_assessment(here: School):
    maths = here.taught[0, "MAT"]
    await here.categories(maths)
    outcomes = await asyncio.gather(
        here.assessment(maths, "UH"), here.categories(maths, [("Tugas", 100)]), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], InvalidInput | CategoryInUse)
    names = {row["name"] for row in here.rows("grade_categories")}
    assert names == ({"Tugas"} if isinstance(refused[0], InvalidInput) else {name for name, _ in WEIGHTS})
