"""Grading a subject of a class: its categories, its assessments, the grades of its pupils."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from libs.db import TenantTransaction
from libs.kernel import FieldFault, InvalidInput
from subgraphs.operations.grading.model import Assessment, GradeCategory
from subgraphs.operations.grading.queries import pupils_of, teaches
from subgraphs.operations.grading.rules import (
    CategoryInUse,
    NotTeachingThisClass,
    ScoreOutOfRange,
    check_weights,
    in_hundredths,
    is_within,
    unknown_category,
)
from subgraphs.operations.roster.model import ClassSubject

# In the order of pupils, so that two who grade the same assessment wait for each other instead of deadlocking. What is
# equal already, and what is approved, is left as it is; `xmax = 0` tells a row that was not there before.
_RECORD: Final = text(
    """
    insert into operations.grades as known
      (id, assessment_id, category_id, max_score, student_id, score_hundredths, notes, graded_by, graded_at)
    select entry.id, :assessment_id, :category_id, :max_score, entry.student_id, entry.score, entry.notes,
      :graded_by, :graded_at
    from unnest(cast(:ids as uuid[]), cast(:students as uuid[]), cast(:scores as bigint[]), cast(:notes as text[]))
      as entry (id, student_id, score, notes)
    order by entry.student_id
    on conflict (tenant_id, assessment_id, student_id) do update set
      score_hundredths = excluded.score_hundredths, notes = excluded.notes, graded_by = excluded.graded_by,
      graded_at = excluded.graded_at, updated_at = now()
    where known.status <> 'APPROVED'
      and (known.score_hundredths, known.notes) is distinct from (excluded.score_hundredths, excluded.notes)
    returning known.xmax = 0 as is_new
    """
)


@dataclass(frozen=True, slots=True)
class Grader:
    """Who grades; `any_subject` without teaching it."""

    user_id: UUID
    any_subject: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A pupil's score, None where it is missing."""

    student_id: UUID
    score: Decimal | None
    notes: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the entries; approved grades count as unchanged."""

    recorded: int
    updated: int
    unchanged: int


async def _to_grade(tx: TenantTransaction, class_subject_id: UUID, grader: Grader, *, lock: bool) -> ClassSubject:
    """The class subject, if this person grades it. Raises NotFound, NotTeachingThisClass."""
    class_subject = await tx.get(ClassSubject, class_subject_id, lock=lock)
    may = grader.any_subject or await teaches(tx, class_subject_id=class_subject.id, user_id=grader.user_id)
    if not may:
        raise NotTeachingThisClass
    return class_subject


async def set_grade_categories(
    tx: TenantTransaction, *, grader: Grader, class_subject_id: UUID, categories: Sequence[tuple[str, int]]
) -> list[GradeCategory]:
    """Replaces the categories of a class subject by these names and weights; those that stay keep their assessments.

    Raises NotFound, NotTeachingThisClass, InvalidInput, WeightsMustSumTo100, CategoryInUse.
    """
    # Who changes the categories waits for who adds an assessment to one of them, and the other way round.
    class_subject = await _to_grade(tx, class_subject_id, grader, lock=True)
    check_weights(categories)
    kept = [name for name, _ in categories]
    of_subject = (GradeCategory.tenant_id == tx.tenant_id, GradeCategory.class_subject_id == class_subject.id)
    left_out = (*of_subject, GradeCategory.name.not_in(kept))
    used = select(GradeCategory.name).where(*left_out, GradeCategory.assessment_count > 0).order_by(GradeCategory.name)
    if names := list(await tx.scalars(used)):
        raise CategoryInUse(names=", ".join(names))
    await tx.execute(delete(GradeCategory).where(*left_out))
    rows = [
        {"id": tx.new_id(), "class_subject_id": class_subject.id, "name": name, "weight": weight}
        for name, weight in categories
    ]
    new = insert(GradeCategory).values(rows)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "class_subject_id", "name"],
            set_={"weight": new.excluded.weight, "updated_at": tx.now},
        )
    )
    found = select(GradeCategory).where(*of_subject).order_by(GradeCategory.weight.desc(), GradeCategory.name)
    return list(await tx.scalars(found))


async def create_assessment(
    tx: TenantTransaction,
    *,
    grader: Grader,
    class_subject_id: UUID,
    category: str,
    title: str,
    max_score: int,
    assessment_date: date,
) -> Assessment:
    """Adds an assessment to a category of a class subject. `max_score` in points, at least 1.

    Raises NotFound, NotTeachingThisClass, InvalidInput for a category that the subject does not have.
    """
    class_subject = await _to_grade(tx, class_subject_id, grader, lock=True)
    counted = (
        update(GradeCategory)
        .where(
            GradeCategory.tenant_id == tx.tenant_id,
            GradeCategory.class_subject_id == class_subject.id,
            GradeCategory.name == category,
        )
        .values(assessment_count=GradeCategory.assessment_count + 1)
        .returning(GradeCategory.id)
        .execution_options(synchronize_session=False)
    )
    category_id = (await tx.execute(counted)).scalar_one_or_none()
    if category_id is None:
        raise unknown_category()
    assessment = Assessment(
        id=tx.new_id(),
        class_subject_id=class_subject.id,
        category_id=category_id,
        title=title,
        max_score=max_score,
        assessment_date=assessment_date,
        created_by=grader.user_id,
    )
    tx.add(assessment)
    await tx.flush()
    return assessment


async def record_grades(
    tx: TenantTransaction, *, grader: Grader, assessment_id: UUID, entries: Sequence[Entry]
) -> Recorded:
    """Writes the scores of pupils in an assessment, all or none; what is so already, or approved, stays as it is.

    Raises NotFound, NotTeachingThisClass, InvalidInput, ScoreOutOfRange.
    """
    assessment = await tx.get(Assessment, assessment_id)
    class_subject = await _to_grade(tx, assessment.class_subject_id, grader, lock=False)
    await _check_pupils(tx, class_subject, entries)
    for entry in entries:
        if not is_within(entry.score, max_score=assessment.max_score):
            raise ScoreOutOfRange(student_id=entry.student_id, max=assessment.max_score)
    values = {
        "assessment_id": assessment.id,
        "category_id": assessment.category_id,
        "max_score": assessment.max_score,
        "ids": [tx.new_id() for _ in entries],
        "students": [entry.student_id for entry in entries],
        "scores": [None if entry.score is None else in_hundredths(entry.score) for entry in entries],
        "notes": [entry.notes for entry in entries],
        "graded_by": grader.user_id,
        "graded_at": tx.now,
    }
    is_new = list((await tx.execute(_RECORD, values)).scalars())
    recorded = sum(is_new)
    return Recorded(recorded, len(is_new) - recorded, len(entries) - len(is_new))


async def _check_pupils(tx: TenantTransaction, class_subject: ClassSubject, entries: Sequence[Entry]) -> None:
    """Every pupil sits in the class and is named once. Raises InvalidInput."""
    known = await pupils_of(tx, class_subject, [entry.student_id for entry in entries])
    named = Counter(entry.student_id for entry in entries)
    faults = []
    for position, entry in enumerate(entries):
        path = f"input.entries[{position}].studentId"
        if entry.student_id not in known:
            texts = {"id": "Siswa ini bukan anggota kelas tersebut.", "en": "The pupil is not in this class."}
            faults.append(FieldFault(path, "NOT_IN_CLASS", texts))
        elif named[entry.student_id] > 1:
            texts = {"id": "Siswa ini disebut lebih dari sekali.", "en": "The pupil is named more than once."}
            faults.append(FieldFault(path, "DUPLICATE", texts))
    if faults:
        raise InvalidInput(faults)
