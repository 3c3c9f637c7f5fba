"""Row-level security in migrations: who sees which row, said once per table.

The functions emit DDL through alembic's current operation context. `table` is "schema.table"; the schema's name is
also that of its roles: `<schema>_app`, `<schema>_owner`, `<schema>_relay`.
"""

from alembic import op


def _names(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    if not name:
        raise ValueError(f"{table}: say schema.table")
    return schema, name


def _protect(table: str, *, using: str, check: str, grants: str) -> None:
    schema, _ = _names(table)
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy tenant on {table} to {schema}_app using ({using}) with check ({check})")
    # Without a policy of its own the owner sees no row either, and a validated foreign key would prove nothing.
    op.execute(f"create policy owner on {table} to {schema}_owner using (true) with check (true)")
    op.execute(f"grant {grants} on {table} to {schema}_app")


def enable_tenant_rls(table: str, *, grants: str = "select, insert, update, delete") -> None:
    """A tenant table: only rows of the transaction's tenant exist, for reading and for writing."""
    rule = "tenant_id = (select app_tenant())"
    _protect(table, using=rule, check=rule, grants=grants)


def enable_directory_rls(table: str) -> None:
    """A projection of the schools, or of their numbers: tenant rules, but the platform, whose they are, reads all."""
    rule = "tenant_id = (select app_tenant())"
    grants = "select, insert, update, delete"
    _protect(table, using=f"{rule} or (select app_tenant()) = app_platform()", check=rule, grants=grants)


def enable_platform_rls(table: str, *, own: str) -> None:
    """A platform table: a tenant reads rows where `own` (an SQL condition) holds; only the platform writes."""
    platform = "(select app_tenant()) = app_platform()"
    _protect(table, using=f"{own} or {platform}", check=platform, grants="select, insert, update, delete")


def enable_own_rls(table: str, condition: str) -> None:
    """Narrows a tenant table for scope OWN: `condition` over its columns, app_student_ids() and app_user_id().

    E.g. `student_id = any((select app_student_ids())::uuid[])`. Restrictive: it can only take rows away.
    """
    schema, _ = _names(table)
    rule = f"(select app_scope()) <> 'own' or ({condition})"
    op.execute(f"create policy own on {table} as restrictive to {schema}_app using ({rule}) with check ({rule})")


def enable_worker_rls(table: str, *, grants: str) -> None:
    """A queue table whose rows name people: tenant rules, but that the worker, as the platform under system scope,
    sees those of every tenant."""
    system = "((select app_tenant()) = app_platform() and (select app_scope()) = 'system')"
    rule = f"tenant_id = (select app_tenant()) or {system}"
    _protect(table, using=rule, check=rule, grants=grants)


def grant_queue(table: str, *, app: str, relay: str = "") -> None:
    """A queue table: no policy, tenant_id is a column; what the app and the relay may do is said by grant alone."""
    schema, _ = _names(table)
    op.execute(f"grant {app} on {table} to {schema}_app")
    if relay:
        op.execute(f"grant {relay} on {table} to {schema}_relay")
