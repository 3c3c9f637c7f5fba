"""Rotation, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from subgraphs.identity.session.rules import GRACE, client_mark, is_within_grace, successor

NOW = datetime(2026, 8, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "same_client", "living", "expected"),
    [
        (timedelta(), True, True, True),
        (GRACE, True, True, True),
        (GRACE + timedelta(microseconds=1), True, True, False),
        (timedelta(), False, True, False),
        (timedelta(), True, False, False),
    ],
)
def test_the_grace(age, same_client, living, expected):
    assert is_within_grace(spent_at=NOW, now=NOW + age, same_client=same_client, successor_is_living=living) is expected


def test_the_successor_needs_both_the_token_and_the_salt():
    assert successor("a", b"1" * 32) == successor("a", b"1" * 32)
    assert len({successor("a", b"1" * 32), successor("a", b"2" * 32), successor("b", b"1" * 32)}) == 3


def test_clients_are_told_apart_by_address_and_agent():
    assert client_mark("1", "23") != client_mark("12", "3")
