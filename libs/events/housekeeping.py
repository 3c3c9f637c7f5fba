"""What the queue tables may forget."""

from sqlalchemy import text

from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope

INBOX_DAYS = 60
"""Longer than the stream (30 days) and the outbox (7) hold an event: it must not come back as new."""

IDEMPOTENCY_HOURS = 24


async def purge_queues(database: Database) -> None:
    """Deletes inbox rows and idempotency keys whose time is over, of every tenant."""
    schema = database.schema
    inbox = f"delete from {schema}.inbox where received_at < now() - interval '{INBOX_DAYS} days'"  # noqa: S608
    keys = (
        f"delete from {schema}.idempotency_keys"  # noqa: S608 - our own names
        f" where created_at < now() - interval '{IDEMPOTENCY_HOURS} hours'"
    )
    async with database.write(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
        await tx.execute(text(inbox))
        await tx.execute(text(keys))
