"""The rules of data.md, read off the migrated database: every table of every subgraph, none by list."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from libs.db import TableClass
from libs.settings import SUBGRAPHS, Settings
from libs.testing import Template
from tests.architecture.catalogue import Catalogue, declared_classes, subgraphs_with_tables
from tests.architecture.catalogue_rules import RULES, Rule

GOOD = """
create role scratch_owner nologin; create role scratch_app login; create role scratch_relay login;
create schema scratch authorization scratch_owner;
grant usage on schema scratch to scratch_app, scratch_relay;
set local role scratch_owner;
create table scratch.pupils (
  tenant_id uuid not null, id uuid not null, nis text not null, best_friend uuid, seat int not null, during daterange,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (tenant_id, id), unique (tenant_id, nis),
  foreign key (tenant_id, best_friend) references scratch.pupils (tenant_id, id) on delete set null (best_friend),
  constraint ex_seat exclude using gist (tenant_id with =, seat with =, during with &&)
);
create index ix_pupils_seat on scratch.pupils (tenant_id, seat, id);
alter table scratch.pupils enable row level security; alter table scratch.pupils force row level security;
create policy tenant on scratch.pupils to scratch_app
  using (tenant_id = (select app_tenant())) with check (tenant_id = (select app_tenant()));
create policy owner on scratch.pupils to scratch_owner using (true) with check (true);
create policy own on scratch.pupils as restrictive to scratch_app
  using ((select app_scope()) <> 'own' or id = any((select app_student_ids())::uuid[]))
  with check ((select app_scope()) <> 'own' or id = any((select app_student_ids())::uuid[]));
