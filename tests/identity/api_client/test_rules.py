"""Identifiers, keys, scopes and failures, without a database."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.auth import CATALOGUE, CLIENT_SCOPES, SYSTEM_ROLES
from subgraphs.identity.api_client.rules import (
    ClientMethod,
    Failures,
    after_failure,
    client_identifier,
    key_faults,
    public_key_set,
    read_client_identifier,
    scope_faults,
)
from tests.identity.api_client.integrator import ec_key, jwks_of, rsa_key

NOW = datetime(2026, 8, 3, 7, 0, tzinfo=UTC)
EC, RSA = ec_key().as_dict(private=False), rsa_key("rsa").as_dict(private=False)


def codes(document) -> list[str]:
    jwks = document if isinstance(document, str) else json.dumps(document)
    return [fault.code for fault in key_faults(ClientMethod.PRIVATE_KEY_JWT, jwks)]


@given(tenant=st.uuids(), client=st.uuids())
def test_an_identifier_says_tenant_and_client_and_needs_no_escaping(tenant, client):
    identifier = client_identifier(tenant, client)
    assert read_client_identifier(identifier) == (tenant, client)
    assert identifier.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=60))
def test_no_text_but_an_identifier_is_read_as_one(text):
    found = read_client_identifier(text)
    assert found is None or client_identifier(*found) == text


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", " " + "A" * 43, "é" * 43]
)
def test_what_is_no_identifier(text):
    assert read_client_identifier(text) is None


def test_the_first_of_all_identifiers_is_one():
    assert read_client_identifier("A" * 43) == (UUID(int=0), UUID(int=0))


def test_what_clients_may_never_have():
    never = set(CATALOGUE) - CLIENT_SCOPES
    assert {name for name in CATALOGUE if name.endswith(("_own", "_taught"))} <= never
    assert SYSTEM_ROLES["super_admin"].permissions - SYSTEM_ROLES["school_admin"].permissions <= never
    assert {"graph:adhoc", "api_client:create", "api_client:rotate", "tenant:suspend", "tenant:read_all"} <= never
    assert {"student:read", "grade:read", "invoice:read", "api_client:read"} <= CLIENT_SCOPES


@pytest.mark.parametrize(
    ("scopes", "faults"),
    [
        (["student:read"], []),
        ([], [("input.scopes", "REQUIRED")]),
        (["student:read", "student:read"], [("input.scopes[1]", "REPEATED")]),
        (
            ["student:read_own", "wizard:be"],
            [("input.scopes[0]", "UNKNOWN_SCOPE"), ("input.scopes[1]", "UNKNOWN_SCOPE")],
        ),
        (["tenant:read_all"], [("input.scopes[0]", "UNKNOWN_SCOPE")]),
        (["graph:adhoc"], [("input.scopes[0]", "UNKNOWN_SCOPE")]),
    ],
)
def test_scopes(scopes, faults):
    assert [(fault.path, fault.code) for fault in scope_faults(scopes, CLIENT_SCOPES)] == faults


def test_keys_go_with_their_method():
    both = [key_faults(ClientMethod.CLIENT_SECRET, "{}"), key_faults(ClientMethod.PRIVATE_KEY_JWT, None)]
    assert [[fault.code for fault in faults] for faults in both] == [["NOT_FOR_THIS_METHOD"], ["REQUIRED"]]
    assert list(key_faults(ClientMethod.CLIENT_SECRET, None)) == []


def test_of_a_key_set_nothing_is_kept_but_what_verifies():
    given_keys = {"keys": [EC | {"use": "sig", "x5u": "https://evil.test"}, RSA | {"alg": "PS256"}]}
    assert codes(given_keys) == []
    assert public_key_set(json.dumps(given_keys)) == {"keys": [EC, RSA]}


def test_five_keys_and_no_more():
    keys = [ec_key(f"k{number}") for number in range(6)]
    assert codes(jwks_of(*keys[:5])) == []
    assert codes(jwks_of(*keys)) == ["TOO_MANY_KEYS"]


@pytest.mark.parametrize(
    "document",
    ["", "x", "[]", "{}", "null", '{"keys": []}', '{"keys": {}}', '{"keys": [1]}', "[" * 10_000, '{"keys": "x"}'],
)
def test_what_is_no_key_set(document):
    assert codes(document) == ["NOT_A_KEY_SET"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"kid": "x" * 101},
        {"kid": "é"},
        {"kty": "oct"},
        {"kty": "OKP"},
        {"kty": ["EC"]},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": EC["x"][:-2]},
        {"x": EC["x"] + "="},
        {"y": None},
        {"y": 5},
        {"use": "enc"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RS256"},
        {"key_ops": ["sign"]},
    ],
)
def test_an_unsuitable_elliptic_key(changes):
    assert codes({"keys": [EC | changes]}) == ["UNSUITABLE_KEY"]


@pytest.mark.parametrize("changes", [{"e": "AQ"}, {"e": "AQAA"}, {"n": RSA["n"][:170]}, {"n": None}, {"alg": "ES256"}])
def test_an_unsuitable_rsa_key(changes):
    assert codes({"keys": [RSA | changes]}) == ["UNSUITABLE_KEY"]


def test_a_small_rsa_key_is_unsuitable():
    with pytest.warns(UserWarning, match="2048"):
        small = rsa_key(bits=1024)
    assert codes(jwks_of(small)) == ["UNSUITABLE_KEY"]


def test_all_faults_of_a_key_set_at_once():
    private = ec_key().as_dict(private=True)
    assert codes({"keys": [private, EC, EC | {"crv": "P-521"}]}) == ["PRIVATE_KEY", "UNSUITABLE_KEY", "REPEATED"]
    assert codes(jwks_of(rsa_key(), private=True)) == ["PRIVATE_KEY"]


def test_the_twentieth_failure_is_followed_by_silence():
    failures = None
    for number in range(1, 20):
        failures = after_failure(failures, NOW)
        assert (failures.count, failures.locked_until) == (number, None)
    assert after_failure(failures, NOW) == Failures(0, NOW, NOW + timedelta(minutes=15))
    assert after_failure(Failures(19, NOW - timedelta(hours=25)), NOW).count == 1
