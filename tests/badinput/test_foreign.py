"""Every mutation of identity with every kind of id that another school has: there is no such thing here.

The other school gets a copy of every row of this one, under ids of its own: what a new mutation makes, or names, is in
here as soon as its right input is known.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import psycopg
import pytest
from graphql import GraphQLInputObjectType, GraphQLList, get_named_type, get_nullable_type
from psycopg import sql
from psycopg.rows import dict_row

from libs.auth import SYSTEM_ROLES, Actor
from libs.kernel import PLATFORM_TENANT_ID
from libs.settings import Settings
from libs.testing import actor_of
from tests.badinput.cases import Path, told_path
from tests.badinput.conftest import Setting
from tests.badinput.sending import Reply, fingerprint, send
from tests.badinput.test_mutations import access_of, document_of, mutations, schema_of

_REFUSALS = {"NotFound", "Forbidden"}
# Nothing names a data key, and a school has its own.
_COLUMNS = """
select c.table_name as table, array_agg(c.column_name::text) as columns,
  array_agg(c.column_name::text) filter (where c.data_type = 'uuid' and c.column_name <> 'tenant_id') as ids
from information_schema.columns c join pg_class k on k.relname = c.table_name
  join pg_namespace n on n.oid = k.relnamespace and n.nspname = c.table_schema
where c.table_schema = 'identity' and c.is_generated = 'NEVER' and k.relkind = 'r' and k.relrowsecurity
  and not k.relispartition and k.relname <> 'data_keys' group by 1 having array_agg(c.column_name::text) @> '{tenant_id,id}' order by 1
"""


def id_paths(kind: GraphQLInputObjectType, given: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Where an input takes an id, or a list of them; within objects that the right input has."""
    for name, field in kind.fields.items():
        bare, inner = get_nullable_type(field.type), get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            below = given.get(name)
            objects = enumerate(below) if isinstance(below, list) else [((), below)]
            for at, each in objects:
                if each is not None:
                    yield from id_paths(inner, each, (*path, name, *((at,) if isinstance(at, int) else ())))
        elif inner.name == "ID":
            yield (*path, name, 0) if isinstance(bare, GraphQLList) else (*path, name)


def with_id(given: Mapping[str, Any], path: Path, value: str) -> dict[str, Any]:
    """The right input with another id in one place; a file is an upload or a text."""
    changed: dict[str, Any] = copy.deepcopy(dict(given))
    *above, last = path
    place: Any = changed
    for step in above[:-1] if isinstance(last, int) else above:
        place = place[step]
    if isinstance(last, int):
        place[above[-1]] = [value]
    else:
        if last == "fileId":
            place.clear()
        place[last] = value
    return changed


def named() -> list[tuple[str, str]]:
    """The mutations of identity whose input holds an id; those of the platform's schools name them."""
    found = []
    for subgraph, name in mutations():
        if subgraph == "identity" and re.search(r"\bID\b", _printed(name)):
            found.append((subgraph, name))
    return found


def _printed(name: str) -> str:
    kinds, seen = [input_of(name)], set()
    while kinds:
        kind = kinds.pop()
        for field in kind.fields.values():
            inner = get_named_type(field.type)
            if isinstance(inner, GraphQLInputObjectType):
                kinds.append(inner)
            seen.add(inner.name)
    return " ".join(sorted(seen))


def input_of(name: str) -> GraphQLInputObjectType:
    """The input type of a mutation of identity."""
    kind = schema_of("identity").mutation_type
    assert kind is not None
    found = get_named_type(kind.fields[name].args["input"].type)
    assert isinstance(found, GraphQLInputObjectType)
    return found


def copy_school(settings: Settings, ours: UUID, theirs: UUID) -> dict[str, list[str]]:
    """Gives the other school all rows of this one under ids of its own; answers up to two ids of each table."""
    name = settings.database_url.rpartition("/")[2]
    admin = settings.database_admin_url.get_secret_value()
    with psycopg.connect(admin, dbname=name, row_factory=dict_row) as connection:
        connection.execute("set session_replication_role = replica")  # whatever order the foreign keys would have
        found = {}
        for table in connection.execute(_COLUMNS).fetchall():
            place = sql.Identifier("identity", table["table"])
            values = [_copied(column, table["ids"] or [], theirs) for column in table["columns"]]
            connection.execute(sql.SQL("delete from {} where tenant_id = {}").format(place, sql.Literal(theirs)))
            connection.execute(
                sql.SQL("insert into {} ({}) select {} from {} where tenant_id = {}").format(
                    place,
                    sql.SQL(", ").join(map(sql.Identifier, table["columns"])),
                    sql.SQL(", ").join(values),
                    place,
                    sql.Literal(ours),
                )
            )
            ids = sql.SQL("select id::text from {} where tenant_id = {} order by id limit 2")
            rows = connection.execute(ids.format(place, sql.Literal(theirs))).fetchall()
            found[table["table"]] = [row["id"] for row in rows]
    return {table: ids for table, ids in found.items() if ids}


