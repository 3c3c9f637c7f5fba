"""The same at the router, which stands between everybody and the subgraphs."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from graphql import build_client_schema, get_introspection_query, introspection_from_schema
from hypothesis import HealthCheck, given, settings

from tests.badinput.sending import Reply
from tests.badinput.test_documents import register_scalars
from tests.badinput.test_http import BODIES, DOCUMENTS, HEADERS
from tests.identity.api_client.integrator import Integrator, ask
from tests.journeys.client import Person
from tests.journeys.school import School
from tests.journeys.stack import PLATFORM_PASSWORD, Stack
from tests.router.test_audit import assert_passes_audits
from tests.router.test_generated import assert_conforms

_FEW, _MANY = 20, 300
_HARMLESS = {"deep variables", "a list of operations"}  # no operation declares them; a batch, which subgraphs refuse


async def send(
    http: httpx.AsyncClient, content: bytes, headers: dict[str, str] | None = None, method: str = "POST"
) -> Reply:
    """One request as it is."""
    given_headers = {"content-type": "application/json", **(headers or {})}
    response = await http.request(method, "/graphql", content=content, headers=given_headers)
    try:
        parsed: Any = response.json()
    except ValueError:
        parsed = None
    return Reply(response.status_code, response.text, parsed, content.decode(errors="replace"))


@pytest.fixture
async def platform(stack: Stack, http: httpx.AsyncClient) -> Person:
    """The platform's administrator."""
    return await Person(http).sign_in(stack.settings.platform_email, PLATFORM_PASSWORD)


def test_audit_suite_has_nothing_to_say(stack: Stack) -> None:
    assert_passes_audits(stack.url)


async def test_malformed_requests_are_told_so(http: httpx.AsyncClient, platform: Person) -> None:
    sent = {**BODIES, **{f"document: {name}": json.dumps({"query": text}).encode() for name, text in DOCUMENTS.items()}}
    for label, body in sent.items():
        for headers in ({}, platform.headers):
            reply = await send(http, body, headers)
            reply.assert_decent(label)
            assert reply.errors or label in _HARMLESS, (label, reply.text[:300])
    for label, headers in HEADERS.items():
        # No client of HTTP/1.1 sends blanks at the end of a value.
        sendable = {name: value.rstrip() for name, value in headers.items()}
        too_long = max(map(len, sendable.values())) > 16 * 1024  # Node answers 431 without a body, or just hangs up
        try:
            reply = await send(http, b'{"query": "{ me { name } }"}', sendable)
        except httpx.ReadError:
            assert too_long, label
            continue
        reply.assert_decent(label)
        assert reply.errors or (too_long and reply.status == 431), (label, reply.text[:300])


async def test_deep_input_of_a_mutation_is_refused(http: httpx.AsyncClient, stack: Stack) -> None:
    document = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
    for depth in (50, 1_000, 10_000):
        for value in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            body = (
                f'{{"query": {json.dumps(document)}, "variables": {{"input": {{"email": {value}, "password": "x"}}}}}}'
            )
            reply = await send(http, body.encode())
            reply.assert_decent(depth)
            assert reply.codes == {"BAD_REQUEST"}, (depth, reply.text[:300])


async def test_too_large_a_body_is_not_read(http: httpx.AsyncClient, platform: Person) -> None:
    reply = await send(
        http, b'{"query": "{ __typename }", "variables": {"a": "' + b"x" * 2 * 2**20 + b'"}}', platform.headers
    )
    reply.assert_decent("two mebibytes")
    assert (reply.status, reply.codes) == (413, {"PAYLOAD_TOO_LARGE"})


async def test_other_methods_and_types_do_nothing(http: httpx.AsyncClient, platform: Person) -> None:
    mutation = b'{"query": "mutation { logout { __typename } }"}'
    for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE"):
        reply = await send(http, mutation, platform.headers, method)
        reply.assert_decent(method)
        assert reply.status >= 400 or reply.codes == {"BAD_REQUEST"}, method
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ";;;"):
        reply = await send(http, mutation, {**platform.headers, "content-type": kind})
        reply.assert_decent(kind)
        assert reply.status >= 400, kind
    assert await platform.read("{ me { name } }")  # the session is still there


async def senders_of(stack: Stack, http: httpx.AsyncClient, platform: Person, slug: str) -> dict[str, dict[str, str]]:
    """The headers of every kind of client, at a school of their own."""
    school = School(slug, stack, http)
    await school.found()
    await school.employ("Guru", "teacher")
    given = {"name": "Dinas", "scopes": ["school:read", "student:read"], "method": "CLIENT_SECRET"}
    made = await school.people["Admin"].do("createApiClient", given, "clientId clientSecret apiClient { id }")
    integrator = Integrator(made["apiClient"]["id"], made["clientId"], made["clientSecret"])
    token = (await ask(http, integrator.posted())).json()["access_token"]
    of = {
        "visitor": Person(http),
        "app": school.people["Guru"],
        "dashboard": school.people["Admin"],  # who holds graph:adhoc
        "integrator": Person(http, access=token),
        "platform": platform,
    }
    return {name: person.headers | {"x-tenant-id": school.tenant} for name, person in of.items()}


@pytest.mark.parametrize("examples", [_FEW, pytest.param(_MANY, marks=pytest.mark.deep)])
async def test_generated_documents_never_fail_inside(
    http: httpx.AsyncClient, stack: Stack, platform: Person, examples: int
) -> None:
    register_scalars()
    told = await platform.ask(get_introspection_query())
    known = introspection_from_schema(build_client_schema(told.ok()))
    documents = schemathesis.graphql.from_dict({"data": known}).as_strategy()
    made: list[Any] = []

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=documents)
    def collect(case: Any) -> None:
        made.append(case.body)

    collect()
    senders = await senders_of(stack, http, platform, f"acak{examples}")
    answered: set[str] = set()
    for body in made:
        sent = body if isinstance(body, dict) else {"query": body}
        for name, headers in senders.items():
            reply = await send(http, json.dumps(sent).encode(), headers)
            reply.assert_decent((name, sent))
            assert_conforms(reply.body)
            if "data" in reply.body:
                answered.add(name)
            assert name != "integrator" or reply.codes == {"PERSISTED_QUERY_ONLY"}, (sent, reply.text[:500])
    assert answered == set(senders) - {"integrator"}
