"""A second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for the day it is lost."""

import secrets
from dataclasses import dataclass, field
from uuid import UUID

import pyotp
import segno
from sqlalchemy import delete, insert, select

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.kernel import DomainError, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.second_factor.model import RecoveryCode, SecondFactor
from subgraphs.identity.second_factor.queries import Proof, refusal_of, take_off, tell_change
from subgraphs.identity.second_factor.rules import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    FactorChange,
    SecondFactorActive,
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


async def start_totp(
    tx: TenantTransaction, *, actor: Actor, proof: Proof, contacts: Contacts, origin: Origin
) -> Enrolment | DomainError:
    """A new secret for the actor's authenticator, in force once a code of it is confirmed; an earlier start is void.

    `proof` is the password (`try_password`): who stole a token would lock its owner out. A wrong one is returned as
    WrongPassword: that it was tried has to be committed. Raises SecondFactorActive, AccountLocked, and NotFound for
    who has no account here.
    """
    user, factor = await _factor_of(tx, actor.user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise SecondFactorActive
    if refusal := await refusal_of(tx, user, proof, actor=actor, contacts=contacts, origin=origin):
        return refusal
    tenant, key = await tx.session.get(Tenant, tx.tenant_id), await contacts.person_key(tx, actor.user_id)
    if tenant is None or key is None:
        raise NotFound
    await take_off(tx, user.id)
    secret, row_id = pyotp.random_base32(), tx.new_id()
    sealed = key.encrypt(secret, table="second_factors", column="secret", row_id=row_id, tenant_id=tx.tenant_id)
    row = {"tenant_id": tx.tenant_id, "id": row_id, "user_id": actor.user_id, "secret": sealed}
    await tx.execute(insert(SecondFactor.__table__), [row])
    deed = Deed(action="user.second_factor_started", resource_type="user", resource_id=user.id)
    await record(tx, Doer.of(actor, origin), deed)
    uri = pyotp.TOTP(secret, name=actor.email, issuer=f"Wiyata {tenant.name}").provisioning_uri()
    return Enrolment(secret, uri, segno.make(uri, error="m").svg_data_uri(scale=4, light="#fff"))


async def confirm_totp(
    tx: TenantTransaction, *, actor: Actor, code: str, contacts: Contacts, origin: Origin
) -> list[str] | DomainError:
    """Puts the started second factor in force with its first code; answers the recovery codes, which nobody sees again.

    A wrong code counts like every other one and is returned as InvalidCode: that it was tried has to be committed.
    Raises SecondFactorActive, AccountLocked, and NotFound when none was started.
    """
    user, factor = await _factor_of(tx, actor.user_id)
    if factor is None:
        raise NotFound
    if factor.confirmed_at is not None:
        raise SecondFactorActive
    if refusal := await refusal_of(tx, user, Proof(code=code), actor=actor, contacts=contacts, origin=origin):
        return refusal
    factor.confirmed_at = tx.now
    await tx.flush()
    await tell_change(tx, user, FactorChange.ENABLED, doer=Doer.of(actor, origin), contacts=contacts)
    return await new_recovery_codes(tx, user.id)


async def _factor_of(tx: TenantTransaction, user_id: UUID) -> tuple[User, SecondFactor | None]:
    """An account with its second factor, in force or not. It is locked: two who change it follow each other."""
    user = await tx.get(User, user_id, lock=True)
    mine = (SecondFactor.tenant_id == tx.tenant_id, SecondFactor.user_id == user_id)
    return user, await tx.scalar(select(SecondFactor).where(*mine))


async def new_recovery_codes(tx: TenantTransaction, user_id: UUID) -> list[str]:
    """Recovery codes in the place of all earlier ones; only their hashes stay."""
    earlier = (RecoveryCode.tenant_id == tx.tenant_id, RecoveryCode.user_id == user_id)
    await tx.execute(delete(RecoveryCode).where(*earlier))
    codes = [recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    about = {"tenant_id": tx.tenant_id, "user_id": user_id}
    rows = [about | {"id": tx.new_id(), "code_hash": recovery_hash(code)} for code in codes]
    await tx.execute(insert(RecoveryCode.__table__), rows)
    return codes