def _copied(column: str, ids: list[str], theirs: UUID) -> sql.Composable:
    if column == "tenant_id":
        return sql.Literal(theirs)
    if column in ids:
        return sql.SQL("md5({}::text || 'theirs')::uuid").format(sql.Identifier(column))
    return sql.Identifier(column)


def callers(setting: Setting, name: str) -> list[Actor]:
    """Who may call it: of the school, and the platform called to the school; for what is the platform's, the school."""
    acting = actor_of("super_admin", PLATFORM_TENANT_ID, acting_on=setting.school)
    everybody = [*(setting.actor(role) for role in SYSTEM_ROLES if role != "super_admin"), acting]
    needed = access_of("identity", name).permission
    able = [actor for actor in everybody if needed is None or actor.may(needed)]
    return [able[0], acting] if able[0] is not acting else [setting.actor("school_admin")]


@pytest.mark.parametrize(("subgraph", "name"), named())
async def test_ids_of_another_school_are_unknown_here(
    setting: Setting, subgraph: str, name: str, other_school: UUID
) -> None:
    foreign = copy_school(setting.settings, setting.school, other_school)
    assert {"users", "sessions", "api_clients", "roles"} <= set(foreign)
    ids = [str(other_school), *(each for found in foreign.values() for each in found)]
    before = fingerprint(setting.settings, subgraph)
    right = setting.inputs[name]
    for path in id_paths(input_of(name), right):
        for value in ids:
            for actor in callers(setting, name):
                sent = {"query": document_of(subgraph, name), "variables": {"input": with_id(right, path, value)}}
                reply = await send(setting.graph, sent, actor=actor)
                check(reply, name, path, (actor.roles, value))
    after = fingerprint(setting.settings, subgraph)
    assert {table for table, rows in after.items() if rows != before[table]} == set()


def check(reply: Reply, name: str, path: Path, about: object) -> None:
    """Refused: there is no such thing, or it is not for these people; a file that is not there is a fault of its field."""
    reply.assert_decent((name, path, about))
    assert not reply.codes, (name, path, about, reply.text)
    answer = reply.body["data"][name]
    if answer["__typename"] == "InvalidInput":
        assert any(fault["path"].startswith(told_path(path)) for fault in answer["fields"]), (about, reply.text)
    else:
        assert answer["__typename"] in _REFUSALS, (name, path, about, reply.text)


def public() -> list[tuple[str, str]]:
    """The mutations of identity that need no access token."""
    return [(subgraph, name) for subgraph, name in mutations() if _is_public(subgraph, name)]


def _is_public(subgraph: str, name: str) -> bool:
    return subgraph == "identity" and bool(access_of(subgraph, name).public)


_NOTED = ("audit_logs", "sign_in_failures", "account_failures")
"""That somebody tried is worth a row."""


@pytest.mark.parametrize("names_it", [True, False])
@pytest.mark.parametrize(("subgraph", "name"), public())
async def test_who_comes_with_a_password_or_token_of_a_suspended_school_gets_nothing(
    setting: Setting, subgraph: str, name: str, names_it: bool
) -> None:
    """Whatever is right while it is open; an answer that tells nobody anything may be the same as ever."""
    right = setting.inputs[name]
    given = {"tenantId": str(setting.school), "reason": "Kontrak berakhir"}
    sent = {"query": document_of(subgraph, "suspendTenant"), "variables": {"input": given}}
    closed = await send(setting.graph, sent, actor=setting.actor("super_admin"))
    assert closed.body["data"]["suspendTenant"]["__typename"] == "SuspendTenantSuccess"
    before = fingerprint(setting.settings, subgraph, but=_NOTED)
    sent = {"query": document_of(subgraph, name), "variables": {"input": right}}
    reply = await send(setting.graph, sent, headers={"x-tenant-id": str(setting.school)} if names_it else {})
    reply.assert_decent((name, names_it))
    assert fingerprint(setting.settings, subgraph, but=_NOTED) == before, reply.text
