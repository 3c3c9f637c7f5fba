"""Who gets in, for which school, and what a subgraph is told of it."""

import asyncio
import base64
import hmac
import json
import re
import time
import uuid
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.router.conftest import GP, MS, PLATFORM, Graph, Tokens

SEEN = "{ seen { tenant authorization } }"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def code_of(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    assert "data" not in answer.json()
    code: str = error["extensions"]["code"]
    return code


def _forged(tokens: Tokens) -> dict[str, str]:
    """Tokens that identity never signed, or not for us."""
    foreign = ECKey.generate_key("P-256")
    now = int(time.time())
    return {
        "HS256 with the public key as secret": _resigned(tokens, "HS256"),
        "RS256 with a published key": tokens.sign(alg="RS256", key=tokens.published_rsa, kid="test-2"),
        "no algorithm": _resigned(tokens, "none"),
        "another key under our key's id": tokens.sign(key=foreign),
        "a key that nobody published": tokens.sign(key=foreign, kid="unknown"),
        "an assertion of a client": tokens.sign(typ="client-authentication+jwt"),
        "an id token": tokens.sign(typ="JWT"),
        "another issuer": tokens.sign(iss="https://elsewhere.test"),
        "another audience": tokens.sign(aud="elsewhere"),
        "no expiry": tokens.sign(exp=None),
        "issued tomorrow": tokens.sign(iat=now + 86_400),
        "not valid yet": tokens.sign(nbf=now + 3_600),
        "no tenant": tokens.sign(tenant_id=None),
        "a tenant that is no UUID": tokens.sign(tenant_id="gp"),
        "not a token": "x.y.z",
    }


def _resigned(tokens: Tokens, algorithm: str) -> str:
    """A valid token's claims under another algorithm: signed with the public key as a secret, or not at all."""
    header = _base64({"alg": algorithm, "typ": "at+jwt", "kid": "test-1"})
    signed = f"{header}.{tokens.sign().split('.')[1]}"
    mac = hmac.digest(tokens.key.as_pem(private=False), signed.encode(), "sha256") if algorithm == "HS256" else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _base64(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_token_that_identity_did_not_sign_for_us_is_refused_before_any_subgraph_is_asked(
    graph: Graph, tokens: Tokens
) -> None:
    """Trap 8, algorithms: fails without `algorithms`, where any algorithm of a published key is good enough."""
    codes = {}
    for name, token in _forged(tokens).items():
        answer = await graph.post(SEEN, {"authorization": f"Bearer {token}"})
        codes[name] = (answer.status_code, code_of(answer))
    assert codes == dict.fromkeys(codes, (401, "UNAUTHENTICATED"))
    assert graph.subgraphs["identity"].operations == []


async def test_an_expired_token_says_so(graph: Graph, tokens: Tokens) -> None:
    answer = await graph.post(SEEN, tokens.bearer(exp=int(time.time()) - 1))
    assert (answer.status_code, code_of(answer)) == (401, "TOKEN_EXPIRED")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic c3JpOnNyaQ==", "Bearer a b"])
async def test_an_authorization_that_is_no_bearer_token_is_refused(graph: Graph, authorization: str) -> None:
    answer = await graph.post(SEEN, {"authorization": authorization})
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
async def test_a_refusal_comes_in_the_media_type_the_client_accepts(graph: Graph, media_type: str) -> None:
    answer = await graph.post(SEEN, {"authorization": "Bearer x", "accept": media_type})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


async def test_without_a_token_public_operations_go_through(graph: Graph) -> None:
    assert await graph.ask('mutation { login(email: "sri@gp.test") }') == {"data": {"login": "token of sri@gp.test"}}
    assert await graph.ask(SEEN, {"x-tenant-id": GP}) == {"data": {"seen": {"tenant": GP, "authorization": None}}}
    assert await graph.ask(SEEN) == {"data": {"seen": {"tenant": None, "authorization": None}}}


async def test_the_tenant_is_the_token_s_and_no_other(graph: Graph, tokens: Tokens) -> None:
    own = tokens.bearer(GP)
    assert (await graph.ask(SEEN, own))["data"]["seen"]["tenant"] == GP
    assert (await graph.ask(SEEN, own | {"x-tenant-id": GP.upper()}))["data"]["seen"]["tenant"] == GP
    refused = await graph.post(SEEN, own | {"x-tenant-id": MS})
    assert (refused.status_code, code_of(refused)) == (403, "TENANT_MISMATCH")
    assert len(graph.subgraphs["identity"].operations) == 2


async def test_a_platform_administrator_may_name_any_tenant(graph: Graph, tokens: Tokens) -> None:
    platform = tokens.bearer(PLATFORM)
    assert (await graph.ask(SEEN, platform))["data"]["seen"]["tenant"] == PLATFORM
    assert (await graph.ask(SEEN, platform | {"x-tenant-id": MS}))["data"]["seen"]["tenant"] == MS


@pytest.mark.parametrize("tenant", ["", "gp", f"{GP},{GP}", f"{GP} ", GP.replace("-", ""), "'; drop table users"])
async def test_a_malformed_tenant_is_a_bad_request(graph: Graph, tenant: str) -> None:
    answer = await graph.post(
        SEEN, {"x-tenant-id": tenant} if tenant.strip() == tenant else {"x-tenant-id": tenant + "x"}
    )
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert answer.json()["errors"][0]["extensions"]["header"] == "X-Tenant-Id"


@pytest.mark.parametrize("name", ["Authorization", "X-Tenant-Id", "Idempotency-Key", "X-Request-Id", "traceparent"])
async def test_a_header_given_twice_is_refused(graph: Graph, tokens: Tokens, name: str) -> None:
    twice = [(name, GP), (name.lower(), GP)]
    answer = await graph.client.post("/graphql", json={"query": SEEN}, headers=twice)
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert answer.json()["errors"][0]["extensions"]["header"] == name


async def test_the_language_of_a_refusal_follows_the_client(graph: Graph) -> None:
    bad = {"authorization": "Bearer x"}
    indonesian = (await graph.ask(SEEN, bad))["errors"][0]["message"]
    english = (await graph.ask(SEEN, bad | {"accept-language": "en-GB,en;q=0.9"}))["errors"][0]["message"]
    assert (indonesian, english) == ("Masuk terlebih dahulu.", "Sign in first.")


async def test_keys_stay_in_use_and_nobody_is_locked_out_while_identity_is_down(
    graph: Graph, tokens: Tokens, start_router: Any
) -> None:
    await graph.ask(SEEN, tokens.bearer())
    graph.subgraphs["identity"].fault = "html"
    assert await graph.ask("{ school }", tokens.bearer()) == {"data": {"school": "SMA Gabriel Pereira"}}
    stranded = start_router(WIYATA_JWKS_URL="http://127.0.0.1:1/jwks.json")
    async with httpx.AsyncClient(base_url=stranded.url) as client:
        answer = await client.post("/graphql", json={"query": "{ school }"}, headers=tokens.bearer())
        public = await client.post("/graphql", json={"query": "{ school }"})
    assert (answer.status_code, code_of(answer)) == (503, "UNAVAILABLE")
    assert public.json() == {"data": {"school": "SMA Gabriel Pereira"}}


# ---------------------------------------------------------------- what subgraphs are told


async def test_subgraphs_get_the_headers_of_the_list_and_nothing_else_of_the_client(
    graph: Graph, tokens: Tokens
) -> None:
    sent = tokens.bearer() | {
        "accept-language": "en",
        "idempotency-key": str(uuid.uuid4()),
        "traceparent": TRACEPARENT,
        "tracestate": "a=1",
        "x-request-id": "mine-1",
        "x-forwarded-for": "203.0.113.9",
        "x-wiyata-actor": "platform",
        "x-custom": "1",
        "cookie": "session=1",
        "forwarded": "for=203.0.113.9",
    }
    answer = await graph.post(SEEN, sent)
    (call,) = graph.subgraphs["identity"].operations
    told = {name: value for name, value in call.headers.items() if name not in _TRANSPORT}
    assert told == {
        "authorization": sent["authorization"],
        "x-tenant-id": GP,
        "accept-language": "en",
        "idempotency-key": sent["idempotency-key"],
        "traceparent": TRACEPARENT,
        "tracestate": "a=1",
        "x-request-id": "mine-1",
        "x-forwarded-for": "127.0.0.1",
    }
    assert answer.headers["x-request-id"] == "mine-1"


_TRANSPORT = {"host", "connection", "content-type", "content-length", "accept", "accept-encoding", "user-agent"}


async def test_a_request_without_names_gets_some(graph: Graph) -> None:
    malformed = {"traceparent": "00-zz", "tracestate": "a=1", "x-request-id": "a b\tc"}
    for headers in ({}, malformed):
        answer = await graph.post(SEEN, headers)
        call = graph.subgraphs["identity"].operations[-1]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", call.headers["traceparent"])
        assert "tracestate" not in call.headers
        assert (
            call.headers["x-request-id"]
            == answer.headers["x-request-id"]
            == str(uuid.UUID(answer.headers["x-request-id"]))
        )


async def test_two_tenants_and_two_users_at_once_never_share_an_upstream_call(
    graph: Graph, planned: Graph, tokens: Tokens
) -> None:
    """Trap 1: fails when X-Tenant-Id or Authorization is set by a plugin's `onFetch` instead of `propagateHeaders` while
    the gateway shares calls under way (its default): everything else of these requests is equal.
    """
    same = {"x-request-id": "same", "traceparent": TRACEPARENT}
    callers = [
        tokens.bearer(GP, sub="u1"),
        tokens.bearer(GP, sub="u2"),
        tokens.bearer(MS, sub="u3"),
        {"x-tenant-id": MS},
    ]
    query = "{ seen(wait: 0.3) { tenant authorization } }"
    for each in (graph, planned):  # the fast lane passes headers on itself
        each.subgraphs["identity"].calls.clear()
        answers = await asyncio.gather(*(each.ask(query, same | caller) for caller in callers))
        assert [answer["data"]["seen"] for answer in answers] == [
            {"tenant": tenant, "authorization": caller.get("authorization")}
            for tenant, caller in zip([GP, GP, MS, MS], callers, strict=True)
        ]
        assert len(each.subgraphs["identity"].operations) == 4
