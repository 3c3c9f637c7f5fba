"""Who may hand out what, and periods that never overlap."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import Forbidden
from subgraphs.identity.role.rules import (
    DEEPEST,
    Administrator,
    InheritanceCycle,
    InheritanceTooDeep,
    LastAdministrator,
    Period,
    check_administrator_stays,
    check_grant,
    check_inheritance,
    covers,
    folded,
    lineage,
    merged,
    system_role_id,
)

FIRST = date(2026, 7, 1)
days = st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n))
periods = st.builds(
    lambda since, length: Period(since, None if length is None else since + timedelta(days=length)),
    days,
    st.none() | st.integers(0, 15),
)


def days_of(period: Period) -> set[date]:
    end = period.until or FIRST + timedelta(days=100)
    return {period.since + timedelta(days=n) for n in range((end - period.since).days + 1)}


@pytest.mark.parametrize(
    ("held", "wanted", "may"),
    [
        ("grade:read", "grade:read", True),
        ("grade:read", "grade:read_own", True),
        ("grade:read", "grade:read_taught", True),
        ("grade:read_taught", "grade:read_own", True),
        ("grade:read_own", "grade:read_taught", False),
        ("grade:read_own", "grade:read", False),
        ("grade:read", "grade:write", False),
        ("grade:read", "student:read_own", False),
    ],
)
def test_reading_all_covers_reading_less(held, wanted, may):
    assert covers({held}, wanted) is may


def test_nobody_grants_what_they_do_not_hold():
    check_grant({"a:read", "b:read"}, ["a:read", "b:read_own"])
    with pytest.raises(Forbidden):
        check_grant({"a:read"}, ["a:read", "b:read_own"])


@given(st.lists(periods, max_size=12))
def test_merging_keeps_every_day_and_never_overlaps(given_periods):
    kept: list[Period] = []
    for period in given_periods:
        whole, replaced = merged(kept, period)
        kept = [each for each in kept if each not in replaced] + [whole]
    wanted = set().union(*(days_of(period) for period in given_periods))
    found = [day for period in kept for day in days_of(period)]
    assert len(found) == len(set(found))
    assert set(found) == wanted


@given(periods, periods)
def test_containing_is_holding_every_day(one, other):
    assert one.contains(other) is (days_of(other) <= days_of(one) and (other.until is not None or one.until is None))


def test_ids_of_system_roles_are_fixed():
    assert system_role_id("teacher") == system_role_id("teacher") != system_role_id("parent")


FOR_GOOD, FOR_A_WEEK = Administrator(True, None), Administrator(True, FIRST + timedelta(days=7))
INVITED = Administrator(False, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([FOR_GOOD, FOR_GOOD], [FOR_GOOD]),
        ([FOR_GOOD, FOR_A_WEEK], [FOR_GOOD]),
        ([FOR_GOOD, INVITED], [FOR_GOOD]),
        ([FOR_A_WEEK, FOR_A_WEEK], [FOR_A_WEEK]),
        ([INVITED, INVITED], [INVITED]),
        ([INVITED], [FOR_A_WEEK]),
        ([FOR_GOOD], [FOR_GOOD]),
        ([], []),
    ],
)
def test_one_who_can_be_spared(before, after):
    check_administrator_stays(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([FOR_GOOD], []),
        ([FOR_GOOD], [FOR_A_WEEK]),
        ([FOR_GOOD, FOR_A_WEEK], [FOR_A_WEEK]),
        ([FOR_GOOD, INVITED], [INVITED]),
        ([FOR_A_WEEK, INVITED], [INVITED]),
        ([INVITED], []),
    ],
)
def test_the_last_administrator_stays(before, after):
    with pytest.raises(LastAdministrator):
        check_administrator_stays(before, after)


@given(periods, days)
def test_what_is_cut_keeps_every_day_up_to_the_last(period, last):
    left = period.cut(last)
    assert (days_of(left) if left else set()) == {day for day in days_of(period) if day <= last}


@pytest.mark.parametrize(
    "name", ["Guru", "GURU", "\uff27uru", "gu\u200bru", " guru ", "g\u00adu\u2060ru", "\u202eguru"]
)
def test_names_that_nobody_can_tell_apart_are_one(name):
    assert folded(name) == folded("guru")


def test_other_names_are_others():
    assert len({folded(name) for name in ("guru", "guru bk", "guru  BK ", "gurubk", "straße", "STRASSE")}) == 4


ROLES = [UUID(int=n) for n in range(1, 13)]
steps = st.lists(st.tuples(st.sampled_from(ROLES), st.none() | st.sampled_from(ROLES)), max_size=60)


@given(steps)
def test_whatever_is_tried_no_role_inherits_from_itself_nor_too_deep(tried):
    parents: dict[UUID, UUID] = {}
    for role, parent in tried:
        if parent is None:
            parents.pop(role, None)
            continue
        try:
            check_inheritance(role, parent, {each: above for each, above in parents.items() if each != role})
        except (InheritanceCycle, InheritanceTooDeep):
            continue
        parents[role] = parent
    for role in ROLES:
        line, at = [role], role
        while (at := parents.get(at)) is not None:
            assert at not in line
            line.append(at)
        assert len(line) <= DEEPEST
        assert lineage(role, parents) == tuple(line)


def test_a_circle_is_refused_however_long():
    first, second, third = ROLES[:3]
    for parents, role, parent in (
        ({}, first, first),
        ({second: first}, first, second),
        ({second: first, third: second}, first, third),
    ):
        with pytest.raises(InheritanceCycle):
            check_inheritance(role, parent, parents)


def test_a_line_is_not_made_too_long_from_below_nor_in_the_middle():
    line = {ROLES[n]: ROLES[n + 1] for n in range(DEEPEST - 1)}  # as long as a line may be
    with pytest.raises(InheritanceTooDeep) as above:
        check_inheritance(ROLES[DEEPEST - 1], ROLES[DEEPEST], line)
    with pytest.raises(InheritanceTooDeep):
        check_inheritance(ROLES[DEEPEST], ROLES[0], line)
    assert above.value.data == {"most": DEEPEST}
    shorter = dict(list(line.items())[1:])
    check_inheritance(ROLES[DEEPEST - 1], ROLES[DEEPEST], shorter)


def test_a_circle_that_stands_there_is_walked_once():
    assert lineage(ROLES[0], {ROLES[0]: ROLES[1], ROLES[1]: ROLES[0]}) == (ROLES[0], ROLES[1])
