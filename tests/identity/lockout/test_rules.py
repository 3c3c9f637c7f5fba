"""Lockouts, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.identity.lockout.rules import (
    AccountFailures,
    AccountLocked,
    Failures,
    after_account_failure,
    after_failure,
)

NOW = datetime(2026, 8, 1, 7, tzinfo=UTC)


@given(st.integers(0, 60))
def test_every_fifth_failure_locks_twice_as_long_up_to_a_day(failures):
    state, now = None, NOW
    for number in range(1, failures + 1):
        state = after_failure(state, now)
        assert (state.locked_until is not None and state.locked_until > now) is (number % 5 == 0)
        if number % 5 == 0:
            assert state.locked_until - now == min(timedelta(minutes=15) * 2 ** (number // 5 - 1), timedelta(days=1))
            now = state.locked_until
    assert state is None or state.lockouts == failures // 5


@given(st.lists(st.integers(0, 90), max_size=120))
def test_fifty_failures_within_the_hour_that_the_first_began_lock(minutes):
    state, now = AccountFailures(0, NOW), NOW
    began, count = NOW, 0
    for each in minutes:
        now += timedelta(minutes=each)
        if now - began > timedelta(hours=1):
            began, count = now, 0
        count += 1
        state = after_account_failure(state, now)
        assert (state.count, state.since) == (count, began)
        assert (state.locked_at is not None) is (count >= 50)


def test_what_a_mail_opens_does_not_open_by_waiting():
    AccountFailures(49, NOW).check()
    with pytest.raises(AccountLocked) as locked:
        AccountFailures(50, NOW, NOW).check()
    assert locked.value.data == {"retry_after": 0, "by_mail": True}
    assert "e-mail" in locked.value.message("id")
    assert "link" in locked.value.message("en")


def test_failures_of_yesterday_do_not_count():
    state = Failures(4, 3, NOW)
    assert after_failure(state, NOW + timedelta(hours=24)).locked_until is not None
    assert after_failure(state, NOW + timedelta(hours=24, seconds=1)) == Failures(
        1, 0, NOW + timedelta(hours=24, seconds=1)
    )


def test_a_lockout_ends_when_it_says():
    state = Failures(0, 1, NOW, NOW + timedelta(minutes=15))
    with pytest.raises(AccountLocked) as locked:
        state.check(NOW)
    assert locked.value.data == {"retry_after": 901, "by_mail": False}
    assert locked.value.message("en") == "Too many attempts; try again in 901 seconds."
    state.check(NOW + timedelta(minutes=15))
