"""What only a superuser can make: the database, the roles and schemas of each subgraph, the functions policies use."""

import psycopg
from psycopg import sql

from libs.kernel import PLATFORM_TENANT_ID
from libs.settings import SUBGRAPHS, Settings

# app_tenant() is null, hence no row, unless both tenant and scope are set: a transaction that forgot one sees nothing.
_FUNCTIONS = f"""
create or replace function public.app_scope() returns text language sql stable parallel safe
  return nullif(current_setting('app.scope', true), '');
create or replace function public.app_tenant() returns uuid language sql stable parallel safe
  return case when current_setting('app.scope', true) in ('system', 'tenant', 'own')
              then nullif(current_setting('app.tenant_id', true), '')::uuid end;
create or replace function public.app_user_id() returns uuid language sql stable parallel safe
  return nullif(current_setting('app.user_id', true), '')::uuid;
create or replace function public.app_student_ids() returns uuid[] language sql stable parallel safe
  return coalesce(nullif(current_setting('app.student_ids', true), ''), '{{}}')::uuid[];
create or replace function public.app_platform() returns uuid language sql immutable parallel safe
  return '{PLATFORM_TENANT_ID}'::uuid;
"""


def bootstrap(settings: Settings) -> None:
    """Creates what is missing; running it again changes nothing but passwords that differ.

    Raises psycopg.Error when `database_admin_url` is not that of a superuser.
    """
    admin = settings.database_admin_url.get_secret_value()
    name = settings.database_url.rsplit("/", 1)[-1]
    with psycopg.connect(admin, autocommit=True, dbname="postgres") as server:
        if server.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
            server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        for subgraph in SUBGRAPHS:
            _create_roles(server, subgraph, settings)
    with psycopg.connect(admin, dbname=name) as database:
        database.execute("select pg_advisory_xact_lock(hashtext('wiyata bootstrap'))")
        database.execute("create extension if not exists btree_gist schema public")
        database.execute("revoke create on schema public from public")
        database.execute(_FUNCTIONS)
        for subgraph in SUBGRAPHS:
            _create_schema(database, subgraph)


def _create_roles(server: psycopg.Connection, subgraph: str, settings: Settings) -> None:
    for suffix in ("owner", "app", "relay"):
        role = f"{subgraph}_{suffix}"
        if server.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
            server.execute(sql.SQL("create role {} nosuperuser nobypassrls nologin").format(sql.Identifier(role)))
        if suffix != "owner":
            password = settings.database_passwords.get(role)
            clause = sql.SQL("alter role {} login").format(sql.Identifier(role))
            if password is not None:
                clause += sql.SQL(" password {}").format(sql.Literal(password.get_secret_value()))
            server.execute(clause)


def _create_schema(database: psycopg.Connection, subgraph: str) -> None:
    schema, owner = sql.Identifier(subgraph), sql.Identifier(f"{subgraph}_owner")
    database.execute(sql.SQL("create schema if not exists {} authorization {}").format(schema, owner))
    for suffix in ("app", "relay"):
        role = sql.Identifier(f"{subgraph}_{suffix}")
        database.execute(sql.SQL("grant usage on schema {} to {}").format(schema, role))
