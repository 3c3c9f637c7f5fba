from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.operations.report_card.rules import (
    IncompleteGrades,
    Validity,
    check_complete,
    code_of,
    in_words,
    initials,
    tenant_of,
    validity_of,
)


@given(st.uuids(), st.binary(min_size=16, max_size=16))
def test_a_code_names_its_school(tenant_id, chance):
    code = code_of(tenant_id, chance)
    assert tenant_of(code) == tenant_id
    assert tenant_of(code[:-1]) is None
    assert tenant_of(code + "A") is None


@given(st.text(max_size=60))
def test_what_is_no_code_names_no_school(text):
    found = tenant_of(text)
    assert found is None or len(text) == 43


def test_a_card_needs_every_score():
    check_complete([0, 0])
    for missing, count in (([0, 2, 1], 3), ([], 1)):
        with pytest.raises(IncompleteGrades) as refused:
            check_complete(missing)
        assert refused.value.data == {"missing": count}


def test_names_and_days_as_they_are_written():
    assert initials("Ani Lestari  putri") == "A. L. P."
    assert in_words(date(2026, 8, 17)) == "17 Agustus 2026"


def test_what_was_called_back_stays_so():
    assert validity_of("REVOKED", is_superseded=True) is Validity.REVOKED
    assert validity_of("PUBLISHED", is_superseded=True) is Validity.SUPERSEDED
    assert validity_of("GENERATED", is_superseded=False) is Validity.VALID
