"""Every mutation, generated from the schema, with every input that is wrong in one place: refused by name, nothing written."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from libs.auth import SYSTEM_ROLES
from libs.settings import SUBGRAPHS
from tests.badinput.cases import Case, bad_inputs
from tests.badinput.conftest import Setting
from tests.badinput.sending import Reply, fingerprint, send

_SHARE = 12  # of the cases, each of the roles that may not call a mutation sends one in so many
_REMEMBERED = {"login": ("audit_logs", "sign_in_failures")}  # that a password was wrong is itself worth a row

_WORK = {("importStudents", "input.file.text: oversized")}  # the lines of a file are judged by the job


def schema_of(subgraph: str) -> GraphQLSchema:
    """What graphql-core executes."""
    found: GraphQLSchema = importlib.import_module(f"subgraphs.{subgraph}.schema").schema._schema
    return found


def mutations() -> Iterator[tuple[str, str]]:
    """Every mutation of the graph that takes an input."""
    for subgraph in SUBGRAPHS:
        kind = schema_of(subgraph).mutation_type
        for name, field in (kind.fields if kind else {}).items():
            if "input" in field.args:
                yield subgraph, name


def access_of(subgraph: str, name: str) -> Any:
    """Who may call it."""
    kind = schema_of(subgraph).mutation_type
    assert kind is not None
    return kind.fields[name].extensions["strawberry-definition"].metadata["access"]


def document_of(subgraph: str, name: str) -> str:
    """The mutation, with all that a client needs to read a refusal."""
    kind = schema_of(subgraph).mutation_type
    assert kind is not None
    input_type = kind.fields[name].args["input"].type
    return (
        f"mutation($input: {input_type}) {{ {name}(input: $input) {{ __typename ... on UserError {{ code message }}"
        " ... on InvalidInput { fields { path code message } } } }"
    )


def assert_refused(case: Case, reply: Reply, name: str) -> None:
    """The refusal is typed and says where."""
    about = (str(case), reply.text[:600])
    if reply.codes:
        assert reply.codes == {"BAD_REQUEST"}, about
        told = " ".join(f"{error['extensions'].get('path', '')} {error['message']}" for error in reply.errors)
        assert case.path.rpartition(".")[2].removesuffix("s") in told or case.path.startswith("input.file"), about
        return
    answer = reply.body["data"][name]
    assert not answer["__typename"].endswith("Success"), about
    assert answer["code"], about
    assert answer["message"], about
    if case.foreign:
        assert answer["__typename"] in ("NotFound", "InvalidInput"), about
    if answer["__typename"] == "InvalidInput":
        assert any(_concerns(case.path, fault["path"]) for fault in answer["fields"]), about


def _concerns(wrong: str, told: str) -> bool:
    """Whether a fault's path leads to where the input is wrong; of two dates out of order, either may be named."""
    return told.startswith(wrong) or wrong.startswith(told) or {wrong, told} <= _ORDERED


_ORDERED = {
    *("input.startDate", "input.endDate", "input.secondSemesterStart", "input.startTime", "input.endTime"),
    *("input.validFrom", "input.validUntil"),
}


