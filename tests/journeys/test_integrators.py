"""Integrators through the router: a token by secret or by signature, in force and void everywhere, and none by forgery."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from libs.kernel import new_id
from libs.settings import SUBGRAPHS
from tests.identity.api_client.integrator import Integrator, ask, assert_refused, ec_key, jwks_of
from tests.journeys.client import Person
from tests.journeys.school import School
from tests.journeys.stack import ROOT, Stack

SCOPES = ["school:read", "student:read", "user:read", "invoice:read"]
MADE = "clientId clientSecret apiClient { id }"
DOCUMENTS = ROOT / "router" / "documents"
_SECONDS = 5.0


@pytest.fixture(scope="session")
def founded(running: Stack) -> School:
    """A school with its administrator."""

    async def found() -> School:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            school = School("melur", running, client, "20304109")
            await school.found()
        return school

    running.heal()
    return asyncio.run(found())


@pytest.fixture
def school(founded: School, http: httpx.AsyncClient) -> School:
    return founded.over(http)


async def give_access(school: School, name: str, key: Any = None) -> Integrator:
    """A new client of the school, with a secret or with that key."""
    proof = {"method": "PRIVATE_KEY_JWT", "jwks": jwks_of(key)} if key else {"method": "CLIENT_SECRET"}
    given = {"name": name, "scopes": SCOPES} | proof
    made = await school.people["Admin"].do("createApiClient", given, MADE)
    return Integrator(made["apiClient"]["id"], made["clientId"], made["clientSecret"], key)


async def test_a_program_reads_across_the_graph_by_its_scopes(school: School, http: httpx.AsyncClient) -> None:
    integrator = await give_access(school, "Dinas Pendidikan")
    answer = await ask(http, integrator.posted())
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await ask(http, {"grant_type": "client_credentials"}, integrator.basic())
    assert again.json()["scope"] == answer.json()["scope"] == " ".join(sorted(SCOPES))
    program = Person(http, access=answer.json()["access_token"])
    invoices = (DOCUMENTS / "invoices.graphql").read_text()
    assert (await program.read(invoices))["invoices"]["nodes"] == []
    assert (await program.ask((DOCUMENTS / "pupils.graphql").read_text())).codes == [
        "FORBIDDEN"
    ]  # class:read is missing
    for document in ("{ school { name } }", "mutation { logout { __typename } }", invoices.replace("100", "99")):
        assert (await program.ask(document)).codes == ["PERSISTED_QUERY_ONLY"]


async def test_a_program_reads_in_a_subgraph_what_its_scopes_show(school: School, http: httpx.AsyncClient) -> None:
    """Behind the router, where no document is registered, the scopes alone decide."""
    integrator = await give_access(school, "Dinas Kota")
    headers = {"authorization": f"Bearer {(await ask(http, integrator.posted())).json()['access_token']}"}

    async def read(subgraph: str, query: str) -> Any:
        url = getattr(school.stack.settings, f"{subgraph}_url")
        return (await http.post(url, json={"query": query}, headers=headers)).json()

    assert await read("identity", "{ me { id } users { totalCount } }") == {
        "data": {"me": None, "users": {"totalCount": 1}}
    }
    assert await read("academic", "{ school { name } }") == {"data": {"school": {"name": school.name("SMA")}}}
    for subgraph, query in (
        ("academic", "{ teachers { totalCount } }"),
        (
            "academic",
            'mutation { createSubject(input: {code: "X", name: "X", category: WAJIB}) { ...on UserError { code } } }',
        ),
    ):
        assert "FORBIDDEN" in str(await read(subgraph, query))


async def test_a_signed_assertion_is_meant_for_this_origin(school: School, http: httpx.AsyncClient) -> None:
    integrator = await give_access(school, "Bank", ec_key())
    where = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert where["token_endpoint"] == f"{school.stack.url}/oauth/token"
    for audience in (where["token_endpoint"], where["issuer"]):
        assertion = integrator.assertion(aud=audience)
        assert (await ask(http, integrator.asserted(assertion))).status_code == 200
    assertion = integrator.assertion(aud=f"{school.stack.settings.identity_url}/oauth/token")
    assert_refused(await ask(http, integrator.asserted(assertion)), "invalid_client", 401)
    keys = (await http.get(where["jwks_uri"])).json()["keys"]
    assert all("d" not in key for key in keys)


async def test_a_revoked_client_is_out_everywhere_within_seconds(school: School, http: httpx.AsyncClient) -> None:
    integrator = await give_access(school, "Short lived")
    token = (await ask(http, integrator.posted())).json()["access_token"]
    assert await codes_everywhere(school.stack, http, token) == dict.fromkeys(SUBGRAPHS, "")
    await school.people["Admin"].do("revokeApiClient", {"apiClientId": integrator.id})
    deadline = time.monotonic() + _SECONDS
    while (codes := await codes_everywhere(school.stack, http, token)) != dict.fromkeys(SUBGRAPHS, "UNAUTHENTICATED"):
        assert time.monotonic() < deadline, codes
        await asyncio.sleep(0.2)
    assert_refused(await ask(http, integrator.posted()), "invalid_client", 401)


async def codes_everywhere(stack: Stack, http: httpx.AsyncClient, token: str) -> dict[str, str]:
    """What every subgraph, addressed directly, says to a token; empty where it is heard."""

    async def code_of(name: str) -> str:
        url, headers = getattr(stack.settings, f"{name}_url"), {"authorization": f"Bearer {token}"}
        answer = await http.post(url, json={"query": "{ __typename }"}, headers=headers)
        return "".join(error["extensions"]["code"] for error in answer.json().get("errors", []))

    return dict(zip(SUBGRAPHS, await asyncio.gather(*map(code_of, SUBGRAPHS)), strict=True))


def forgeries(stack: Stack, tenant: str) -> Iterator[tuple[str, str]]:
    """Tokens of a client that identity never issued like this, by what is wrong with them."""
    settings, now = stack.settings, int(time.time())
    key = KeySet.import_key_set(json.loads(settings.token_signing_keys.get_secret_value())).keys[0]
    claims: dict[str, Any] = {name: str(new_id()) for name in ("sub", "sid", "jti")}
    claims |= {"tenant_id": tenant, "client_id": "x" * 43, "permissions": SCOPES, "email": "", "ver": 1}
    claims |= {"roles": [], "students": [], "pending": []}
    claims |= {"iss": settings.token_issuer, "aud": settings.token_audience, "iat": now, "exp": now + 300}

    def signed(by: Any = key, header: Any = None, **changes: Any) -> str:
        heading = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode(heading, claims | changes, by, algorithms=["ES256"])

    for name in ("none", "HS256"):
        header = json.dumps({"alg": name, "typ": "at+jwt", "kid": key.kid}).encode()
        unsigned = f"{_encoded(header)}.{signed().split('.')[1]}"
        mac = hmac.digest(key.as_pem(private=False), unsigned.encode(), "sha256") if name == "HS256" else b""
        yield name, f"{unsigned}.{_encoded(mac)}"
    yield "another key", signed(ECKey.generate_key("P-256"))
    yield "typ", signed(header={"typ": "JWT"})
    yield "kid", signed(header={"kid": "unknown"})
    yield "iss", signed(iss="https://evil.test")
    yield "aud", signed(aud="elsewhere")
    yield "future", signed(iat=now + 3600)
    yield "expired", signed(exp=now - 1)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_forged_tokens_open_nothing_at_the_router_and_in_no_subgraph(
    school: School, http: httpx.AsyncClient
) -> None:
    for name, token in forgeries(school.stack, school.tenant):
        code = "TOKEN_EXPIRED" if name == "expired" else "UNAUTHENTICATED"
        assert (await Person(http, access=token).ask("{ me { id } }")).codes == [code], name
        assert await codes_everywhere(school.stack, http, token) == dict.fromkeys(SUBGRAPHS, code), name
