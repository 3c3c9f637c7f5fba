"""Every mutation, generated from the schema, with every input that is wrong in one place: refused by name, nothing written."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from libs.auth import SYSTEM_ROLES
from libs.settings import SUBGRAPHS
from tests.badinput.cases import Case, bad_inputs
from tests.badinput.conftest import Setting
from tests.badinput.sending import Reply, fingerprint, send

_SHARE = 12  # of the cases, each of the roles that may not call a mutation sends one in so many
_REMEMBERED = {
    "login": ("audit_logs", "sign_in_failures", "account_failures")
}  # that a password was wrong is itself worth a row

# the lines of a file are judged by the job; and where nothing is needed, nothing given is right
_RIGHT = {(name, "input.file.text: oversized") for name in ("importStudents", "importAttendance", "importUsers")}
_RIGHT |= {("logoutEverywhere", "input: empty")}


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


def assert_refused(case: Case, reply: Reply, name: str, kept_out: Sequence[str] = ()) -> None:
    """The refusal is typed and says where."""
    about = (str(case), reply.text[:600])
    if reply.codes:
        assert reply.codes == {"BAD_REQUEST"}, about
        told = " ".join(f"{error['extensions'].get('path', '')} {error['message']}" for error in reply.errors)
        assert case.path.rpartition(".")[2].removesuffix("s") in told or case.path.startswith("input.file"), about
        assert any(error["extensions"].get("path", "").startswith(_element(case.path)) for error in reply.errors), about
        return
    answer = reply.body["data"][name]
    assert not answer["__typename"].endswith("Success"), about
    assert answer["code"], about
    assert answer["message"], about
    if case.foreign:
        assert answer["__typename"] in ("NotFound", "InvalidInput", *kept_out), about
    if answer["__typename"] == "InvalidInput":
        assert any(_concerns(case.path, fault["path"]) for fault in answer["fields"]), about


def _concerns(wrong: str, told: str) -> bool:
    """Whether a fault's path leads to where the input is wrong; of two dates out of order, either may be named."""
    leads = told.startswith(wrong) or (wrong.startswith(told) and told.startswith(_element(wrong)))
    return leads or {wrong, told} <= _ORDERED


def _element(path: str) -> str:
    """The element of a list in which a path lies: whatever is wrong with it, its number is told."""
    return path[: path.rfind("]") + 1] or "input"


_ORDERED = {
    *("input.startDate", "input.endDate", "input.secondSemesterStart", "input.startTime", "input.endTime"),
    *("input.validFrom", "input.validUntil"),
}


@dataclass(frozen=True)
class Target:
    """One mutation under attack."""

    setting: Setting
    name: str

    @property
    def access(self) -> Any:
        return access_of(self.setting.subgraph, self.name)

    def admits(self, role: str | None) -> bool:
        """Whether a role, or nobody, may call it."""
        if self.access.public or role is None:
            return bool(self.access.public)
        return self.access.permission is None or self.setting.actor(role).may(self.access.permission)

    async def send(self, given: Any, role: str | None, headers: Mapping[str, str] | None = None) -> Reply:
        """Calls it; nobody names the school by header."""
        sent = {"query": document_of(self.setting.subgraph, self.name), "variables": {"input": given}}
        named = {"x-tenant-id": str(self.setting.school)} if role is None else {}
        actor = self.setting.actor(role) if role else None
        return await send(self.setting.graph, sent, actor=actor, headers={**named, **(headers or {})})

    async def check(self, cases: Iterable[Case], role: str | None) -> None:
        """Sends wrong inputs and judges the refusals."""
        for case in cases:
            reply = await self.send(case.input, role)
            reply.assert_decent((role, str(case)))
            if self.admits(role):
                teaches_elsewhere = self.setting.subgraph == "operations" and role == "teacher"
                assert_refused(
                    case, reply, self.name, ("NotTeachingThisClass", "Forbidden") if teaches_elsewhere else ()
                )
            else:
                assert_kept_out(reply, self.name, role)


def cases_of(setting: Setting, name: str) -> list[Case]:
    """Every wrong input of a mutation."""
    kind = schema_of(setting.subgraph).mutation_type
    assert kind is not None
    input_type = get_named_type(kind.fields[name].args["input"].type)
    assert isinstance(input_type, GraphQLInputObjectType)
    made = bad_inputs(input_type, setting.inputs[name], setting.foreign.get(name, {}))
    return [case for case in made if (name, str(case)) not in _RIGHT]


@pytest.mark.parametrize("share", [_SHARE, pytest.param(1, marks=pytest.mark.deep)])
@pytest.mark.parametrize(("subgraph", "name"), list(mutations()))
async def test_wrong_input_is_refused_and_writes_nothing(
    setting: Setting, subgraph: str, name: str, share: int
) -> None:
    target, cases, ignored = Target(setting, name), cases_of(setting, name), _REMEMBERED.get(name, ())
    assert len({str(case) for case in cases}) == len(cases)
    everybody: list[str | None] = [None, *SYSTEM_ROLES]
    chief = [role for role in everybody if target.admits(role)][0 if target.access.public else -1]
    if subgraph == "operations":
        chief = "school_admin"  # a teacher may do it in the own classes alone
    before = fingerprint(setting.settings, subgraph, but=ignored)
    await target.check(cases, chief)
    for place, role in enumerate(role for role in everybody if role != chief):
        await target.check(cases[place % share :: share], role)
    after = fingerprint(setting.settings, subgraph, but=ignored)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    # The input was right but for one place; so many wrong passwords have locked the first address out.
    reply = await target.send(setting.inputs[name], chief, {"x-forwarded-for": "203.0.113.9"})
    assert not reply.errors, reply.text
    assert reply.body["data"][name]["__typename"].endswith("Success"), reply.text
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
    document = json.dumps(document_of(subgraph, name))
    first = next(iter(setting.inputs[name]))
    right = json.dumps(setting.inputs[name])[1:-1]
    before = fingerprint(setting.settings, subgraph)
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
