"""Devices that somebody signed in with before: how they are known again, and how they are forgotten."""

from uuid import UUID

from sqlalchemy import delete, select

from libs.auth import Actor, Revocations
from libs.db import ReadTransaction, TenantTransaction
from libs.kernel import NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import new_token
from subgraphs.identity.credential.rules import InvalidToken, read_token, token_hash
from subgraphs.identity.session.model import Device
from subgraphs.identity.session.queries import end_device_sessions
from subgraphs.identity.user.model import User


async def find_device(
    tx: ReadTransaction, token: str | None, email_blind: bytes, *, lock: bool = False
) -> Device | None:
    """The device of that account whose secret it is; a token of another account or school is worth nothing.

    With `lock`, nobody forgets the device before the transaction ends.
    """
    if token is None:
        return None
    try:
        tenant_id, hashed = read_token(token)
    except InvalidToken:
        return None
    if tenant_id != tx.tenant_id:
        return None
    statement = (
        select(Device)
        .join(User, (User.tenant_id == Device.tenant_id) & (User.id == Device.user_id))
        .where(
            Device.tenant_id == tx.tenant_id,
            Device.secret_hash == hashed,
            User.email_blind == email_blind,
            User.deleted_at.is_(None),
        )
    )
    return await tx.scalar(statement.with_for_update(of=Device) if lock else statement)


async def remember_device(tx: TenantTransaction, user_id: UUID, name: str | None) -> tuple[Device, str]:
    """A device that somebody signs in with for the first time, and the secret by which it is known again."""
    token = new_token(tx)
    device = Device(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        user_id=user_id,
        name=name,
        secret_hash=token_hash(token),
        last_used_at=tx.now,
    )
    tx.add(device)
    await tx.flush()
    return device, token


async def forget_device(
    tx: TenantTransaction, *, device_id: UUID, actor: Actor, origin: Origin, revocations: Revocations
) -> None:
    """Ends the sessions of an own device and makes a stranger of it, in the tenant where the account lives.

    Raises NotFound for a device of somebody else.
    """
    device = await tx.get(Device, device_id, lock=True)
    if device.user_id != actor.user_id:
        raise NotFound
    await end_device_sessions(tx, device_id, reason="REVOKED", revocations=revocations)
    await tx.execute(delete(Device).where(Device.tenant_id == tx.tenant_id, Device.id == device_id))
    deed = Deed(action="device.forgotten", resource_type="device", resource_id=device_id)
    await record(tx, Doer.of(actor, origin), deed)
