"""The rules of data.md over a schema's catalogue: each yields a line per fault, naming where it is."""

from collections.abc import Callable, Iterator

from libs.db import TableClass
from tests.architecture.catalogue import BOOKKEEPING, Catalogue

Rule = Callable[[Catalogue], Iterator[str]]
TENANT_RULE = "(tenant_id = ( SELECT app_tenant() AS app_tenant))"
PLATFORM_RULE = "(( SELECT app_tenant() AS app_tenant) = app_platform())"
DIRECTORY_RULE = f"({TENANT_RULE} OR {PLATFORM_RULE})"
OWN_RULE = "((( SELECT app_scope() AS app_scope) <> 'own'::text) OR "
INEXACT_TYPES = ("real", "money", "numeric", "time with time zone", "timestamp without time zone", "character(")
PLACES = ("lat", "lng", "latitude", "longitude", "radius_m", "accuracy_m")
RELAY_RIGHTS = {("outbox", "SELECT", None), ("outbox", "DELETE", None), ("outbox", "UPDATE", "published_at")}


def classes(c: Catalogue) -> Iterator[str]:
    """Every table is declared by a model, which gives it its class."""
    present = {table["name"] for table in c.tables if not table["partition"]} - {BOOKKEEPING}
    yield from (f"{name}: in no class" for name in present - set(c.classes))
    yield from (f"{name}: declared, but not migrated" for name in set(c.classes) - present)
    yield from (f"{table['name']}: a foreign table" for table in c.tables if table["kind"] == "f")


def tenant_column(c: Catalogue) -> Iterator[str]:
    for table in c.guarded | c.of_class(TableClass.QUEUE):
        column = c.columns_of(table).get("tenant_id")
        if column is None or column["type"] != "uuid" or not column["required"]:
            yield f"{table}: needs tenant_id uuid not null"


def primary_key(c: Catalogue) -> Iterator[str]:
    partitioned = {table["name"] for table in c.tables if table["kind"] == "p"}
    keys = {row["table"]: row["columns"] for row in c.constraints if row["type"] == "p"}
    for table in c.guarded:
        expected = ["tenant_id", "id", "day"] if table in partitioned else ["tenant_id", "id"]
        if keys.get(table) != expected:
            yield f"{table}: primary key is {keys.get(table)}, not {expected}"


def row_security(c: Catalogue) -> Iterator[str]:
    protected = c.guarded | c.of_class(TableClass.PLATFORM)
    for table in c.tables:
        if table["name"] in protected and not (table["rls"] and table["forced"]):
            yield f"{table['name']}: row-level security is not enabled and forced"


def policies(c: Catalogue) -> Iterator[str]:
    """One permissive policy for the app, one for the owner, and none but restrictive ones beside them."""
    shapes = dict.fromkeys(c.guarded, (TENANT_RULE, TENANT_RULE))
    shapes |= dict.fromkeys(c.of_class(TableClass.PLATFORM), (None, PLATFORM_RULE))  # own rows may be read
    for table in c.of_class(TableClass.PROJECTION) & {"tenants", "counted_people", "counted_storage"}:
        shapes[table] = (DIRECTORY_RULE, TENANT_RULE)  # the schools, and their numbers, are the platform's
    for table, (using, check) in shapes.items():
        given = [policy for policy in c.policies if policy["table"] == table]
        permissive = {tuple(policy["roles"]): policy for policy in given if policy["permissive"]}
        app, owner = permissive.get((c.app,)), permissive.get((c.owner,))
        if len(permissive) != sum(policy["permissive"] for policy in given) or set(permissive) != {
            (c.app,),
            (c.owner,),
        }:
            yield f"{table}: permissive policies must be one for {c.app} and one for {c.owner}"
        if app and (app["cmd"] != "ALL" or app["check"] != check or (using or app["using"]) != app["using"]):
            yield f"{table}: the app's policy is {app['cmd']} using {app['using']} with check {app['check']}"
        if owner and (owner["cmd"], owner["using"], owner["check"]) != ("ALL", "true", "true"):
            yield f"{table}: the owner's policy must be true"
        for policy in given:
            narrowed = (
                policy["roles"] == [c.app]
                and (policy["using"] or "").startswith(OWN_RULE)
                and policy["check"] == policy["using"]
            )
            if not policy["permissive"] and not narrowed:
                yield f"{table}: restrictive policy {policy['name']} does not narrow scope own"


def foreign_keys(c: Catalogue) -> Iterator[str]:
    for key in c.constraints:
        if key["type"] != "f":
            continue
        where = f"{key['table']}.{key['name']}"
        if key["target_schema"] != c.schema:
            yield f"{where}: leaves the schema"
        elif key["target"] in c.guarded and (key["columns"][:1], key["target_columns"][:1]) != (
            ["tenant_id"],
            ["tenant_id"],
        ):
            yield f"{where}: must start with tenant_id on both sides"
        if key["on_delete"] == "n" and (not key["cleared"] or "tenant_id" in key["cleared"]):
            yield f"{where}: ON DELETE SET NULL must name its column, and not tenant_id"


