"""Transactions bound to a tenant: the only way to PostgreSQL for an operation or a read.

Leaving the block commits, raising rolls back; nothing else in the house calls commit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import Executable, NullPool, Result, ScalarResult, Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from libs.db.round_trip import fetch_first_column
from libs.kernel import PLATFORM_TENANT_ID, Binding, Clock, DomainError, NotFound, Scope, new_id, utc_now
from libs.settings import Settings

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


def binding_statement(binding: Binding) -> str:
    """The SQL that binds the current transaction; its values are rendered from UUIDs and a closed enum, never text.

    SET LOCAL instead of set_config(): the whole message is one round trip, and it distributes on Citus.
    """
    user = f"'{UUID(int=binding.user_id.int)}'" if binding.user_id else "''"
    students = ",".join(str(UUID(int=student.int)) for student in binding.student_ids)
    tenant, scope = UUID(int=binding.tenant_id.int), Scope(binding.scope)
    return (
        f"set local app.tenant_id = '{tenant}'; set local app.scope = '{scope}'; "
        f"set local app.user_id = {user}; set local app.student_ids = '{{{students}}}'"
    )


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a row."""
    cause = error.orig
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None


class DomainEvent(Protocol):
    """What a transaction may emit; libs/events holds the contracts."""

    @property
    def aggregate_id(self) -> UUID: ...


class ReadTransaction:
    """Reads of one tenant within one transaction, which PostgreSQL itself holds read-only."""

    def __init__(self, session: AsyncSession, binding: Binding, clock: Clock) -> None:
        self.session = session
        self.binding = binding
        self.now = clock()

    @property
    def tenant_id(self) -> UUID:
        """The tenant whose rows exist for this transaction."""
        return self.binding.tenant_id

    async def fetch(self, statement: str, values: Sequence[Any]) -> list[bytes | None]:
        """The first column of a compiled statement ($1, $2 …) as text; what was changed before is written first."""
        await self.session.flush()
        raw = await (await self.session.connection()).get_raw_connection()
        cursor = AsyncRawCursor(cast("AsyncConnection[Any]", raw.driver_connection))
        await cursor.execute(statement.encode(), values, prepare=True)
        return [None if row[0] is None else row[0].encode() for row in await cursor.fetchall()]

    @asynccontextmanager
    async def reading_as(self, binding: Binding) -> AsyncIterator[None]:
        """Reads of the block see what another binding sees: an actor's, where the operation saw more.

        Raises PermissionError for another tenant, except from system scope.
        """
        if binding.tenant_id != self.tenant_id and self.binding.scope is not Scope.SYSTEM:
            raise PermissionError("only system scope turns to another tenant")
        connection, before = await self.session.connection(), self.binding
        await self.session.flush()
        await connection.exec_driver_sql(binding_statement(binding))
        self.binding = binding
        yield
        await connection.exec_driver_sql(binding_statement(before))
        self.binding = before

    async def execute(self, statement: Executable, parameters: Parameters = None) -> Result[*tuple[Any, ...]]:
        """Runs a Core or ORM statement."""
        return await self.session.execute(statement, parameters)

    async def scalar(self, statement: Select[T, *tuple[Any, ...]]) -> T | None:
        """The first column of the first row, or None."""
        value: T | None = await self.session.scalar(statement)
        return value

    async def scalars(self, statement: Select[T, *tuple[Any, ...]]) -> ScalarResult[T]:
        """The first column of every row."""
        values: ScalarResult[T] = await self.session.scalars(statement)
        return values

    async def get(self, model: type[T], row_id: UUID, *, lock: bool = False) -> T:
        """The row of this tenant with that id, locked against other writers if asked for.

        Raises NotFound when it is absent or another tenant's.
        """
        row = await self.session.get(model, (self.tenant_id, row_id), with_for_update=lock or None)
        if row is None:
            raise NotFound
        return row


