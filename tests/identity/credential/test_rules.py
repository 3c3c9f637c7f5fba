"""Passwords and tokens, without a database."""

import secrets
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.identity.credential.rules import (
    InvalidToken,
    PasswordRule,
    WeakPassword,
    broken_rules,
    check_password,
    encode_token,
    read_token,
    token_hash,
)

TENANT = UUID("019a0000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Melati-putih-7", []),
        ("Ab1-xyz", ["LENGTH"]),
        ("melati-putih-7", ["UPPER"]),
        ("MELATI-PUTIH-7", ["LOWER"]),
        ("Melati-putih-x", ["DIGIT"]),
        ("Melatiputih7", ["SPECIAL"]),
        ("Melati putih 7", ["SPECIAL"]),
        ("Password1!", ["COMMON"]),
        ("P@ssw0rd2026!", ["COMMON"]),
        ("Rahasia-123", ["COMMON"]),
        ("12345678", ["UPPER", "LOWER", "SPECIAL", "COMMON"]),
        ("Budiman-2026", ["SIMILAR"]),
        ("Bud1m4n-2026", ["SIMILAR"]),
        ("Hart0no?77x", ["SIMILAR"]),
        ("Kepala.gp-88", ["SIMILAR"]),
        ("A" * 200 + "a1-" + "b" * 60, ["TOO_LONG"]),
        ("", ["LENGTH", "UPPER", "LOWER", "DIGIT", "SPECIAL"]),
        ("Ünïcødé-пароль-9", []),
    ],
)
def test_which_rules_a_password_breaks(password, broken):
    assert broken_rules(password, name="Budiman Hartono", email="kepala.gp@sekolah.test") == broken


def test_a_weak_password_is_refused_with_what_it_breaks():
    with pytest.raises(WeakPassword) as weak:
        check_password("xyz", name="Siti", email="s@x.test")
    assert weak.value.data["rules"] == [
        PasswordRule.LENGTH,
        PasswordRule.UPPER,
        PasswordRule.DIGIT,
        PasswordRule.SPECIAL,
    ]


@given(st.text(max_size=300), st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_judged(password, name, email):
    broken = broken_rules(password, name=name, email=email)
    assert broken == sorted(set(broken), key=list(PasswordRule).index)


@given(st.binary(min_size=32, max_size=32), st.uuids())
def test_a_token_says_where_it_belongs_and_needs_no_escaping(secret, tenant):
    token = encode_token(tenant, secret)
    assert read_token(token) == (tenant, token_hash(token))
    assert len(token) == 64
    assert all(character.isalnum() or character in "-_" for character in token)


@given(st.text(max_size=80))
def test_what_is_no_token_is_refused(text):
    with pytest.raises(InvalidToken):
        read_token(text)


def test_two_spellings_of_one_token_do_not_exist():
    token = encode_token(TENANT, secrets.token_bytes(32))
    for other in (token + "=", token.replace(token[-1], "*"), token[:-1] + "é", " " + token[1:]):
        with pytest.raises(InvalidToken):
            read_token(other)
