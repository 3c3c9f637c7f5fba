import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.academic.teacher.rules import check_nip


@given(st.text(alphabet="0123456789", min_size=18, max_size=18))
def test_eighteen_digits_are_a_nip(nip: str):
    check_nip(nip)


def test_not_every_teacher_has_a_nip():
    check_nip(None)


@pytest.mark.parametrize("nip", ["", "1" * 17, "1" * 19, "1" * 17 + "x", "\u0661" * 18])
def test_anything_else_is_refused(nip: str):
    with pytest.raises(InvalidInput) as refused:
        check_nip(nip)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.nip", "FORMAT")]
