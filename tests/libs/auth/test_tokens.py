"""Access tokens: what is issued is verified, and nothing else is."""

import asyncio
import base64
import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from libs.auth import (
    TenantMismatch,
    TokenExpired,
    TokenIssuer,
    TokenVerifier,
    Unauthenticated,
    Unavailable,
    resolve_actor,
)
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.settings import Settings, SettingsError


def _decoded(segment: str):
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


async def test_what_is_issued_is_verified(issuer, verifier, make_actor, now):
    actor = make_actor("parent", student_ids=(new_id(), new_id()))
    claims = await verifier.verify(issuer.issue(actor, now), now)
    assert claims.actor == actor
    assert claims.expires_at == now + timedelta(seconds=900)


def test_the_token_says_exactly_this(issuer, make_actor, now):
    child = new_id()
    actor = make_actor("parent", student_ids=(child,), permissions=frozenset({"user:read_own", "class:read_own"}))
    header, payload, _ = issuer.issue(actor, now).split(".")
    assert _decoded(header) == {"alg": "ES256", "typ": "at+jwt", "kid": "first"}
    claims = _decoded(payload)
    assert UUID(claims.pop("jti")).version == 7
    assert claims == {
        "sub": str(actor.user_id),
        "tenant_id": str(actor.tenant_id),
        "email": "sari@gp.test",
        "roles": ["parent"],
        "permissions": ["class:read_own", "user:read_own"],
        "students": [str(child)],
        "sid": str(actor.session_id),
        "ver": 3,
        "pending": [],
        "iss": "https://wiyata.id",
        "aud": "wiyata",
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 900,
    }


def test_two_tokens_have_two_ids(issuer, make_actor, now):
    actor = make_actor()
    assert issuer.issue(actor, now) != issuer.issue(actor, now)


async def test_a_token_names_home_and_not_the_school_acted_on(issuer, verifier, make_actor, now):
    actor = make_actor("super_admin", home_tenant_id=PLATFORM_TENANT_ID, tenant_id=new_id())
    claims = await verifier.verify(issuer.issue(actor, now), now)
    assert claims.actor.tenant_id == PLATFORM_TENANT_ID


def test_the_key_set_shows_public_halves_of_all_keys(issuer):
    keys = issuer.jwks()["keys"]
    assert [key["kid"] for key in keys] == ["first", "next"]
    for key in keys:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "nonsense",
        "[]",
        '{"keys": []}',
        json.dumps(KeySet([ECKey.generate_key("P-384")]).as_dict(private=True)),
        json.dumps(KeySet([ECKey.generate_key("P-256")]).as_dict(private=False)),
        json.dumps(KeySet([RSAKey.generate_key(2048)]).as_dict(private=True)),
        json.dumps(KeySet([OctKey.generate_key(256)]).as_dict(private=True)),
    ],
)
def test_an_issuer_starts_only_with_private_p256_keys(keys):
    with pytest.raises(SettingsError, match="WIYATA_TOKEN_SIGNING_KEYS"):
        TokenIssuer(Settings(token_signing_keys=keys))


async def test_it_expires_to_the_second(issuer, verifier, make_actor, now):
    token = issuer.issue(make_actor(), now)
    await verifier.verify(token, now + timedelta(seconds=899))
    for _ in range(2):  # from the cache, and verified anew
        with pytest.raises(TokenExpired) as refusal:
            await verifier.verify(token, now + timedelta(seconds=900))
        assert refusal.value.code == "TOKEN_EXPIRED"


async def test_a_small_difference_of_clocks_is_forgiven_a_token_of_the_future_is_not(sign, verifier, now):
    seconds = int(now.timestamp())
    await verifier.verify(sign(iat=seconds + 30), now)
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(iat=seconds + 31), now)


async def test_a_verified_token_costs_nothing_the_second_time(issuer, verifier, identity, make_actor, now):
    token = issuer.issue(make_actor(), now)
    first = await verifier.verify(token, now)
    fastest = float("inf")
    for _ in range(200):
        copy = "".join(token)  # a request brings a new string with the same text
        started = time.perf_counter()
        assert await verifier.verify(copy, now) is first
        fastest = min(fastest, time.perf_counter() - started)
    assert fastest < 50e-6
    assert identity.asked == 1


