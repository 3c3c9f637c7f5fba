"""What pg_catalog says of one schema, read once and kept as plain values for the rules to look at."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from libs.db import TableClass
from tests.architecture.sources import repository_files

Row = dict[str, Any]
BOOKKEEPING = "alembic_version"

_QUERIES = {
    "tables": """
        select relname as name, relkind::text as kind, relrowsecurity as rls, relforcerowsecurity as forced,
               relispartition as partition, pg_get_userbyid(relowner) as owner
        from pg_class where relnamespace = %(schema)s::text::regnamespace and relkind in ('r', 'p', 'f')""",
    "columns": """
        select c.relname as table, attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required,
               typtype = 'e' as enum
        from pg_attribute join pg_class c on c.oid = attrelid join pg_type t on t.oid = atttypid
        where relnamespace = %(schema)s::text::regnamespace and relkind in ('r', 'p') and attnum > 0 and not attisdropped""",
    "policies": """
        select tablename as table, policyname as name, permissive = 'PERMISSIVE' as permissive, cmd, roles::text[],
               qual as using, with_check as check
        from pg_policies where schemaname = %(schema)s::text""",
    "constraints": """
        select c.relname as table, conname as name, contype::text as type, confdeltype::text as on_delete,
               f.relname as target, f.relnamespace::regnamespace::text as target_schema,
               array(select attname::text from unnest(conkey) with ordinality k(n, i)
                     join pg_attribute on attrelid = conrelid and attnum = n order by i) as columns,
               array(select attname::text from unnest(confkey) with ordinality k(n, i)
                     join pg_attribute on attrelid = confrelid and attnum = n order by i) as target_columns,
               array(select attname::text from unnest(confdelsetcols) k(n)
                     join pg_attribute on attrelid = conrelid and attnum = n) as cleared
        from pg_constraint join pg_class c on c.oid = conrelid left join pg_class f on f.oid = confrelid
        where c.relnamespace = %(schema)s::text::regnamespace and conparentid = 0""",
    "indexes": """
        select c.relname as table, i.relname as name, indisunique as unique, indisexclusion as exclusion,
               amname as method,
               array(select attname::text from unnest(indkey) with ordinality k(n, o)
                     left join pg_attribute on attrelid = indrelid and attnum = n and n > 0
                     where o <= indnkeyatts order by o) as columns
        from pg_index join pg_class c on c.oid = indrelid join pg_class i on i.oid = indexrelid
        join pg_am a on a.oid = i.relam
        where c.relnamespace = %(schema)s::text::regnamespace and not c.relispartition""",
    "grants": """
        select relname as object, relkind::text as kind, relispartition as partition, privilege_type as privilege,
               case grantee when 0 then 'PUBLIC' else pg_get_userbyid(grantee) end as grantee, null as column
        from pg_class, aclexplode(relacl) where relnamespace = %(schema)s::text::regnamespace
        union all
        select relname, relkind::text, relispartition, privilege_type,
               case grantee when 0 then 'PUBLIC' else pg_get_userbyid(grantee) end, attname::text
        from pg_attribute join pg_class c on c.oid = attrelid, aclexplode(attacl)
        where relnamespace = %(schema)s::text::regnamespace
        union all
        select nspname, 'n', false, privilege_type, case grantee when 0 then 'PUBLIC' else pg_get_userbyid(grantee) end, null
        from pg_namespace, aclexplode(nspacl) where nspname = %(schema)s::text""",
    "views": """
        select relname as name, relkind::text as kind, coalesce(reloptions, '{}') as options
        from pg_class where relnamespace = %(schema)s::text::regnamespace and relkind in ('v', 'm')""",
    "functions": """
        select proname as name, prosecdef as definer, pronamespace::regnamespace::text as schema
        from pg_proc where pronamespace in (%(schema)s::text::regnamespace, 'public'::regnamespace)""",
    "roles": """
        select r.rolname as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as powerful,
               rolcanlogin as login,
               exists (select from pg_class where relowner = r.oid) or exists (select from pg_namespace where nspowner = r.oid)
                 or exists (select from pg_proc where proowner = r.oid) as owns,
               array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
                     where m.member = r.oid) as member_of
        from pg_roles r where rolname in (%(schema)s::text || '_owner', %(schema)s::text || '_app', %(schema)s::text || '_relay')""",
}


@dataclass(frozen=True)
class Catalogue:
    """One schema. `classes` is what the models say of each table."""

    schema: str
    classes: Mapping[str, TableClass]
    tables: list[Row]
    columns: list[Row]
    policies: list[Row]
    constraints: list[Row]
    indexes: list[Row]
    grants: list[Row]
    views: list[Row]
    functions: list[Row]
    roles: list[Row]

    @classmethod
    def read(cls, connection: psycopg.Connection[Any], schema: str, classes: Mapping[str, TableClass]) -> "Catalogue":
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = {name: cursor.execute(query, {"schema": schema}).fetchall() for name, query in _QUERIES.items()}
        return cls(schema=schema, classes=classes, **rows)

    @property
    def app(self) -> str:
        return f"{self.schema}_app"

    @property
    def owner(self) -> str:
        return f"{self.schema}_owner"

    @property
    def relay(self) -> str:
        return f"{self.schema}_relay"

    def of_class(self, *kinds: TableClass) -> set[str]:
        """Names of the tables of these classes; partitions count as their parent, which the models declare."""
        return {name for name, kind in self.classes.items() if kind in kinds}

    @property
    def guarded(self) -> set[str]:
        """The tables under the tenant rules."""
        return self.of_class(TableClass.TENANT, TableClass.PROJECTION, TableClass.VAULT)

    def columns_of(self, table: str) -> dict[str, Row]:
        return {column["name"]: column for column in self.columns if column["table"] == table}


def subgraphs_with_tables() -> list[str]:
    """The subgraphs whose migrations are there."""
    return sorted(path.parts[1] for path in repository_files() if path.match("subgraphs/*/migrations/env.py"))


def declared_classes(subgraph: str) -> dict[str, TableClass]:
    """What the models of a subgraph declare: every table with its class. Raises ValueError for an unknown class."""
    modules = [
        path for path in repository_files() if path.parts[:2] == ("subgraphs", subgraph) and path.name == "model.py"
    ]
    for path in modules:
        importlib.import_module(".".join(path.with_suffix("").parts))
    base = importlib.import_module(f"subgraphs.{subgraph}.model").Base
    tables = base.metadata.tables.values()
    return {table.name: TableClass(table.info.get("class", TableClass.TENANT)) for table in tables}
