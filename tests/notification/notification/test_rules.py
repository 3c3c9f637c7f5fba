from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.notification.notification.rules import (
    MAX_ATTEMPTS,
    NotificationStatus,
    account_url,
    after_failure,
    after_success,
    application_url,
    days_left,
    forgotten_url,
    told_once,
    wait_after,
)

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ID = UUID("01980000-0000-7000-8000-000000000000")


def failed(**changes):
    values = {"error": "SMTP 451", "permanent": False, "attempts": 1, "notification_id": ID, "now": NOW}
    return after_failure(**(values | changes))


def test_success_ends_it():
    verdict = after_success()
    assert (verdict.status, verdict.error, verdict.due_at) == (NotificationStatus.SENT, None, None)


@pytest.mark.parametrize(("attempts", "least", "most"), [(1, 22.5, 37.5), (2, 90, 150)])
def test_a_temporary_error_is_tried_again_later(attempts, least, most):
    verdict = failed(attempts=attempts)
    assert verdict.status is NotificationStatus.RETRY
    assert verdict.error == "SMTP 451"
    assert timedelta(seconds=least) <= verdict.due_at - NOW <= timedelta(seconds=most)


def test_the_third_attempt_is_the_last():
    verdict = failed(attempts=MAX_ATTEMPTS)
    assert (MAX_ATTEMPTS, verdict.status, verdict.due_at) == (3, NotificationStatus.FAILED, None)


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_permanent_error_is_not_tried_again(attempts):
    verdict = failed(permanent=True, attempts=attempts, error="SMTP 550")
    assert (verdict.status, verdict.error, verdict.due_at) == (NotificationStatus.FAILED, "SMTP 550", None)


@given(st.uuids(), st.integers(1, 2))
def test_the_wait_stays_within_its_jitter_and_is_the_same_each_time(notification_id, attempts):
    wait = wait_after(attempts, notification_id)
    middle = timedelta(seconds=30 * 4 ** (attempts - 1))
    assert middle * 0.75 <= wait <= middle * 1.25
    assert wait == wait_after(attempts, notification_id)


def test_messages_that_failed_together_do_not_come_back_together():
    waits = {wait_after(1, UUID(int=ID.int + number * 7919)) for number in range(100)}
    assert len(waits) == 100


@pytest.mark.parametrize(
    ("left", "days"),
    [(timedelta(days=7), 7), (timedelta(days=7, milliseconds=-5), 7), (timedelta(hours=3), 1), (timedelta(0), 1)],
)
def test_days_left(left, days):
    assert days_left(now=NOW, expires_at=NOW + left) == days


def test_the_link_of_an_invitation():
    link = account_url("https://wiyata.test/", "reset-password", "a.b-c_d")
    assert link == "https://wiyata.test/account/reset-password?token=a.b-c_d"
    assert forgotten_url("https://wiyata.test", "sma-1") == "https://wiyata.test/account/forgot?school=sma-1"


def test_the_page_of_an_application():
    assert (
        application_url("https://wiyata.test/", "sma-1", "2030 A&1")
        == "https://wiyata.test/ppdb/sma-1?number=2030+A%261"
    )


def test_a_subject_is_told_once_of_each_thing():
    assert told_once(ID, "payment.received") == told_once(ID, "payment.received")
    assert len({told_once(ID, "application.submitted"), told_once(ID, "application.verified"), ID}) == 3