async def test_the_cache_is_bounded(issuer, verifier, make_actor, now, monkeypatch):
    monkeypatch.setattr("libs.auth.tokens._CACHED_TOKENS", 2)
    actor = make_actor()
    tokens = [issuer.issue(actor, now) for _ in range(3)]
    for token in tokens:
        await verifier.verify(token, now)
    assert list(verifier._verified) == tokens[1:]
    await verifier.verify(tokens[1], now)
    await verifier.verify(tokens[0], now)
    assert list(verifier._verified) == [tokens[1], tokens[0]]


async def test_an_unknown_kid_asks_identity_at_most_every_ten_seconds(sign, verifier, identity, now):
    await verifier.verify(sign(), now)
    for seconds, asked in ((0, 1), (9, 1), (10, 2), (11, 2), (19, 2), (20, 3)):
        with pytest.raises(Unauthenticated):
            await verifier.verify(sign(header={"kid": f"made up {seconds}"}), now + timedelta(seconds=seconds))
        assert identity.asked == asked


async def test_a_rotated_key_is_found(sign, verifier, identity, now):
    await verifier.verify(sign(), now)
    rotated = ECKey.generate_key("P-256", {"kid": "third"})
    identity.document = KeySet([rotated]).as_dict(private=False)
    later = now + timedelta(seconds=10)
    await verifier.verify(sign(key=rotated, header={"kid": "third"}), later)


async def test_a_withdrawn_key_stops_counting_within_five_minutes(sign, verifier, identity, now):
    await verifier.verify(sign(), now)
    identity.document = KeySet([ECKey.generate_key("P-256", {"kid": "third"})]).as_dict(private=False)
    await verifier.verify(sign(ver=4), now + timedelta(seconds=299))
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(ver=5), now + timedelta(seconds=300))


async def test_a_withdrawn_key_takes_along_what_was_verified_with_it(sign, verifier, identity, now):
    remembered = sign(exp=int(now.timestamp()) + 86_400)
    await verifier.verify(remembered, now)
    identity.document = KeySet([ECKey.generate_key("P-256", {"kid": "third"})]).as_dict(private=False)
    await verifier.verify(remembered, now + timedelta(seconds=299))
    with pytest.raises(Unauthenticated):
        await verifier.verify(remembered, now + timedelta(seconds=300))


async def test_the_next_key_is_known_before_it_signs(*, settings, issuer, verifier, identity, make_actor, now):
    await verifier.verify(issuer.issue(make_actor(), now), now)
    keys = json.loads(settings.token_signing_keys.get_secret_value())["keys"]
    switched = _issuer_of(keys[::-1])
    token = switched.issue(make_actor(), now)
    assert jws.extract_compact(token.encode()).headers()["kid"] == "next"
    await verifier.verify(token, now + timedelta(seconds=1))
    assert identity.asked == 1  # fetched before the switch


async def test_an_old_key_may_go_when_no_token_of_it_lives(*, settings, issuer, verifier, identity, make_actor, now):
    old = issuer.issue(make_actor(), now)
    keys = json.loads(settings.token_signing_keys.get_secret_value())["keys"]
    after = _issuer_of(keys[1:])
    identity.document = after.jwks()
    assert [key["kid"] for key in identity.document["keys"]] == ["next"]
    await verifier.verify(after.issue(make_actor(), now), now)
    with pytest.raises(Unauthenticated):
        await verifier.verify(old, now)


def _issuer_of(keys):
    return TokenIssuer(Settings(token_signing_keys=json.dumps({"keys": keys})))


