"""Final scores of pupils in SQL, for as many at once as are asked for, and who sees and grades what."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from libs.db import ReadTransaction
from subgraphs.operations.grading.model import Grade, GradeCategory
from subgraphs.operations.grading.rules import PREDICATES, SCORE_DIGITS, SETTLED_DIGITS, WORKING_DIGITS
from subgraphs.operations.roster.model import Class, ClassSubject, Enrollment, Semester, Subject, Teaching

Seen = Callable[[FromClause], ColumnElement[bool]]
"""A condition over rows with `class_subject_id` and `class_id`."""


def _whole(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


def subject_grades(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    semester_id: ColumnElement[UUID] | None,
    seen: Seen | None = None,
) -> Select[*tuple[Any, ...]]:
    """A pupil's subjects of a semester (else the active one) by name, each with what rules.py says of its grades."""
    scores = _final_scores(student_id, tenant_id=tenant_id, semester_id=semester_id, seen=seen)
    subject = Subject.__table__.alias()
    final, kkm = scores.c.final_score, subject.c.kkm
    width, remainder = func.div(101 - kkm, 3), (101 - kkm) % 3
    b = kkm + width + case((remainder >= 1, 1), else_=0)
    a = b + width + case((remainder >= 2, 1), else_=0)  # noqa: PLR2004 - the second of two left over
    letter = case((final >= a, "A"), (final >= b, "B"), (final >= kkm, "C"), (final.is_not(None), "D"))
    return (
        select(
            scores.c.subject_id,
            subject.c.name,
            func.trim_scale(final).label("final_score"),
            letter.label("grade_letter"),
            case(*((letter == name, text) for name, text in PREDICATES.items())).label("predicate"),
            kkm,
            (final >= kkm).label("passed"),
            scores.c.missing,
        )
        .join_from(scores, subject, and_(subject.c.tenant_id == tenant_id, subject.c.id == scores.c.subject_id))
        .order_by(subject.c.name, subject.c.id)
    )


def _final_scores(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    semester_id: ColumnElement[UUID] | None,
    seen: Seen | None,
) -> FromClause:
    """Subject, final score and what is missing: rules.final_score, with as many digits at every step."""
    each = _category_scores(student_id, tenant_id=tenant_id, semester_id=semester_id, seen=seen)
    weight = case((each.c.given > 0, each.c.weight))
    exact = func.sum(each.c.mean * weight) / func.sum(weight)
    settled = func.round(exact, _whole(SETTLED_DIGITS))
    missing = func.sum(func.greatest(each.c.assessments, _whole(1)) - each.c.given)
    return (
        select(
            each.c.subject_id,
            func.round(settled, _whole(SCORE_DIGITS), type_=Numeric).label("final_score"),
            cast(missing, Integer).label("missing"),
        )
        .group_by(each.c.subject_id)
        .subquery()
    )


def _category_scores(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    semester_id: ColumnElement[UUID] | None,
    seen: Seen | None,
) -> FromClause:
    """Subject, weight, number of assessments, of scores, and their mean; one row where no category is set."""
    taken = _taken(student_id, tenant_id=tenant_id, semester_id=semester_id, seen=seen)
    category, grade = GradeCategory.__table__.alias(), Grade.__table__.alias()
    # PostgreSQL gives a quotient as many digits as its operands have.
    part = cast(grade.c.score_hundredths, Numeric(40, WORKING_DIGITS)) / grade.c.max_score
    return (
        select(
            taken.c.subject_id,
            category.c.weight,
            func.coalesce(category.c.assessment_count, _whole(0)).label("assessments"),
            func.count(grade.c.score_hundredths).label("given"),
            (func.sum(part) / func.nullif(func.count(grade.c.score_hundredths), _whole(0))).label("mean"),
        )
        .select_from(taken)
        .outerjoin(
            category,
            and_(category.c.tenant_id == tenant_id, category.c.class_subject_id == taken.c.class_subject_id),
        )
        .outerjoin(
            grade,
            and_(
                grade.c.tenant_id == tenant_id,
                grade.c.student_id == student_id,
                grade.c.category_id == category.c.id,
            ),
        )
        .group_by(taken.c.subject_id, category.c.id, category.c.weight, category.c.assessment_count)
        .subquery()
    )


