"""Rules of grading: what a score may be, what a subject's final score is, and which letter it earns.

queries.py computes the same figures in SQL for many pupils at once; tests/operations/grading/test_queries.py holds the
two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import ClassVar, Final

from libs.kernel import DomainError, FieldFault, InvalidInput

HUNDREDTHS: Final = 100
WHOLE: Final = 100
"""What the weights of a subject's categories sum to, and the best final score."""
WORKING_DIGITS: Final = 24
SETTLED_DIGITS: Final = 18
"""Quotients are carried with 24 digits after the point and settled at 18, so that an exact half is one again; only then
is the final score rounded half up."""
SCORE_DIGITS: Final = 2


class WeightsMustSumTo100(DomainError):
    """The weights of a subject's categories are parts of a hundred. Data: `sum`."""

    code = "WEIGHTS_MUST_SUM_TO_100"
    texts: ClassVar = {
        "id": "Jumlah bobot harus 100, bukan {sum}.",
        "en": "The weights must sum to 100, not to {sum}.",
    }


class CategoryInUse(DomainError):
    """A category that assessments belong to cannot be left out. Data: `names`, joined by commas."""

    code = "CATEGORY_IN_USE"
    texts: ClassVar = {
        "id": "Kategori ini masih dipakai oleh penilaian: {names}.",
        "en": "Assessments still belong to these categories: {names}.",
    }


class NotTeachingThisClass(DomainError):
    """The actor does not teach the class, or not this subject of it."""

    code = "NOT_TEACHING_THIS_CLASS"
    texts: ClassVar = {
        "id": "Anda tidak mengajar kelas ini.",
        "en": "You do not teach this class.",
    }


class ScoreOutOfRange(DomainError):
    """A score below zero or above what the assessment gives. Data: `student_id`, `max`."""

    code = "SCORE_OUT_OF_RANGE"
    texts: ClassVar = {
        "id": "Nilai harus antara 0 dan {max}.",
        "en": "A score must lie between 0 and {max}.",
    }


def check_weights(categories: Sequence[tuple[str, int]]) -> None:
    """Names differ and weights sum to 100. Raises InvalidInput, WeightsMustSumTo100."""
    seen: set[str] = set()
    faults = []
    for position, (name, _) in enumerate(categories):
        if name.casefold() in seen:
            texts = {"id": "Kategori ini disebut dua kali.", "en": "The category is named twice."}
            faults.append(FieldFault(f"input.categories[{position}].name", "DUPLICATE", texts))
        seen.add(name.casefold())
    if faults:
        raise InvalidInput(faults)
    total = sum(weight for _, weight in categories)
    if total != WHOLE:
        raise WeightsMustSumTo100(sum=total)


def in_hundredths(score: Decimal) -> int:
    """A score with at most two digits as the database keeps it."""
    return int(score * HUNDREDTHS)


def is_within(score: Decimal | None, *, max_score: int) -> bool:
    """Whether an assessment can give this score; a missing one is always right."""
    return score is None or 0 <= score <= max_score


@dataclass(frozen=True, slots=True)
class Mark:
    """One assessment of a category as a pupil stands in it. Hundredths of a point, None while it is missing."""

    score: int | None
    max_score: int


@dataclass(frozen=True, slots=True)
class Category:
    """A category with its weight, parts of a hundred, and the marks of one pupil."""

    weight: int
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class FinalScore:
    """A subject's final score, None while there is no score at all, and how many scores are missing."""

    score: Decimal | None
    missing: int


def final_score(categories: Sequence[Category]) -> FinalScore:
    """The final score of a subject, 0 to 100.

    A category's score is the mean of score / max * 100 over its assessments that have a score; the final one is
    Σ(category score * weight) / Σ weight over the categories that have any. A score that is missing is missing, never
    a zero: with none missing the weights sum to 100. What is missing is counted: each assessment without a score, each
    category without an assessment, and one where no categories are set at all. Rounded half up, at the end alone.
    """
    missing = sum(max(1, len(each.marks)) - len(_given(each)) for each in categories) if categories else 1
    graded = [each for each in categories if _given(each)]
    if not graded:
        return FinalScore(None, missing)
    with localcontext(prec=60, rounding=ROUND_HALF_UP):
        digit = Decimal(1).scaleb(-WORKING_DIGITS)
        weighted = sum((_mean(each, digit) * each.weight for each in graded), Decimal(0))
        exact = (weighted / sum(each.weight for each in graded)).quantize(digit)
        settled = exact.quantize(Decimal(1).scaleb(-SETTLED_DIGITS))
        return FinalScore(settled.quantize(Decimal(1).scaleb(-SCORE_DIGITS)), missing)


def _given(category: Category) -> list[tuple[int, int]]:
    return [(mark.score, mark.max_score) for mark in category.marks if mark.score is not None]


def _mean(category: Category, digit: Decimal) -> Decimal:
    """The mean in points of a hundred: hundredths of a point over the maximum are exactly that."""
    given = _given(category)
    parts = sum(((Decimal(score) / most).quantize(digit) for score, most in given), Decimal(0))
    return (parts / len(given)).quantize(digit)


@dataclass(frozen=True, slots=True)
class Bands:
    """The lowest final score of C, B and A; below C it is D."""

    c: int
    b: int
    a: int


PREDICATES: Mapping[str, str] = {"A": "Sangat Baik", "B": "Baik", "C": "Cukup", "D": "Kurang"}


def bands_of(kkm: int) -> Bands:
    """The bands that follow from a KKM (product.md, "Predicates").

    C starts at the KKM; the integers KKM..100 are split in three, and the remainder goes to C, then to B.
    """
    width, remainder = divmod(WHOLE - kkm + 1, 3)
    b = kkm + width + (remainder >= 1)
    return Bands(c=kkm, b=b, a=b + width + (remainder >= 2))  # noqa: PLR2004 - the second of two left over


def letter_of(score: Decimal, *, kkm: int) -> str:
    """The letter that a final score earns."""
    bands = bands_of(kkm)
    if score >= bands.a:
        return "A"
    if score >= bands.b:
        return "B"
    return "C" if score >= bands.c else "D"


def unknown_category() -> InvalidInput:
    """What is told of a category that the subject does not have."""
    texts = {
        "id": "Mata pelajaran ini tidak mempunyai kategori itu.",
        "en": "The subject has no such category.",
    }
    return InvalidInput([FieldFault("input.category", "UNKNOWN", texts)])