@pytest.mark.parametrize("share", [_SHARE, pytest.param(1, marks=pytest.mark.deep)])
@pytest.mark.parametrize(("subgraph", "name"), list(mutations()))
async def test_wrong_input_is_refused_and_writes_nothing(
    setting: Setting, subgraph: str, name: str, share: int
) -> None:
    kind = schema_of(subgraph).mutation_type
    assert kind is not None
    input_type = get_named_type(kind.fields[name].args["input"].type)
    assert isinstance(input_type, GraphQLInputObjectType)
    base = setting.inputs[name]
    cases = [
        case for case in bad_inputs(input_type, base, setting.foreign.get(name, {})) if (name, str(case)) not in _WORK
    ]
    assert len({str(case) for case in cases}) == len(cases)
    document, access = document_of(subgraph, name), access_of(subgraph, name)
    ignored = _REMEMBERED.get(name, ())
    before = fingerprint(setting.settings, subgraph, but=ignored)
    permitted = [
        role for role in SYSTEM_ROLES if access.permission is None or setting.actor(role).may(access.permission)
    ]
    callers = {role: setting.actor(role) for role in SYSTEM_ROLES}
    headers = {"x-tenant-id": str(setting.school)}
    chief = None if access.public else permitted[-1]
    for case in cases:
        sent = {"query": document, "variables": {"input": case.input}}
        reply = await send(
            setting.graph, sent, actor=callers.get(chief or ""), headers=headers if access.public else None
        )
        reply.assert_decent(case)
        assert_refused(case, reply, name)
    others: list[str | None] = [None, *(role for role in SYSTEM_ROLES if role != chief)]
    for place, role in enumerate(others):
        for case in cases[place % share :: share]:
            sent = {"query": document, "variables": {"input": case.input}}
            reply = await send(
                setting.graph, sent, actor=callers.get(role or ""), headers=headers if role is None else None
            )
            reply.assert_decent((role, str(case)))
            if access.public or role in permitted:
                assert_refused(case, reply, name)
            else:
                assert_kept_out(reply, name, role)
    after = fingerprint(setting.settings, subgraph, but=ignored)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    right = {"query": document, "variables": {"input": base}}
    elsewhere = {"x-forwarded-for": "203.0.113.9"}  # so many wrong passwords have locked the first address out
    headers = headers | elsewhere if access.public else elsewhere
    reply = await send(setting.graph, right, actor=callers.get(chief or ""), headers=headers)
    assert not reply.errors, reply.text
    assert reply.body["data"][name]["__typename"].endswith("Success"), (
        reply.text
    )  # the input was right but for one place
    assert fingerprint(setting.settings, subgraph) != before


def assert_kept_out(reply: Reply, name: str, role: str | None) -> None:
    """Who may not call is told that, unless the document does not even fit."""
    if reply.codes:
        assert reply.codes <= ({"UNAUTHENTICATED", "BAD_REQUEST"} if role is None else {"BAD_REQUEST"}), reply.text[
            :500
        ]
    else:
        assert role is not None, reply.text[:500]
        assert reply.body["data"][name]["__typename"] == "Forbidden", (role, reply.text[:500])


@pytest.mark.parametrize(("subgraph", "name"), list(mutations()))
async def test_raw_json_that_no_library_sends(setting: Setting, subgraph: str, name: str) -> None:
    access = access_of(subgraph, name)
    actor = setting.actor("super_admin" if access.platform else "school_admin")
    before = fingerprint(setting.settings, subgraph)
    document = json.dumps(document_of(subgraph, name))
    first = next(iter(setting.inputs[name]))
    right = json.dumps(setting.inputs[name])[1:-1]
    bodies = {
        "a lone surrogate": f'{{"{first}": "\\ud800"}}',
        "a surrogate inside": f'{{{right}, "{first}": "a\\udfffb"}}',
        "duplicate keys, the last is wrong": f'{{{right}, "{first}": []}}',
        "NaN": f'{{"{first}": NaN}}',
        "beyond floats": f'{{"{first}": {10**400}}}',
        "infinity": f'{{"{first}": 1e999}}',
        "ten thousand deep": f'{{"{first}": {"[" * 10_000}{"]" * 10_000}}}',
        "a thousand deep": f'{{"{first}": {"[" * 1_000}{"]" * 1_000}}}',
        "open": f'{{"{first}": ',
    }
    for label, given in bodies.items():
        body = f'{{"query": {document}, "variables": {{"input": {given}}}}}'.encode()
        reply = await send(setting.graph, body, actor=actor)
        reply.assert_decent((name, label))
        assert reply.codes == {"BAD_REQUEST"}, (name, label, reply.text[:300])
    assert fingerprint(setting.settings, subgraph) == before