class TenantTransaction(ReadTransaction):
    """One change: rows and events together, or nothing."""

    def __init__(self, session: AsyncSession, binding: Binding, clock: Clock) -> None:
        super().__init__(session, binding, clock)
        self.pending_events: list[tuple[UUID, DomainEvent]] = []
        self.after_commit: list[Callable[[], Awaitable[None]]] = []

    def new_id(self) -> UUID:
        """A new identity."""
        return new_id()

    def add(self, *rows: object) -> None:
        """Adds mapped rows; they are written at the next flush."""
        self.session.add_all(rows)

    async def flush(self) -> None:
        """Writes what was added or changed, so that constraints speak now."""
        await self.session.flush()

    def emit(self, event: DomainEvent, *, tenant_id: UUID | None = None) -> None:
        """Queues an event for the outbox row written in this transaction; another tenant's only from the platform."""
        if tenant_id not in (None, self.tenant_id) and self.tenant_id != PLATFORM_TENANT_ID:
            raise PermissionError("only the platform emits for another tenant")
        self.pending_events.append((tenant_id or self.tenant_id, event))

    @asynccontextmanager
    async def rejecting(self, errors: Mapping[str, Callable[[], DomainError]]) -> AsyncIterator[None]:
        """A savepoint: when one of the named constraints refuses what is written inside, its domain error is raised.

        The constraint decides, not a query before it: two writers that race cannot both pass.
        """
        try:
            async with self.session.begin_nested():
                yield
                await self.session.flush()
        except IntegrityError as error:
            make = errors.get(violated_constraint(error) or "")
            if make is None:
                raise
            raise make() from error

    async def rebind(self, binding: Binding) -> None:
        """Turns to another tenant within this transaction: consumers (a batch) and the platform alone.

        Raises PermissionError from any other scope.
        """
        if self.binding.scope is not Scope.SYSTEM and self.tenant_id != PLATFORM_TENANT_ID:
            raise PermissionError("only system scope or the platform turns to another tenant")
        if binding == self.binding:
            return
        await self.session.flush()
        self.session.expunge_all()
        await (await self.session.connection()).exec_driver_sql(binding_statement(binding))
        self.binding = binding

    @asynccontextmanager
    async def acting_in(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Works inside one tenant for the length of the block, then turns back."""
        before = self.binding
        await self.rebind(Binding(tenant_id, Scope.SYSTEM))
        yield
        await self.rebind(before)


OnFlush = Callable[[TenantTransaction], Awaitable[None]]


class Database:
    """The pool of one subgraph's `<schema>_app` role.

    `on_flush` runs inside every write transaction right before COMMIT: that is where the outbox rows are written.
    """

    def __init__(
        self, settings: Settings, schema: str, *, on_flush: OnFlush | None = None, clock: Clock = utc_now
    ) -> None:
        self.schema = schema
        self._settings = settings
        self._pool: AsyncConnectionPool | None = None
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://", poolclass=NullPool, async_creator=self._borrowed
        )
        self._on_flush = on_flush
        self._clock = clock

    def _opened(self) -> AsyncConnectionPool:
        """The pool, of the loop that asks for it first."""
        if self._pool is None:
            settings = self._settings
            limits = f"-c statement_timeout={settings.statement_timeout_ms} -c lock_timeout=5000 -c timezone=UTC"
            self._pool = AsyncConnectionPool(
                settings.database_for(f"{self.schema}_app"),
                connection_class=_PooledConnection,
                kwargs={
                    "options": limits,
                    "connect_timeout": 5,
                    "application_name": f"wiyata-{self.schema}",
                    # Whatever psycopg prepares by itself it drops after a rollback, and what round_trip.py did with it.
                    "prepare_threshold": None,
                },
                min_size=1,
                max_size=settings.database_pool_size,
                timeout=settings.statement_timeout_ms / 1000,
                open=False,
            )
        return self._pool

    @property
    def connections_in_use(self) -> int:
        """How many connections work at this moment."""
        stats = self._pool.get_stats() if self._pool else {}
        return stats.get("pool_size", 0) - stats.get("pool_available", 0)

    async def _borrowed(self) -> AsyncConnection[Any]:
        """A live connection for a transaction of SQLAlchemy, which begins it itself."""
        pool = self._opened()
        await pool.open()
        connection = await _live(pool)
        await connection.set_autocommit(False)
        return connection

    async def fetch(self, binding: Binding, statement: str, values: Sequence[Any]) -> list[bytes | None]:
        """The first column of one compiled statement ($1, $2 …) as text, in a read-only transaction of its own.

        A connection that was lost meanwhile is replaced once. Raises psycopg.Error.
        """
        pool = self._opened()
        if pool.closed:
            await pool.open()
        try:
            return await _fetch(pool, await pool.getconn(), binding, (statement, values))
        except psycopg.OperationalError as error:
            waited_in_vain = isinstance(error, PoolTimeout)
            if waited_in_vain or (error.sqlstate is not None and not error.sqlstate.startswith(_CONNECTION_LOST)):
                raise
            return await _fetch(pool, await _live(pool), binding, (statement, values))

    @asynccontextmanager
    async def read(self, binding: Binding) -> AsyncIterator[ReadTransaction]:
        """A read-only transaction of one tenant."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"set transaction read only; {binding_statement(binding)}")
            yield ReadTransaction(session, binding, self._clock)
            await session.rollback()

    @asynccontextmanager
    async def write(self, binding: Binding) -> AsyncIterator[TenantTransaction]:
        """A transaction that commits when the block is left and rolls back when it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            connection = await session.connection()
            await connection.exec_driver_sql(binding_statement(binding))
            tx = TenantTransaction(session, binding, self._clock)
            yield tx
            await session.flush()
            if self._on_flush is not None and tx.pending_events:
                await self._on_flush(tx)
            await session.commit()
        for run in tx.after_commit:
            await run()

    async def close(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


class _PooledConnection(AsyncConnection[Any]):
    """SQLAlchemy borrows from the pool and gives back by closing.

    The pool's own `close_returns` does not take back a connection that has broken: its place stays taken, and after an
    outage under load no place is left.
    """

    _pool: AsyncConnectionPool | None  # set by the pool while the connection is lent

    async def close(self) -> None:
        """Gives a lent connection back, broken or not; closes any other."""
        if (pool := getattr(self, "_pool", None)) is None:
            await super().close()
            return
        await pool.putconn(self)
        if self.closed:  # the pool has made another in its place; to be closed twice is to be given back once
            self._pool = None


DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
"""Compiles statements for `fetch`."""
_CONNECTION_LOST = ("08", "57P0")


async def _live(pool: AsyncConnectionPool) -> AsyncConnection[Any]:
    """A connection that has just answered: after an outage the pool holds dead ones."""
    while True:
        connection = await pool.getconn()
        try:
            await connection.set_autocommit(True)
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            await pool.putconn(connection)  # which throws it away and makes another
        except BaseException:  # whoever asked was cancelled: the connection must not be lost with them
            await pool.putconn(connection)
            raise
        else:
            return connection


async def _fetch(
    pool: AsyncConnectionPool, connection: AsyncConnection[Any], binding: Binding, asked: tuple[str, Sequence[Any]]
) -> list[bytes | None]:
    try:
        if not connection.autocommit:  # to ask is nothing, to set it takes a lock and a turn of the loop
            await connection.set_autocommit(True)
        return await fetch_first_column(connection, binding, *asked)
    finally:
        await pool.putconn(connection)