async def test_a_token_of_an_integrator_names_its_client(issuer, verifier, make_actor, now):
    client = make_actor(roles=(), email="", client_id="x" * 43)
    token = issuer.issue(client, now)
    assert json.loads(jws.extract_compact(token.encode()).payload)["client_id"] == "x" * 43
    assert (await verifier.verify(token, now)).actor == client
    assert client.is_integrator
    person = (await verifier.verify(issuer.issue(make_actor(), now), now)).actor
    assert (person.client_id, person.is_integrator) == (None, False)


async def test_keys_outlive_an_absence_of_identity(sign, verifier, identity, now):
    await verifier.verify(sign(), now)
    identity.away = True
    await verifier.verify(sign(ver=4), now + timedelta(seconds=600))


async def test_while_identity_hangs_one_request_waits_and_no_other(settings, issuer, make_actor, now):
    hanging = asyncio.Event()

    async def fetch():
        if verified:
            await hanging.wait()
        return json.dumps(issuer.jwks()).encode()

    verified, verifier = [], TokenVerifier(settings, fetch)
    token, later = issuer.issue(make_actor(), now), now + timedelta(seconds=600)
    verified.append(await verifier.verify(token, now))
    waiting = asyncio.ensure_future(verifier.verify(token, later))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(verifier.verify(token, later), 1) == verified[0]
    assert not waiting.done()
    hanging.set()
    assert await waiting == verified[0]


async def test_without_any_key_nobody_is_called_a_forger(sign, verifier, identity, now):
    identity.away = True
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            await verifier.verify(sign(), now)
        assert refusal.value.code == "UNAVAILABLE"
    assert identity.asked == 1
    identity.away = False
    await verifier.verify(sign(), now + timedelta(seconds=1))


@pytest.mark.parametrize("document", [{}, [], {"keys": {}}, {"keys": [1]}, {"keys": [{"kty": "EC", "crv": "P-256"}]}])
async def test_a_key_set_of_nonsense_is_no_key_set(identity, verifier, sign, now, document):
    identity.document = document
    with pytest.raises(Unavailable):
        await verifier.verify(sign(), now)


async def test_keys_of_other_kinds_in_the_set_do_not_disturb(identity, verifier, sign, now):
    others = KeySet([RSAKey.generate_key(2048), OctKey.generate_key(256), ECKey.generate_key("P-384")])
    ours = identity.document["keys"]
    identity.document = {"keys": [*others.as_dict(private=False)["keys"], {"kty": "AKP"}, *ours]}
    await verifier.verify(sign(), now)


async def test_keys_are_read_over_http(settings, issuer, make_actor, now):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(issuer.jwks()).encode()
            self.send_response(200 if self.path == "/.well-known/jwks.json" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object):
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        origin = f"http://127.0.0.1:{server.server_port}"
        there = settings.model_copy(update={"jwks_url": f"{origin}/.well-known/jwks.json"})
        elsewhere = settings.model_copy(update={"jwks_url": f"{origin}/keys"})
        actor = make_actor()
        token = issuer.issue(actor, now)
        try:
            assert (await TokenVerifier(there).verify(token, now)).actor == actor
            with pytest.raises(Unavailable):
                await TokenVerifier(elsewhere).verify(token, now)
        finally:
            server.shutdown()
            thread.join()


async def test_a_school_account_stays_in_its_school(issuer, verifier, make_actor, now):
    actor = make_actor()
    claims = await verifier.verify(issuer.issue(actor, now), now)
    assert resolve_actor(claims, None) == actor
    assert resolve_actor(claims, actor.tenant_id) == actor
    for other in (new_id(), PLATFORM_TENANT_ID):
        with pytest.raises(TenantMismatch) as refusal:
            resolve_actor(claims, other)
        assert refusal.value.code == "TENANT_MISMATCH"


async def test_a_platform_administrator_acts_on_any_school_with_the_same_permissions(issuer, verifier, make_actor, now):
    actor = make_actor("super_admin", home_tenant_id=PLATFORM_TENANT_ID)
    claims = await verifier.verify(issuer.issue(actor, now), now)
    school = new_id()
    assert resolve_actor(claims, None) == actor
    assert resolve_actor(claims, school) == replace(actor, tenant_id=school)
