from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.academic.schedule.rules import Slot, check_slot


def _at(minute: int) -> time:
    return time(7 + minute // 60, minute % 60)


SLOTS = st.tuples(st.integers(1, 2), st.integers(0, 60), st.integers(1, 30)).map(
    lambda s: Slot(s[0], _at(s[1]), _at(s[1] + s[2]))
)


@given(a=SLOTS, b=SLOTS)
def test_slots_overlap_exactly_when_some_minute_is_in_both(a: Slot, b: Slot):
    def minutes(slot: Slot) -> set[tuple[int, int]]:
        start, end = (moment.hour * 60 + moment.minute for moment in (slot.start, slot.end))
        return {(slot.day, minute) for minute in range(start, end)}

    assert a.overlaps(b) is b.overlaps(a) is bool(minutes(a) & minutes(b))


def test_touching_slots_do_not_overlap():
    first, second = Slot(1, time(7), time(7, 45)), Slot(1, time(7, 45), time(8, 30))
    assert not first.overlaps(second)
    assert not second.overlaps(first)


@pytest.mark.parametrize(
    ("slot", "paths"),
    [
        (Slot(0, time(7), time(8)), ["input.dayOfWeek"]),
        (Slot(8, time(8), time(8)), ["input.dayOfWeek", "input.endTime"]),
        (Slot(7, time(8), time(7, 59)), ["input.endTime"]),
    ],
)
def test_all_faults_of_a_slot_are_told_at_once(slot: Slot, paths: list[str]):
    with pytest.raises(InvalidInput) as refused:
        check_slot(slot)
    assert [fault.path for fault in refused.value.faults] == paths


def test_a_slot_may_last_any_time_of_any_day():
    for day in range(1, 8):
        check_slot(Slot(day, time(0), time(23, 59)))
