"""Forged, replayed and guessed proofs of clients: none gets a token."""

import asyncio
import base64
import hashlib
import hmac
import json
import statistics
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError

from libs.kernel import new_id
from subgraphs.identity.api_client.rules import client_identifier
from tests.identity.api_client.integrator import (
    ASSERTION,
    AUDIENCE,
    Integrator,
    ask,
    assert_refused,
    ec_key,
    rsa_key,
)

KEY = ec_key()


@pytest.fixture
async def client(add_client, school) -> Integrator:
    return await add_client(school, key=KEY)


def _segment(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _resigned(assertion: str, header: dict, secret: bytes | None) -> str:
    """The claims of an assertion under another algorithm: with a secret, or not signed at all."""
    signed = f"{_segment(header)}.{assertion.split('.')[1]}"
    return f"{signed}.{_segment(hmac.digest(secret, signed.encode(), hashlib.sha256)) if secret else ''}"


def _now(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    "changes",
    [
        *({"drop": (name,)} for name in ("iss", "sub", "aud", "exp", "jti")),
        {"iss": "somebody else"},
        {"sub": "somebody else"},
        {"sub": 7},
        {"sub": None},
        {"aud": "https://elsewhere.test"},
        {"aud": AUDIENCE + "/"},
        {"aud": []},
        {"aud": ["https://elsewhere.test"]},
        {"aud": {"a": AUDIENCE}},
        {"exp": _now(-60)},
        {"exp": _now(3600)},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": _now(3600)},
        {"iat": _now(3600)},
        {"jti": ""},
        {"jti": 7},
        {"jti": ["x"]},
        {"jti": "x" * 256},
        {"header": {"kid": "unknown"}},
        {"header": {"kid": 7}},
        {"header": {"crit": ["exp"]}},
    ],
)
async def test_an_assertion_that_does_not_hold(graph, client, as_owner, changes):
    try:
        assertion = client.assertion(**changes)
    except (JoseError, ValueError):  # what joserfc will not write, an attacker writes
        header = {"alg": "ES256", "kid": KEY.kid} | changes.get("header", {})
        assertion = f"{_segment(header)}.{client.assertion().split('.')[1]}.{'A' * 86}"
    assert_refused(await ask(graph.http, client.asserted(assertion)), "invalid_client", 401)
    assert as_owner("identity", "select 1 from identity.spent_assertions") == []


async def test_one_without_a_change_holds(graph, client):
    assert (await ask(graph.http, client.asserted())).status_code == 200


async def test_assertions_that_are_not_signed_with_the_clients_key(graph, client, add_client, school):
    other = await add_client(school, name="Bank", key=ec_key())
    public = KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = client.assertion()
    forged = [_resigned(good, {"alg": alg, "kid": KEY.kid}, None) for alg in ("none", "None", "NONE", "", "ES256")]
    jwk = KEY.as_dict(private=False)
    secrets = (public, json.dumps(jwk).encode(), KEY.kid.encode(), b"\0")
    forged += [_resigned(good, {"alg": "HS256", "kid": KEY.kid}, secret) for secret in secrets]
    stranger = ec_key()
    forged += [
        client.assertion(key=other.key),
        client.assertion(key=stranger, header={"jwk": stranger.as_dict(private=False)}),
        client.assertion(key=stranger, header={"jku": "https://evil.test/keys"}),
        client.assertion(key=rsa_key()),
        good[:-4] + "AAAA",
        good.rpartition(".")[0] + ".",
    ]
    for assertion in forged:
        assert_refused(await ask(graph.http, client.asserted(assertion)), "invalid_client", 401)


@pytest.mark.parametrize(
    "assertion",
    [
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "." * 5000,
        f"e30.{_segment(b'[' * 9000)}.AA",
        f"{_segment(b'[' * 9000)}.e30.AA",
        f"e30.{_segment(b'not json')}.AA",
        f"e30.{_segment([1])}.AA",
        f"e30.{_segment(None)}.AA",
        f"e30.{_segment(b'%c' % 255)}.AA",
    ],
)
async def test_what_is_no_assertion(graph, client, assertion):
    assert_refused(await ask(graph.http, client.asserted(assertion)), "invalid_client", 401)


@pytest.mark.parametrize(
    "header", [b"[" * 300, b"not json", b"\xff", b"null", b'{"alg": 7}', b'{"alg": ["ES256"]}', b"{}"]
)
async def test_a_header_that_is_none(graph, client, header):
    assertion = f"{_segment(header)}.{client.assertion().split('.')[1]}.AAAA"
    assert_refused(await ask(graph.http, client.asserted(assertion)), "invalid_client", 401)


@pytest.mark.parametrize(
    "kind", [None, "", ASSERTION + "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"]
)
async def test_an_assertion_of_another_type(graph, client, kind):
    assert_refused(await ask(graph.http, client.asserted(client_assertion_type=kind)), "invalid_client", 401)


async def test_a_replayed_assertion_proves_nothing(graph, client, as_owner):
    form = client.asserted()
    assert (await ask(graph.http, form)).status_code == 200
    assert_refused(await ask(graph.http, form), "invalid_client", 401)
    again = client.asserted(client.assertion(jti=_jti(form["client_assertion"]), exp=_now(100)))
    assert_refused(await ask(graph.http, again), "invalid_client", 401)
    assert len(as_owner("identity", "select 1 from identity.spent_assertions")) == 1


def _jti(assertion: str) -> str:
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]


