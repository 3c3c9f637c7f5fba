from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.operations.grading.rules import (
    Bands,
    Category,
    FinalScore,
    Mark,
    WeightsMustSumTo100,
    bands_of,
    check_weights,
    final_score,
    is_within,
    letter_of,
)


def category(weight: int, *scores: float | None, most: int = 100) -> Category:
    return Category(weight, [Mark(None if s is None else round(s * 100), most) for s in scores])


marks = st.integers(1, 1000).flatmap(
    lambda most: st.builds(Mark, st.none() | st.integers(0, most * 100), st.just(most))
)
categories = st.lists(st.builds(Category, st.integers(1, 100), st.lists(marks, max_size=4)), max_size=5)


# Thirds are no decimal numbers, their sum is: an exact half again, which is rounded up.
HALVES = (
    ([Category(50, [Mark(1, 3), Mark(2, 3)]), Category(50, [Mark(1, 100)])], Decimal("0.26")),  # (0.5 + 0.01) / 2
    ([Category(100, [Mark(10_000, 300)] * 3 + [Mark(2, 100)])], Decimal("25.01")),  # (3 * 33.333… + 0.02) / 4
)


def test_the_published_example_comes_out():
    parts = [category(20, 85), category(30, 90), category(20, 80), category(30, 88)]
    assert final_score(parts) == FinalScore(Decimal("86.40"), 0)


def test_what_is_missing_is_no_zero_and_is_counted():
    assert final_score([category(50, 80, None), category(50, 60)]) == FinalScore(Decimal("70.00"), 1)
    assert final_score([category(50, 80), category(50, None, None)]) == FinalScore(Decimal("80.00"), 2)
    assert final_score([category(50, 80), category(50)]) == FinalScore(Decimal("80.00"), 1)
    assert final_score([category(100, 0)]) == FinalScore(Decimal("0.00"), 0)
    assert final_score([category(100, None)]) == FinalScore(None, 1)
    assert final_score([]) == FinalScore(None, 1)


def test_rounding_is_half_up_and_only_at_the_end():
    thirds = Category(100, [Mark(100, 3), Mark(100, 3), Mark(101, 3)])  # 33.333… + 33.333… + 33.666… over 3
    assert final_score([thirds]).score == Decimal("33.44")
    assert final_score([Category(50, [Mark(8012, 100)]), Category(50, [Mark(8013, 100)])]).score == Decimal("80.13")
    # A mean of 80.125, which would be 80.13 by itself, and 80: 80.0625.
    assert final_score([category(50, 80.13, 80.12), category(50, 80)]).score == Decimal("80.06")
    for parts, score in HALVES:
        assert final_score(parts).score == score


@given(categories, st.data())
def test_raising_one_score_never_lowers_the_final_one(parts: list[Category], data: st.DataObject):
    places = [(i, j) for i, part in enumerate(parts) for j, mark in enumerate(part.marks) if mark.score is not None]
    if not places:
        return
    i, j = data.draw(st.sampled_from(places))
    mark = parts[i].marks[j]
    higher = data.draw(st.integers(mark.score or 0, mark.max_score * 100))
    raised = [*parts[i].marks]
    raised[j] = replace(mark, score=higher)
    before, after = final_score(parts), final_score([*parts[:i], Category(parts[i].weight, raised), *parts[i + 1 :]])
    assert before.score is not None
    assert after.score is not None
    assert before.score <= after.score <= 100
    assert before.missing == after.missing


@pytest.mark.parametrize(
    ("kkm", "bands"),
    [
        (75, Bands(c=75, b=84, a=93)),
        (64, Bands(c=64, b=77, a=89)),
        (60, Bands(c=60, b=74, a=88)),
        (80, Bands(c=80, b=87, a=94)),
    ],
)
def test_the_published_bands_come_out(kkm: int, bands: Bands):
    assert bands_of(kkm) == bands


@given(st.integers(0, 100), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_higher_score_never_has_a_lower_letter(kkm: int, one: int, two: int):
    low, high = sorted((Decimal(one) / 100, Decimal(two) / 100))
    assert letter_of(low, kkm=kkm) >= letter_of(high, kkm=kkm)
    assert (letter_of(low, kkm=kkm) == "D") == (low < kkm)


def test_weights_sum_to_a_hundred_and_names_differ():
    check_weights([("Tugas", 40), ("UAS", 60)])
    for wrong in ([("Tugas", 40)], [("Tugas", 60), ("UAS", 60)], []):
        with pytest.raises(WeightsMustSumTo100) as refused:
            check_weights(wrong)
        assert refused.value.data == {"sum": sum(weight for _, weight in wrong)}
    with pytest.raises(InvalidInput) as twice:
        check_weights([("Tugas", 40), ("tugas", 60)])
    assert [(fault.path, fault.code) for fault in twice.value.faults] == [("input.categories[1].name", "DUPLICATE")]


def test_a_score_lies_between_zero_and_the_best():
    right = [Decimal(0), Decimal("12.5"), Decimal(50), None]
    assert all(is_within(score, max_score=50) for score in right)
    assert not any(is_within(score, max_score=50) for score in (Decimal("-0.01"), Decimal("50.01")))
