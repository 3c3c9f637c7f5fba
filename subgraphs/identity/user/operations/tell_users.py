"""The state of every account again, for projections that start from nothing."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select

from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import UserCreated, UserDeleted
from subgraphs.identity.role.queries import roles_of
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import today_in
from subgraphs.identity.user.model import User, UserRecord
from subgraphs.identity.user.queries import Contacts

_BATCH: Final = 500


async def tell_users(tx: TenantTransaction, *, contacts: Contacts) -> AsyncGenerator[UserCreated | UserDeleted, None]:
    """Each account of the tenant, once for each record it was made for; the rows are held until COMMIT."""
    timezone = await tx.scalar(select(Tenant.timezone).where(Tenant.id == tx.tenant_id))
    if timezone is None:
        return
    every = select(User.id).where(User.tenant_id == tx.tenant_id).order_by(User.id)
    ids = (await tx.scalars(every)).all()
    for start in range(0, len(ids), _BATCH):
        for event in await _told(tx, ids[start : start + _BATCH], contacts, today_in(timezone, tx.now)):
            yield event


async def _told(
    tx: TenantTransaction, ids: Sequence[UUID], contacts: Contacts, today: date
) -> list[UserCreated | UserDeleted]:
    locked = select(User).where(User.tenant_id == tx.tenant_id, User.id.in_(ids)).order_by(User.id)
    users = (await tx.scalars(locked.with_for_update(read=True))).all()
    clear = await contacts.reveal(tx, [user for user in users if user.deleted_at is None])
    roles, records = await roles_of(tx, ids, today), await _records(tx, ids)
    told: list[UserCreated | UserDeleted] = []
    for user in users:
        if user.deleted_at is not None:
            told.append(UserDeleted(user_id=user.id))
            continue
        told += [
            UserCreated(
                user_id=user.id,
                status=user.status,
                roles=tuple(role.name for role in roles[user.id]),
                language=user.language,
                record_id=record_id,
                personal=clear[user.id].personal(user.name) if user.id in clear else {},
            )
            for record_id in records[user.id] or [None]
        ]
    return told


async def _records(tx: ReadTransaction, ids: Sequence[UUID]) -> dict[UUID, list[UUID | None]]:
    """The academic records that these accounts were made for."""
    statement = (
        select(UserRecord.user_id, UserRecord.record_id)
        .where(UserRecord.tenant_id == tx.tenant_id, UserRecord.user_id.in_(ids))
        .order_by(UserRecord.record_id)
    )
    found: dict[UUID, list[UUID | None]] = defaultdict(list)
    for row in await tx.execute(statement):
        found[row.user_id].append(row.record_id)
    return found