async def test_of_twenty_at_once_one_wins(graph, client, as_owner):
    form = client.asserted()
    answers = await asyncio.gather(*(ask(graph.http, form) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    assert len(as_owner("identity", "select 1 from identity.spent_assertions")) == 1


async def test_an_assertion_is_spent_whatever_its_request_asks_for(graph, client):
    form = client.asserted()
    assert_refused(await ask(graph.http, form | {"scope": "grade:read"}), "invalid_scope")
    assert_refused(await ask(graph.http, form), "invalid_client", 401)


async def test_two_clients_may_use_one_jti(graph, client, add_client, school):
    other, jti = await add_client(school, name="Bank", key=ec_key()), str(new_id())
    for each in (client, other):
        assert (await ask(graph.http, each.asserted(each.assertion(jti=jti)))).status_code == 200


async def test_a_forged_assertion_spends_nothing(graph, client):
    jti = str(new_id())
    forged = client.assertion(jti=jti, key=ec_key())
    assert_refused(await ask(graph.http, client.asserted(forged)), "invalid_client", 401)
    assert (await ask(graph.http, client.asserted(client.assertion(jti=jti)))).status_code == 200


async def test_a_revoked_client_signs_in_vain(graph, client, as_owner):
    as_owner("identity", "update identity.api_clients set revoked_at = now()")
    assert_refused(await ask(graph.http, client.asserted()), "invalid_client", 401)


@pytest.mark.deep
async def test_time_tells_no_known_client_from_an_unknown_or_revoked_one(graph, add_client, school, as_owner):
    known, gone = await add_client(school, name="Known"), await add_client(school, name="Gone")
    as_owner("identity", "update identity.api_clients set revoked_at = now() where id = %s", (gone.id,))
    nobody = Integrator(new_id(), client_identifier(school, new_id()), known.secret)
    times: dict[str, list[float]] = {each.client_id: [] for each in (known, gone, nobody)}
    for number in range(150):
        elsewhere = {"x-forwarded-for": f"203.0.113.{number}"}
        for each in (known, gone, nobody):
            began = time.perf_counter()
            assert (await ask(graph.http, each.posted(client_secret="wrong"), elsewhere)).status_code == 401
            times[each.client_id].append(time.perf_counter() - began)
    medians = [statistics.median(each) for each in times.values()]
    assert max(medians) < 1.2 * min(medians), medians


async def test_failures_at_once_are_all_counted(graph, client, as_owner):
    forms = [client.asserted(client.assertion(key=ec_key())) for _ in range(30)]
    answers = await asyncio.gather(*(ask(graph.http, form) for form in forms))
    assert {answer.status_code for answer in answers} <= {401, 429}
    (row,) = as_owner("identity", "select locked_until from identity.sign_in_failures")
    assert row["locked_until"] is not None
    assert (await ask(graph.http, client.asserted())).status_code == 429
