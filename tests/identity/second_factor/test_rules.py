"""Codes and proofs, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.identity.second_factor.rules import (
    RECOVERY_BYTES,
    bare_code,
    is_totp,
    proof_faults,
    recovery_code,
    recovery_hash,
)


@given(st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES))
def test_a_recovery_code_is_the_same_however_it_is_written_and_no_code_of_an_authenticator(secret):
    code = recovery_code(secret)
    assert len(code) == 19
    assert recovery_hash(code) == recovery_hash(code.lower().replace("-", "  ")) != recovery_hash(code + "A")
    assert not is_totp(bare_code(code))


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("123456", True), ("123 456", True), ("12345", False), ("1234567", False), ("١٢٣٤٥٦", False), ("", False)],
)
def test_what_an_authenticator_shows(code, is_one):
    assert is_totp(bare_code(code)) is is_one


@pytest.mark.parametrize(
    ("password", "code", "is_wrong"),
    [(None, None, True), ("a", "b", True), ("", None, True), (" ", None, True), ("a", None, False), (None, "1", False)],
)
def test_a_proof_is_one_of_two(password, code, is_wrong):
    assert bool(proof_faults(password=password, code=code)) is is_wrong