grant select, insert, update, delete on scratch.pupils to scratch_app;
create table scratch.outbox (tenant_id uuid not null, published_at timestamptz);
grant insert on scratch.outbox to scratch_app;
grant select, delete, update (published_at) on scratch.outbox to scratch_relay;
create view scratch.names with (security_invoker = true) as select nis from scratch.pupils;
reset role;
"""
GOOD_CLASSES = {"pupils": TableClass.TENANT, "outbox": TableClass.QUEUE}

# One planted fault each: the rule that must find it, and what it must say.
FAULTS = [
    ("classes", "create table scratch.stray (id int)", "stray: in no class"),
    ("classes", "drop table scratch.outbox", "outbox: declared, but not migrated"),
    ("tenant_column", "alter table scratch.outbox drop tenant_id", "outbox: needs tenant_id"),
    ("tenant_column", "alter table scratch.outbox alter tenant_id drop not null", "outbox: needs tenant_id"),
    ("primary_key", "alter table scratch.pupils drop constraint pupils_pkey cascade", "pupils: primary key is None"),
    ("row_security", "alter table scratch.pupils no force row level security", "pupils: row-level security"),
    ("row_security", "alter table scratch.pupils disable row level security", "pupils: row-level security"),
    ("policies", "create policy more on scratch.pupils to scratch_app using (true)", "pupils: permissive policies"),
    ("policies", "create policy more on scratch.pupils to scratch_relay using (true)", "pupils: permissive policies"),
    ("policies", "drop policy owner on scratch.pupils", "pupils: permissive policies"),
    ("policies", "alter policy tenant on scratch.pupils using (true)", "pupils: the app's policy"),
    ("policies", "alter policy tenant on scratch.pupils with check (tenant_id is not null)", "pupils: the app's policy"),
    ("policies", "alter policy tenant on scratch.pupils to public", "pupils: permissive policies"),
    ("policies", "alter policy owner on scratch.pupils using (false)", "pupils: the owner's policy"),
    ("policies", "alter policy own on scratch.pupils using (true)", "pupils: restrictive policy own"),
    ("foreign_keys", "create table scratch.a (id uuid unique); alter table scratch.pupils add constraint fk_x foreign key (id) references identity_like.b", "fk_x: leaves"),
    ("foreign_keys", "alter table scratch.pupils add constraint uq_x unique (id), add constraint fk_x foreign key (best_friend) references scratch.pupils (id)", "fk_x: must start"),
    ("foreign_keys", "alter table scratch.pupils add constraint fk_x foreign key (tenant_id, best_friend) references scratch.pupils on delete set null", "fk_x: ON DELETE"),
    ("uniqueness", "alter table scratch.pupils add constraint uq_x unique (nis)", "uq_x: unique without"),
    ("uniqueness", "create unique index uq_x on scratch.pupils (nis, tenant_id) where seat > 1", "uq_x: unique without"),
    ("distributable", "alter table scratch.pupils add constraint ex_x exclude using gist (seat with =, during with &&)", "ex_x: without tenant_id"),
    ("indexes", "create index ix_x on scratch.pupils (seat)", "ix_x: not led by tenant_id"),
    ("indexes", "create index ix_x on scratch.pupils (tenant_id, lower(nis))", "ix_x: btree over ['tenant_id', None]"),
    ("indexes", "create index ix_x on scratch.pupils using gist (tenant_id, during)", "ix_x: gist over"),
    ("types", "alter table scratch.pupils add column amount numeric(12, 2)", "pupils.amount: numeric"),
    ("types", "alter table scratch.pupils add column score double precision", "pupils.score: double precision"),
    ("types", "alter table scratch.pupils add column at timestamp", "pupils.at: timestamp without"),
    ("types", "create type scratch.mood as enum ('GOOD'); alter table scratch.pupils add column mood scratch.mood", "pupils.mood"),
    ("timestamps", "alter table scratch.pupils drop updated_at", "pupils: needs updated_at"),
    ("forbidden_objects", "create materialized view scratch.m as select 1", "m: a materialized view"),
    ("forbidden_objects", "create view scratch.v as select 1 as one", "v: a view without security_invoker"),
    ("forbidden_objects", "create function scratch.f() returns int language sql security definer return 1", "f: SECURITY DEFINER"),
    ("forbidden_objects", "create table scratch.parts (day date) partition by list (day); create table scratch.part partition of scratch.parts default; grant select on scratch.part to scratch_app", "part: a grant on a partition"),
    ("roles", "alter role scratch_app bypassrls", "scratch_app: has powers"),
    ("roles", "grant scratch_owner to scratch_app", "scratch_app: has powers or memberships"),
    ("roles", "alter role scratch_owner login", "scratch_owner: login"),
    ("roles", "alter table scratch.outbox owner to scratch_app", "scratch_app: owns something"),
    ("grants", "grant select on scratch.pupils to identity_app", "pupils: SELECT to identity_app"),
    ("grants", "grant select on scratch.pupils to public", "pupils: SELECT to PUBLIC"),
    ("grants", "grant usage on schema scratch to academic_app", "scratch: USAGE to academic_app"),
    ("grants", "grant select on scratch.pupils to scratch_relay", "pupils: SELECT to scratch_relay"),
    ("grants", "grant update on scratch.outbox to scratch_app", "outbox: UPDATE to scratch_app"),
    ("grants", "grant update (tenant_id) on scratch.outbox to scratch_relay", "outbox: UPDATE to scratch_relay"),
]  # fmt: skip


def connect(settings: Settings) -> psycopg.Connection[Any]:
    name = settings.database_url.rpartition("/")[2]
    return psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name)


@pytest.fixture(scope="module")
def catalogues(template: Template) -> dict[str, Catalogue]:
    """What the template database says; the connection is closed, as a template with a guest cannot be cloned."""
    with connect(template.settings) as connection:
        return {
            subgraph: Catalogue.read(connection, subgraph, declared_classes(subgraph))
            for subgraph in subgraphs_with_tables()
        }


@pytest.fixture
def scratch(template: Template) -> Iterator[psycopg.Connection[Any]]:
    """A sound schema `scratch` with roles of its own, all of it gone at the end."""
    with connect(template.settings) as connection:
        connection.execute("create schema identity_like; create table identity_like.b (id uuid primary key)")
        connection.execute(GOOD)
        yield connection
        connection.rollback()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_schema_keeps_the_rule(catalogues: dict[str, Catalogue], rule: Rule):
    faults = {subgraph: sorted(rule(catalogue)) for subgraph, catalogue in catalogues.items()}
    assert {subgraph: found for subgraph, found in faults.items() if found} == {}


def test_no_subgraph_may_enter_another_s_schema(template: Template):
    with connect(template.settings) as connection:
        allowed = connection.execute(
            "select rolname, nspname from pg_roles, pg_namespace"
            " where rolname ~ '_(app|relay|owner)$' and nspname = any(%(names)s) and rolname !~ ('^' || nspname || '_')"
            " and (has_schema_privilege(rolname, nspname, 'usage') or has_schema_privilege(rolname, nspname, 'create'))",
            {"names": list(SUBGRAPHS)},
        ).fetchall()
    assert allowed == []


def test_without_tenant_or_scope_there_is_no_tenant(template: Template):
    tenant = "0192f0c1-1234-7abc-8def-1234567890ab"
    with connect(template.settings) as connection:
        seen = []
        for name, scope in (
            (None, None),
            ("", ""),
            (tenant, None),
            (tenant, ""),
            (tenant, "all"),
            ("", "tenant"),
            (tenant, "own"),
        ):
            connection.execute(
                "select set_config('app.tenant_id', %s, true), set_config('app.scope', %s, true)", (name, scope)
            )
            seen.append(str(connection.execute("select app_tenant()").fetchone()[0]))
        connection.rollback()
    assert seen == ["None"] * 6 + [tenant]


def test_a_sound_schema_has_no_fault(scratch: psycopg.Connection[Any]):
    catalogue = Catalogue.read(scratch, "scratch", GOOD_CLASSES)
    assert [fault for rule in RULES for fault in rule(catalogue)] == []


@pytest.mark.parametrize(("rule", "statement", "told"), FAULTS)
def test_a_fault_is_found(scratch: psycopg.Connection[Any], rule: str, statement: str, told: str):
    scratch.execute(statement)
    catalogue = Catalogue.read(scratch, "scratch", GOOD_CLASSES)
    [check] = [check for check in RULES if check.__name__ == rule]
    assert [fault for fault in check(catalogue) if told in fault] != []


def test_every_rule_has_a_fault_it_must_find():
    assert {rule for rule, _, _ in FAULTS} == {rule.__name__ for rule in RULES}
