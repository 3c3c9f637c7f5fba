"""Tokens that identity did not issue as they are: each is refused, none is an error of ours."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from libs.auth import TokenVerifier, Unauthenticated
from libs.settings import Settings


def _segment(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "changes",
    [
        *({"drop": (name,)} for name in ("sub", "tenant_id", "email", "roles", "permissions", "students")),
        *({"drop": (name,)} for name in ("sid", "ver", "pending", "jti", "iss", "aud", "iat", "exp")),
        {"iss": "https://evil.test"},
        {"aud": "somebody-else"},
        {"aud": ["wiyata"]},
        {"sub": "7"},
        {"sub": 7},
        {"sub": None},
        {"tenant_id": "not-a-uuid"},
        {"sid": ""},
        {"jti": "x"},
        {"students": ["x"]},
        {"students": "x"},
        {"students": None},
        {"roles": "teacher"},
        {"roles": [1]},
        {"permissions": {"user:read": True}},
        {"email": None},
        {"ver": "3"},
        {"ver": 3.0},
        {"ver": True},
        {"pending": None},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": ["x"]},
        {"pending": "PASSWORD_CHANGE"},
        {"pending": [1]},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**30},
        {"exp": -(10**30)},
        {"iat": None},
        {"iat": 10**30},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "AT+JWT"}},
        {"header": {"kid": "unknown"}},
        {"header": {"kid": ""}},
        {"header": {"cty": "JWT"}},
        {"header": {"jku": "https://evil.test/keys"}},
    ],
    ids=str,
)
async def test_signed_by_identity_but_not_an_access_token_of_ours(sign, verifier, now, changes):
    with pytest.raises(Unauthenticated) as refusal:
        await verifier.verify(sign(**changes), now)
    assert refusal.value.code == "UNAUTHENTICATED"


async def test_the_claims_these_start_from_do_hold(sign, verifier, now):
    await verifier.verify(sign(), now)


async def test_alg_none_is_refused(sign, verifier, now):
    _, payload, _ = sign().split(".")
    for algorithm in ("none", "None", "NONE", ""):
        for signature in ("", "AAAA"):
            header = _segment({"alg": algorithm, "typ": "at+jwt", "kid": "first"})
            with pytest.raises(Unauthenticated):
                await verifier.verify(f"{header}.{payload}.{signature}", now)


async def test_hs256_with_the_public_key_as_secret_is_refused(sign, verifier, signing_key, now):
    public = signing_key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    payload = sign().split(".")[1]
    header = _segment({"alg": "HS256", "typ": "at+jwt", "kid": "first"})
    mac = hmac.digest(public, f"{header}.{payload}".encode(), hashlib.sha256)
    with pytest.raises(Unauthenticated):
        await verifier.verify(f"{header}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}", now)


async def test_another_p256_key_under_a_known_kid_is_refused(sign, verifier, now):
    stranger = ECKey.generate_key("P-256", {"kid": "first"})
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(key=stranger), now)


async def test_a_key_brought_along_in_the_header_counts_for_nothing(sign, verifier, now):
    stranger = ECKey.generate_key("P-256", {"kid": "first"})
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(key=stranger, header={"jwk": stranger.as_dict(private=False)}), now)


async def test_unencoded_payloads_are_refused(settings, verifier, signing_key, now):
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "first", "b64": False, "crit": ["b64"]}
    token = jws.serialize_compact(header, b"x", signing_key, registry=registry)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token, now)


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_a_changed_segment_is_refused(issuer, verifier, make_actor, now, position):
    token = issuer.issue(make_actor(), now)
    parts = token.split(".")
    segment = parts[position]
    for place in (0, len(segment) // 2, len(segment) - 2):
        letter = "A" if segment[place] != "A" else "B"
        changed = [*parts]
        changed[position] = segment[:place] + letter + segment[place + 1 :]
        with pytest.raises(Unauthenticated):
            await verifier.verify(".".join(changed), now)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer x",
        "\x00",
        "\ud800",
        "é.é.é",
        "W10.W10.W10",
        f"{_segment('at+jwt')}.e30.AA",
        f"{_segment({'alg': ['ES256'], 'typ': 'at+jwt', 'kid': 'first'})}.e30.AA",
        f"{_segment({'alg': 'ES256', 'typ': 'at+jwt', 'kid': ['first']})}.e30.AA",
        f"{_segment({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'first'})}.e30",
        f"{_segment({'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'first'})}.e30.AA.AA.AA",
        "W" * 16_000,
        base64.urlsafe_b64encode(b"[" * 10_000).decode(),
        "x" * (16 * 1024 + 1),
    ],
    ids=repr,
)
async def test_what_is_no_token_is_refused(verifier, now, token):
    with pytest.raises(Unauthenticated):
        await verifier.verify(token, now)


async def test_an_absurdly_long_token_is_refused_though_signed(sign, verifier, now):
    with pytest.raises(Unauthenticated, match="long"):
        await verifier.verify(sign(permissions=["user:read"] * 2000), now)


async def _no_keys() -> bytes:
    return b'{"keys": []}'


@given(token=st.text(max_size=200))
async def test_no_text_gets_anything_but_a_refusal(token):
    with pytest.raises(Unauthenticated):
        await TokenVerifier(Settings(), _no_keys).verify(token, datetime.now(UTC))
