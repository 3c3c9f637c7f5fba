"""Requests that are no requests: bodies, types, methods, headers and documents that are wrong as such."""

import json
from typing import Any

import pytest

from libs.settings import SUBGRAPHS
from tests.badinput.conftest import Setting
from tests.badinput.sending import fingerprint, send

_DEEP = 10_000
_QUERY = b'{"query": "{ __typename }"}'
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a brace": b"{",
    "a list": b"[]",
    "a list of operations": b"[" + _QUERY + b"," + _QUERY + b"]",
    "null": b"null",
    "text": b'"{ __typename }"',
    "a number": b"5",
    "no UTF-8": b'{"query": "\xff\xfe"}',
    "UTF-16": '{"query": "{ __typename }"}'.encode("utf-16"),
    "NUL": b"\x00" * 64,
    "no query": b"{}",
    "query is null": b'{"query": null}',
    "query is a number": b'{"query": 5}',
    "query is a list": b'{"query": ["{ __typename }"]}',
    "variables are text": b'{"query": "{ __typename }", "variables": "x"}',
    "variables are a list": b'{"query": "{ __typename }", "variables": [1]}',
    "operation name is a number": b'{"query": "{ __typename }", "operationName": 5}',
    "operation name is unknown": b'{"query": "{ __typename }", "operationName": "Nope"}',
    "deep": b"[" * _DEEP + b"]" * _DEEP,
    "deep and open": b'{"query":' * _DEEP,
    "deep variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * _DEEP + b"]" * _DEEP + b"}}",
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
}
# Thirty fragments, each spread twice in the one before: a billion spreads when they are unfolded one by one.
_BOMB = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
DOCUMENTS = {
    "a bomb of fragments": "{ ...F0 nope } " + _BOMB + "fragment F30 on Query { __typename }",
    "empty": "",
    "blank": "   ",
    "words": "give me everything",
    "open": "{ __typename",
    "NUL": "{ __typename \x00 }",
    "deep selection": "{ a " * _DEEP + "}" * _DEEP,
    "deep value": "{ __type(name: " + "[" * _DEEP + "]" * _DEEP + ") { name } }",
    "a fragment in a circle": "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "an unknown fragment": "{ ...Nope }",
    "two without a name": "{ __typename } { __typename }",
    "only a fragment": "fragment A on Query { __typename }",
    "an unknown field": "{ nope }",
    "an unknown directive": "{ __typename @nope }",
    "an unknown argument": "{ __typename(a: 1) }",
    "a subscription": "subscription { nope }",
    "a schema": "type Query { a: Int }",
    "an unknown variable type": "query($a: Nope) { __typename }",
    "a number beyond floats": "{ __type(name: " + "9" * 5_000 + ") { name } }",
    "an open string": '{ __type(name: "x',
    "a wrong escape": '{ __type(name: "\\u{110000}") { name } }',
    "a surrogate escape": '{ __type(name: "\\ud800") { name } }',
}
HEADERS: dict[str, dict[str, str]] = {
    "tenant is no UUID": {"x-tenant-id": "gp"},
    "tenant is long": {"x-tenant-id": "x" * 5_000},
    "tenant is unknown": {"x-tenant-id": "01890000-0000-7000-8000-00000000000f"},
    "no token": {"authorization": "Bearer"},
    "a blank token": {"authorization": "Bearer  "},
    "a broken token": {"authorization": "Bearer a.b.c"},
    "an alg none token": {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    "a long token": {"authorization": "Bearer " + "x" * 60_000},
    "a basic one": {"authorization": "Basic YTpi"},
    "only a scheme": {"authorization": "x"},
}


@pytest.fixture(params=SUBGRAPHS)
def subgraph(request: pytest.FixtureRequest) -> str:
    """Every subgraph."""
    name: str = request.param
    return name


async def test_malformed_requests_are_told_so(setting: Setting) -> None:
    actor = setting.actor("school_admin")
    before = fingerprint(setting.settings, setting.subgraph)
    sent: dict[str, Any] = {**BODIES, **{f"document: {name}": {"query": text} for name, text in DOCUMENTS.items()}}
    for label, body in sent.items():
        reply = await send(setting.graph, body, actor=actor)
        reply.assert_decent(label)
        assert reply.errors, (label, reply.text[:300])
    assert fingerprint(setting.settings, setting.subgraph) == before


async def test_depth_is_measured_through_fragments(setting: Setting) -> None:
    actor = setting.actor("school_admin")
    allowed = "{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } }"
    reply = await send(setting.graph, {"query": allowed}, actor=actor)
    assert not reply.errors
    chain = "".join(f"fragment F{n} on Query {{ a {{ ...F{n + 1} }} }} " for n in range(16))
    for document in ("{ a " * 17 + "}" * 17, f"{{ ...F0 }} {chain} fragment F16 on Query {{ a }}"):
        reply = await send(setting.graph, {"query": document}, actor=actor)
        reply.assert_decent(document)
        assert "DEPTH_LIMIT" in reply.codes


FILTERED = {
    "identity": "UserFilter! users",
    "academic": "StudentFilter! students",
    "operations": "AssessmentFilter! assessments",
    "admission": "ApplicationFilter! applications",
    "finance": "InvoiceFilter! invoices",
    "notification": "NotificationFilter! notifications",
}


@pytest.mark.parametrize("depth", [50, 200, 1_000])
async def test_filters_within_filters_end_somewhere(setting: Setting, depth: int) -> None:
    kind, name = FILTERED[setting.subgraph].split()
    document = f"query($filter: {kind}) {{ {name}(filter: $filter) {{ totalCount }} }}"
    for wrapped in ('{"not":', '{"and": [{"or": [{"not":'):
        closed = wrapped.translate(str.maketrans("{[", "}]", '":,andort '))[::-1]
        variables = f'{{"filter": {wrapped * depth} {{}} {closed * depth}}}'
        body = f'{{"query": {json.dumps(document)}, "variables": {variables}}}'
        reply = await send(setting.graph, body.encode(), actor=setting.actor("school_admin"))
        reply.assert_decent((depth, wrapped))


async def test_empty_filters_hold_for_everything(setting: Setting) -> None:
    kind, name = FILTERED[setting.subgraph].split()
    document = f"query($filter: {kind}) {{ {name}(filter: $filter) {{ totalCount }} }}"
    counts = []
    filters: list[dict[str, Any]] = [{}, {"and": []}, {"and": [{}]}, {"or": [{}]}, {"not": {}}, {"or": []}]
    for filter_ in filters:
        sent = {"query": document, "variables": {"filter": filter_}}
        reply = await send(setting.graph, sent, actor=setting.actor("school_admin"))
        assert not reply.errors, reply.text
        counts.append(reply.body["data"][name]["totalCount"])
    everything = counts[0]
    assert counts == [everything] * 4 + [0, 0]


async def test_wrong_headers_are_told_so(setting: Setting) -> None:
    before = fingerprint(setting.settings, setting.subgraph)
    for label, headers in HEADERS.items():
        reply = await send(setting.graph, {"query": "{ __typename }"}, headers=headers)
        reply.assert_decent(label)
        assert reply.codes & {"BAD_REQUEST", "UNAUTHENTICATED", "TENANT_UNKNOWN"}, (label, reply.text[:300])
    assert fingerprint(setting.settings, setting.subgraph) == before


async def test_other_methods_and_types_do_nothing(setting: Setting) -> None:
    actor = setting.actor("school_admin")
    before = fingerprint(setting.settings, setting.subgraph)
    mutation = json.dumps({"query": "mutation { logout { __typename } }"}).encode()
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"):
        reply = await send(setting.graph, mutation, actor=actor, method=method)
        reply.assert_decent(method)
        assert reply.status >= 400, (method, reply.status)
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        ";;;",
    ):
        reply = await send(setting.graph, mutation, actor=actor, headers={"content-type": kind})
        reply.assert_decent(kind)
        assert reply.status >= 400, (kind, reply.status)
    assert fingerprint(setting.settings, setting.subgraph) == before


async def test_two_mebibytes_are_not_executed(setting: Setting) -> None:
    actor = setting.actor("school_admin")
    before = fingerprint(setting.settings, setting.subgraph)
    long = "x" * 2 * 1024 * 1024
    for body in (
        {"query": "{ nope }", "variables": {"a": long}},
        {"query": "#" + long},
        {"query": "{" + "a " * 2**20 + "}"},
    ):
        reply = await send(setting.graph, body, actor=actor)
        reply.assert_decent("two mebibytes")
        assert reply.errors
    assert fingerprint(setting.settings, setting.subgraph) == before