def _taken(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    semester_id: ColumnElement[UUID] | None,
    seen: Seen | None,
) -> FromClause:
    """The subjects a pupil has in a semester, each in the class where the pupil sat last."""
    semester, sitting, subject = (
        Semester.__table__.alias(),
        Enrollment.__table__.alias(),
        ClassSubject.__table__.alias(),
    )
    asked = semester.c.is_active if semester_id is None else semester.c.id == semester_id
    taken = (
        select(subject.c.subject_id, subject.c.id.label("class_subject_id"), subject.c.class_id)
        .select_from(semester)
        .join(
            sitting,
            and_(
                sitting.c.tenant_id == tenant_id,
                sitting.c.student_id == student_id,
                sitting.c.valid_from <= semester.c.end_date,
                or_(sitting.c.valid_to.is_(None), sitting.c.valid_to > semester.c.start_date),
            ),
        )
        .join(
            subject,
            and_(
                subject.c.tenant_id == tenant_id,
                subject.c.class_id == sitting.c.class_id,
                subject.c.semester_id == semester.c.id,
            ),
        )
        .where(semester.c.tenant_id == tenant_id, asked)
        .ext(distinct_on(subject.c.subject_id))
        .order_by(subject.c.subject_id, sitting.c.valid_from.desc())
        .subquery()
    )
    return taken if seen is None else select(taken).where(seen(taken)).subquery()


def taught_class_subjects(*, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID]) -> Select[UUID]:
    """Class subjects that the account's teacher teaches or, once they are over, taught last."""
    teaching, later = Teaching.__table__.alias(), Teaching.__table__.alias()
    superseded = exists().where(
        later.c.tenant_id == tenant_id,
        later.c.class_subject_id == teaching.c.class_subject_id,
        later.c.valid_from > teaching.c.valid_from,
    )
    return select(teaching.c.class_subject_id).where(
        teaching.c.tenant_id == tenant_id, teaching.c.user_id == user_id, ~superseded
    )


def led_classes(*, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID]) -> Select[UUID]:
    """Classes whose homeroom teacher is the account."""
    class_ = Class.__table__.alias()
    return select(class_.c.id).where(class_.c.tenant_id == tenant_id, class_.c.homeroom_user_id == user_id)


def graded_by(rows: FromClause, *, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a row's class subject is one that the account teaches, or one of a class that it leads."""
    return or_(
        rows.c.class_subject_id.in_(taught_class_subjects(tenant_id=tenant_id, user_id=user_id)),
        rows.c.class_id.in_(led_classes(tenant_id=tenant_id, user_id=user_id)),
    )


def seen_class_subjects(
    *,
    tenant_id: ColumnElement[UUID],
    user_id: ColumnElement[UUID],
    student_ids: ColumnElement[Sequence[UUID]],
    as_teacher: bool,
    as_family: bool,
) -> ColumnElement[Sequence[UUID]]:
    """Class subjects that an account teaches or whose class it leads, and those of the classes of own pupils.

    An array, found once, by which an index then finds rows.
    """
    found: list[Select[UUID]] = []
    subject = ClassSubject.__table__
    if as_teacher:
        led = subject.alias()
        classes = led_classes(tenant_id=tenant_id, user_id=user_id)
        found.append(taught_class_subjects(tenant_id=tenant_id, user_id=user_id))
        found.append(select(led.c.id).where(led.c.tenant_id == tenant_id, led.c.class_id.in_(classes)))
    if as_family:
        attended, sitting = subject.alias(), Enrollment.__table__.alias()
        classes = select(sitting.c.class_id).where(
            sitting.c.tenant_id == tenant_id, sitting.c.student_id == any_(student_ids)
        )
        found.append(select(attended.c.id).where(attended.c.tenant_id == tenant_id, attended.c.class_id.in_(classes)))
    nothing = select(subject.c.id).where(false())
    ids = union_all(nothing, *found).scalar_subquery()
    return func.array(ids, type_=ARRAY(Uuid))


async def teaches(tx: ReadTransaction, *, class_subject_id: UUID, user_id: UUID) -> bool:
    """Whether the account teaches this subject of a class, or taught it last."""
    taught = taught_class_subjects(tenant_id=_value(tx.tenant_id), user_id=_value(user_id)).subquery()
    found = select(taught.c.class_subject_id).where(taught.c.class_subject_id == class_subject_id)
    return (await tx.execute(found)).first() is not None


async def pupils_of(tx: ReadTransaction, class_subject: ClassSubject, student_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these pupils who sit or sat in the class during the semester of its subject."""
    sitting, semester = Enrollment, Semester
    statement = (
        select(sitting.student_id)
        .join(semester, and_(semester.tenant_id == tx.tenant_id, semester.id == class_subject.semester_id))
        .where(
            sitting.tenant_id == tx.tenant_id,
            sitting.class_id == class_subject.class_id,
            sitting.student_id == any_(bindparam("students", list(student_ids), ARRAY(Uuid))),
            sitting.valid_from <= semester.end_date,
            or_(sitting.valid_to.is_(None), sitting.valid_to > semester.start_date),
        )
    )
    return set(await tx.scalars(statement))


def _value(value: UUID) -> ColumnElement[UUID]:
    return bindparam(None, value, Uuid)
