"""Transactions: bound, isolated, all or nothing."""

import asyncio
import contextlib
from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.db import Database
from libs.db.database import binding_statement
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope
from libs.settings import Settings

DatabaseFor = Callable[[str], Database]


async def test_a_transaction_is_bound_to_tenant_scope_user_and_students(settings: Settings):
    database = Database(settings, "academic")
    tenant, user, students = uuid4(), uuid4(), (uuid4(), uuid4())
    async with database.read(Binding(tenant, Scope.OWN, user_id=user, student_ids=students)) as tx:
        row = (await tx.execute(text("select app_tenant(), app_scope(), app_user_id(), app_student_ids()"))).one()
    assert tuple(row) == (tenant, "own", user, list(students))
    async with database.read(Binding(tenant, Scope.TENANT)) as tx:
        row = (await tx.execute(text("select app_user_id(), app_student_ids()"))).one()
    assert tuple(row) == (None, [])
    await database.close()


async def test_the_binding_ends_with_the_transaction(settings: Settings):
    database = Database(settings.model_copy(update={"database_pool_size": 1}), "academic")
    async with database.read(Binding(uuid4(), Scope.TENANT)):
        pass
    async with database.engine.connect() as connection:
        assert (await connection.execute(text("select app_tenant()"))).scalar() is None
    await database.close()


async def test_a_read_transaction_cannot_write(settings: Settings):
    database = Database(settings, "academic")
    with pytest.raises(DBAPIError) as refused:
        async with database.read(Binding(uuid4(), Scope.TENANT)) as tx:
            await tx.execute(text("create temporary table t (a int)"))
    assert isinstance(refused.value.orig, psycopg.errors.ReadOnlySqlTransaction)
    await database.close()


def test_nothing_but_uuids_and_scopes_becomes_sql():
    with pytest.raises(AttributeError):
        binding_statement(Binding("'; drop table x --", Scope.TENANT))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a valid Scope"):
        binding_statement(Binding(uuid4(), "all'; drop"))  # type: ignore[arg-type]


async def test_tenant_without_scope_sees_no_row(settings: Settings):
    database = Database(settings, "academic")
    async with database.engine.connect() as connection:
        await connection.execute(text(f"set local app.tenant_id = '{uuid4()}'"))
        assert (await connection.execute(text("select app_tenant()"))).scalar() is None
    await database.close()


async def test_only_system_scope_or_the_platform_turns_to_another_tenant(settings: Settings):
    database = Database(settings, "academic")
    other = uuid4()
    async with database.write(Binding(uuid4(), Scope.TENANT)) as tx:
        with pytest.raises(PermissionError):
            await tx.rebind(Binding(other, Scope.SYSTEM))
    async with database.write(Binding(PLATFORM_TENANT_ID, Scope.TENANT)) as tx:
        async with tx.acting_in(other):
            assert (await tx.execute(text("select app_tenant()"))).scalar() == other
        assert (await tx.execute(text("select app_tenant()"))).scalar() == PLATFORM_TENANT_ID
    await database.close()


async def test_a_rollback_elsewhere_leaves_what_a_read_had_prepared(settings: Settings):
    """psycopg drops every prepared statement of a connection after a transaction on it was rolled back."""
    database = Database(settings.model_copy(update={"database_pool_size": 1}), "identity")
    binding, told = Binding(uuid4(), Scope.SYSTEM), "select current_setting('app.tenant_id')"
    for _ in range(3):  # it drops them with the statement that comes next
        assert await database.fetch(binding, told, []) == [str(binding.tenant_id).encode()]
        with contextlib.suppress(RuntimeError):
            async with database.write(binding) as tx:
                assert await tx.fetch(told, []) == [str(binding.tenant_id).encode()]
                raise RuntimeError
    await database.close()


async def test_connections_that_break_in_a_transaction_do_not_use_up_the_pool(settings: Settings):
    """As in an outage: all of them break while they are lent."""
    few = settings.model_copy(update={"database_pool_size": 2, "statement_timeout_ms": 3_000})
    database = Database(few, "academic")

    async def broken_off() -> None:
        with pytest.raises(DBAPIError):
            async with database.write(Binding(uuid4(), Scope.TENANT)) as tx:
                await tx.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    for _ in range(3):
        await asyncio.gather(broken_off(), broken_off())
    async with asyncio.TaskGroup() as both:
        for _ in range(2):
            both.create_task(_slept(database))
    assert database.connections_in_use == 0
    await database.close()


async def _slept(database: Database) -> None:
    async with database.read(Binding(uuid4(), Scope.TENANT)) as tx:
        await tx.execute(text("select pg_sleep(0.2)"))
