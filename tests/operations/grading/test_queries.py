import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Uuid, bindparam

from libs.kernel import Scope, new_id, utc_now
from subgraphs.operations.grading.model import Assessment, Grade, GradeCategory
from subgraphs.operations.grading.queries import subject_grades
from subgraphs.operations.grading.rules import PREDICATES, Category, Mark, final_score, letter_of
from subgraphs.operations.roster import model as roster
from tests.operations.grading.school import TODAY, School, sitting
from tests.operations.grading.test_rules import HALVES

marks = st.integers(1, 1000).flatmap(
    lambda most: st.builds(Mark, st.none() | st.integers(0, most * 100), st.sampled_from((most, 3, 7, 100)))
)
fitting = st.builds(lambda mark: Mark(mark.score and min(mark.score, mark.max_score * 100), mark.max_score), marks)
subjects = st.tuples(
    st.integers(0, 100), st.lists(st.builds(Category, st.integers(1, 100), st.lists(fitting, max_size=4)), max_size=4)
)


async def _write(here: School, subjects: Sequence[tuple[int, Sequence[Category]]], student: Any) -> None:
    made: list[Any] = []
    class_id = new_id()
    made.append(sitting(student, class_id, TODAY - timedelta(days=1)))
    for position, (kkm, categories) in enumerate(subjects):
        subject, lesson = new_id(), new_id()
        made += [
            roster.Subject(id=subject, sequence=1, code="S", name=f"{position:03}", kkm=kkm),
            roster.ClassSubject(
                id=lesson, sequence=1, class_id=class_id, subject_id=subject, semester_id=here.semester
            ),
        ]
        for number, category in enumerate(categories):
            category_id = new_id()
            made.append(
                GradeCategory(
                    id=category_id,
                    class_subject_id=lesson,
                    name=str(number),
                    weight=category.weight,
                    assessment_count=len(category.marks),
                )
            )
            for mark in category.marks:
                assessment = new_id()
                made += [
                    Assessment(
                        id=assessment, class_subject_id=lesson, category_id=category_id, title="A",
                        max_score=mark.max_score, assessment_date=TODAY, created_by=new_id(),
                    ),
                    Grade(
                        assessment_id=assessment, category_id=category_id, max_score=mark.max_score, student_id=student, score_hundredths=mark.score,
                        graded_by=new_id(), graded_at=utc_now(),
                    ),
                ]  # fmt: skip
    async with here.write(Scope.SYSTEM) as tx:
        for kind in (roster.Enrollment, roster.Subject, roster.ClassSubject, GradeCategory, Assessment, Grade):
            tx.add(*(each for each in made if isinstance(each, kind)))
            await tx.flush()


async def _summary(here: School, student: Any) -> list[Any]:
    async with here.write() as tx:
        tenant = bindparam("tenant", here.tenant_id, Uuid)
        statement = subject_grades(bindparam("student", student, Uuid), tenant_id=tenant, semester_id=None)
        return list(await tx.execute(statement))


async def test_sql_says_what_the_rules_say(here: School):
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(subjects, min_size=1, max_size=6))
    def holds(taken: list[tuple[int, list[Category]]]) -> None:
        async def compare() -> None:
            student = new_id()
            await _write(here, taken, student)
            found = await _summary(here, student)
            assert len(found) == len(taken)
            for row, (kkm, categories) in zip(found, taken, strict=True):
                wanted = final_score(categories)
                assert (row.final_score, row.missing, row.kkm) == (wanted.score, wanted.missing, kkm)
                letter = None if wanted.score is None else letter_of(wanted.score, kkm=kkm)
                assert row.grade_letter == letter
                assert row.predicate == (PREDICATES[letter] if letter else None)
                assert row.passed == (None if wanted.score is None else wanted.score >= kkm)

        asyncio.run_coroutine_threadsafe(compare(), loop).result()

    await asyncio.to_thread(holds)


async def test_an_exact_half_is_rounded_up_although_its_parts_are_no_decimal_numbers(here: School):
    student = new_id()
    await _write(here, [(75, parts) for parts, _ in HALVES], student)
    assert [row.final_score for row in await _summary(here, student)] == [score for _, score in HALVES]


async def test_a_pupil_who_moved_has_each_subject_in_the_later_class(here: School):
    ani = here.students[0]
    async with here.write(Scope.SYSTEM) as tx:
        tx.add(sitting(ani, here.classes[1], TODAY - timedelta(days=10)))
    await here.graded(here.taught[0, "MAT"], {"Tugas": {ani: 10}})
    await here.graded(here.taught[1, "MAT"], {"Tugas": {ani: 90}})
    found = {row.name: (row.final_score, row.missing) for row in await _summary(here, ani)}
    assert found == {"Matematika": (Decimal(90), 3), "Biologi": (None, 1)}
