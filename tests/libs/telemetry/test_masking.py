import json
import secrets
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import new_id
from libs.telemetry import mask, mask_error
from libs.telemetry.masking import MAX_TEXT, REMOVED, safe_fields

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("NIK 3307041503080001 is taken", "3307041503080001"),
        ("nik=330704 150308 0001", "0001"),
        ("nik 3307.0415.0308.0001", "0308"),
        ("mail to siti.aminah+wali@sekolah.sch.id failed", "siti.aminah"),
        ("<wali@example.com>: rejected", "wali@"),
        ("call 081234567890", "081234567890"),
        ("call 0812-3456-7890", "3456"),
        ("call +62 812 3456 7890", "3456"),
        ("call +6281234567890 now", "6281234567890"),
        ("account 1234567890 of the bank", "1234567890"),
        (f"token {JWT}", "eyJ"),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("password=Rahasia1!", "Rahasia1!"),
        ("wrong password Rahasia1!", "Rahasia1!"),
        ('{"password": "Rahasia kita 1!", "x": 1}', "kita"),
        ("{'new_password': 'Rahasia 1!'}", "Rahasia"),
        ("otp=123456", "123456"),
        ("postgresql://app:hunter2@db/wiyata", "hunter2"),
        ("key c2VjcmV0IGtleSB3aXRoIDMyIGJ5dGVzIGhlcmUhISE=", "c2VjcmV0"),
        ("/account/invitation/" + "aB3_" * 11, "aB3_aB3_"),
        ("sha256 " + "0a" * 32, "0a0a"),
    ],
)
def test_masks_people_and_secrets(text, secret):
    assert secret in text
    assert secret not in mask(text)


@given(st.integers(min_value=16, max_value=64))
def test_masks_every_random_token(size):
    for token in (secrets.token_urlsafe(max(size, 24)), secrets.token_hex(size)):
        assert token not in mask(f"sent {token} away")


@pytest.mark.parametrize(
    "text",
    [
        "seat_taken",
        "password changed",
        "token expired",
        "GET /graphql",
        "subgraphs/academic/enrollment/operations.py",
        "/usr/lib/python3.11/site-packages/sqlalchemy/orm/session.py:1234",
        "events.academic.student.StudentCreated",
        "2026-11-22T10:11:12.123456Z",
        "test_a_long_function_name_that_says_what_it_proves",
        "duplicate key value violates unique constraint uq_students_tenant_id_nis",
        "781 schools, 395 pupils, 20262027",
    ],
)
def test_leaves_what_we_need(text):
    assert mask(text) == text


@given(st.uuids())
def test_leaves_ids(one):
    assert mask(str(one)) == str(one)
    assert mask(f"events.{one}.academic") == f"events.{one}.academic"


def test_bounds_length_and_repairs_text():
    masked = mask("a " * MAX_TEXT)
    assert len(masked) == MAX_TEXT + 1
    assert mask("lone \ud800 surrogate \x00").encode()


def test_unknown_fields_lose_their_value_at_any_depth():
    tenant = new_id()
    fields = {
        "tenant_id": tenant,
        "name": "Siti",
        "error": {"nik": "1", "status": 3, "reason": ["a@b.id", 3307041503080001]},
    }
    assert safe_fields(fields) == {
        "tenant_id": tenant,
        "name": REMOVED,
        "error": {"nik": REMOVED, "status": 3, "reason": ["[email]", "[number]"]},
    }
    assert json.dumps(safe_fields({"wali@sekolah.id": 1})).count("@") == 0


def test_trace_id_stays_and_nothing_else_of_its_shape():
    trace_id = uuid.uuid4().hex
    assert safe_fields({"trace_id": trace_id, "reason": trace_id}) == {"trace_id": trace_id, "reason": "[token]"}


def test_errors_keep_type_and_first_line():
    error = ValueError('duplicate key violates "uq_students_tenant_id_nis"\nDETAIL: Key (nis)=(12345) exists.')
    assert mask_error(error) == 'ValueError: duplicate key violates "uq_students_tenant_id_nis"'
    assert (
        mask_error(ValueError("invalid input syntax: 'Siti Aminah'")) == 'ValueError: invalid input syntax: "[value]"'
    )
    assert mask_error(KeyError()) == "KeyError"
