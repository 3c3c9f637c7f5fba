"""A second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for the day it is lost."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyotp
import segno
from sqlalchemy import delete, insert, select

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import SecondFactorEnabled
from libs.kernel import NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.second_factor.model import RecoveryCode, SecondFactor
from subgraphs.identity.second_factor.queries import step_of
from subgraphs.identity.second_factor.rules import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    InvalidCode,
    SecondFactorActive,
    bare_code,
    recovery_code,
    recovery_hash,
)
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator needs: the secret (base32), the same as an otpauth URI, that as a picture (data URI)."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_code: str = field(repr=False)


async def start_totp(tx: TenantTransaction, *, actor: Actor, contacts: Contacts, origin: Origin) -> Enrolment:
    """A new secret for the actor's authenticator, in force once a code of it is confirmed; an earlier start is void.

    Raises SecondFactorActive, and NotFound for who has no account here.
    """
    factor = await _factor_of(tx, actor.user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise SecondFactorActive
    tenant, key = await tx.session.get(Tenant, tx.tenant_id), await contacts.person_key(tx, actor.user_id)
    if tenant is None or key is None:
        raise NotFound
    await tx.execute(delete(SecondFactor).where(*_mine(tx, actor.user_id)))
    secret, row_id = pyotp.random_base32(), tx.new_id()
    sealed = key.encrypt(secret, table="second_factors", column="secret", row_id=row_id, tenant_id=tx.tenant_id)
    row = {"tenant_id": tx.tenant_id, "id": row_id, "user_id": actor.user_id, "secret": sealed}
    await tx.execute(insert(SecondFactor.__table__), [row])
    await _record(tx, "user.second_factor_started", actor, origin)
    uri = pyotp.TOTP(secret, name=actor.email, issuer=f"Wiyata {tenant.name}").provisioning_uri()
    return Enrolment(secret, uri, segno.make(uri, error="m").svg_data_uri(scale=4, light="#fff"))


async def confirm_totp(
    tx: TenantTransaction, *, actor: Actor, code: str, contacts: Contacts, origin: Origin
) -> list[str]:
    """Puts the started second factor in force with its first code; answers the recovery codes, which nobody sees again.

    Raises InvalidCode, SecondFactorActive, and NotFound when none was started.
    """
    factor = await _factor_of(tx, actor.user_id)
    if factor is None:
        raise NotFound
    if factor.confirmed_at is not None:
        raise SecondFactorActive
    step = await step_of(tx, factor, bare_code(code), contacts=contacts)
    if step is None:
        raise InvalidCode
    factor.confirmed_at, factor.last_step = tx.now, step
    await tx.flush()
    tx.emit(SecondFactorEnabled(user_id=actor.user_id))
    await _record(tx, "user.second_factor_enabled", actor, origin)
    return await new_recovery_codes(tx, actor.user_id)


async def _factor_of(tx: TenantTransaction, user_id: UUID) -> SecondFactor | None:
    """The account's second factor, in force or not. Its account is locked: two who change it follow each other."""
    await tx.get(User, user_id, lock=True)
    return await tx.scalar(select(SecondFactor).where(*_mine(tx, user_id)))


def _mine(tx: TenantTransaction, user_id: UUID) -> tuple[Any, ...]:
    return (SecondFactor.tenant_id == tx.tenant_id, SecondFactor.user_id == user_id)


async def new_recovery_codes(tx: TenantTransaction, user_id: UUID) -> list[str]:
    """Recovery codes in the place of all earlier ones; only their hashes stay."""
    earlier = (RecoveryCode.tenant_id == tx.tenant_id, RecoveryCode.user_id == user_id)
    await tx.execute(delete(RecoveryCode).where(*earlier))
    codes = [recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    about = {"tenant_id": tx.tenant_id, "user_id": user_id}
    rows = [about | {"id": tx.new_id(), "code_hash": recovery_hash(code)} for code in codes]
    await tx.execute(insert(RecoveryCode.__table__), rows)
    return codes


async def _record(tx: TenantTransaction, action: str, actor: Actor, origin: Origin) -> None:
    await record(tx, Doer.of(actor, origin), Deed(action=action, resource_type="user", resource_id=actor.user_id))
