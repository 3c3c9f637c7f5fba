"""Partitions of the audit log."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.identity.audit.rules import partitions


def test_months_by_name():
    found = list(partitions(date(2026, 11, 22), 2))
    assert found == [
        ("audit_logs_2026_11", date(2026, 11, 1), date(2026, 12, 1)),
        ("audit_logs_2026_12", date(2026, 12, 1), date(2027, 1, 1)),
        ("audit_logs_2027_01", date(2027, 1, 1), date(2027, 2, 1)),
    ]


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(0, 40))
def test_months_follow_each_other_without_a_gap(today, months):
    found = list(partitions(today, months))
    assert len(found) == months + 1
    assert found[0][1] <= today < found[0][2]
    for (_, first, end), (_, following, _) in pairwise(found):
        assert end == following
        assert timedelta(28) <= end - first <= timedelta(31)