def uniqueness(c: Catalogue) -> Iterator[str]:
    for index in c.indexes:
        if index["table"] in c.guarded and index["unique"] and index["columns"][:1] != ["tenant_id"]:
            yield f"{index['table']}.{index['name']}: unique without tenant_id first"


def distributable(c: Catalogue) -> Iterator[str]:
    """No key or constraint without tenant_id; checks look at one row and are free."""
    for constraint in c.constraints:
        if (
            constraint["table"] in c.guarded
            and constraint["type"] in "pux"
            and "tenant_id" not in constraint["columns"]
        ):
            yield f"{constraint['table']}.{constraint['name']}: without tenant_id"


def indexes(c: Catalogue) -> Iterator[str]:
    """Indexes serve predicates under row security: led by tenant_id, b-tree, over columns, not over functions."""
    for index in c.indexes:
        where = f"{index['table']}.{index['name']}"
        if index["table"] not in c.guarded or index["exclusion"] or (index["unique"] and index["method"] == "gist"):
            continue
        if index["columns"][:1] != ["tenant_id"]:
            yield f"{where}: not led by tenant_id"
        if index["method"] != "btree" or None in index["columns"]:
            yield f"{where}: {index['method']} over {index['columns']} cannot be used under row security"


def types(c: Catalogue) -> Iterator[str]:
    """Money is bigint, scores are hundredths, status is text, moments have a zone."""
    for column in c.columns:
        where = f"{column['table']}.{column['name']}: {column['type']}"
        if column["enum"] or column["type"].startswith(INEXACT_TYPES) or column["type"] == "json":
            yield where
        if column["type"] == "double precision" and not column["name"].endswith(PLACES):
            yield where


def timestamps(c: Catalogue) -> Iterator[str]:
    for table in c.guarded | c.of_class(TableClass.PLATFORM):
        columns = c.columns_of(table)
        for name in ("created_at", "updated_at"):
            column = columns.get(name)
            if column is None or column["type"] != "timestamp with time zone" or not column["required"]:
                yield f"{table}: needs {name} timestamptz not null"


def forbidden_objects(c: Catalogue) -> Iterator[str]:
    for view in c.views:
        if view["kind"] == "m":
            yield f"{view['name']}: a materialized view"
        elif "security_invoker=true" not in view["options"] and "security_invoker=on" not in view["options"]:
            yield f"{view['name']}: a view without security_invoker"
    yield from (f"{function['name']}: SECURITY DEFINER" for function in c.functions if function["definer"])
    for grant in c.grants:
        if grant["partition"] and grant["grantee"] != c.owner:
            yield f"{grant['object']}: a grant on a partition"


def roles(c: Catalogue) -> Iterator[str]:
    """The owner cannot sign in, the others own nothing and can do nothing about roles."""
    found = {role["name"]: role for role in c.roles}
    yield from (f"{name}: missing" for name in (c.owner, c.app, c.relay) if name not in found)
    for role in c.roles:
        if role["powerful"] or role["member_of"]:
            yield f"{role['name']}: has powers or memberships"
        if role["login"] is (role["name"] == c.owner):
            yield f"{role['name']}: login is {role['login']}"
        if role["owns"] and role["name"] != c.owner:
            yield f"{role['name']}: owns something"
    yield from (f"{table['name']}: owned by {table['owner']}" for table in c.tables if table["owner"] != c.owner)


def grants(c: Catalogue) -> Iterator[str]:
    """Only the schema's own roles, the relay on its outbox alone, the app without a way back into the outbox."""
    for grant in c.grants:
        privilege = (grant["object"], grant["privilege"], grant["column"])
        known = grant["grantee"] in {c.owner, c.app, c.relay}
        relay = grant["grantee"] == c.relay and privilege not in RELAY_RIGHTS and privilege[1] != "USAGE"
        app = grant["grantee"] == c.app and (
            grant["privilege"] in {"TRUNCATE", "REFERENCES", "TRIGGER", "CREATE", "MAINTAIN"}
            or (grant["object"] == "outbox" and grant["privilege"] in {"UPDATE", "DELETE"})
            or grant["object"] == BOOKKEEPING
        )
        if not known or relay or app:
            yield f"{grant['object']}: {grant['privilege']} to {grant['grantee']}"


RULES: tuple[Rule, ...] = (
    classes, tenant_column, primary_key, row_security, policies, foreign_keys, uniqueness, distributable, indexes,
    types, timestamps, forbidden_objects, roles, grants,
)  # fmt: skip
