"""A second factor switched off, or given new recovery codes, by whoever shows that it is theirs."""

from libs.auth import Actor, Revocations
from libs.db import Database, TenantTransaction
from libs.kernel import DomainError, NotFound
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.role.queries import roles_of
from subgraphs.identity.second_factor.operations.set_up import new_recovery_codes
from subgraphs.identity.second_factor.queries import (
    Proof,
    is_demanded,
    refusal_of,
    second_factors_of,
    take_off,
    tell_change,
    try_password,
)
from subgraphs.identity.second_factor.rules import FactorChange
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts, raise_versions


async def try_proof(
    database: Database, *, actor: Actor, password: str | None, code: str | None, hasher: PasswordHasher
) -> Proof:
    """The proof that was given: a password is tried here, before the transaction. Raises AccountLocked and NotFound."""
    if password is None:
        return Proof(code=code)
    return await try_password(database, actor=actor, password=password, hasher=hasher)


async def disable_totp(
    tx: TenantTransaction, *, actor: Actor, proof: Proof, contacts: Contacts, origin: Origin, revocations: Revocations
) -> bool | DomainError:
    """Signing in takes the password alone again; recovery codes are void. Answers whether a role needs a second factor.

    Then tokens are void too, and the next ones say so. A wrong proof is returned as
    WrongPassword or InvalidCode: that it was tried has to be committed. Raises AccountLocked, and NotFound where no
    second factor is in force.
    """
    user = await _secured(tx, actor)
    if refusal := await refusal_of(tx, user, proof, actor=actor, contacts=contacts, origin=origin):
        return refusal
    await take_off(tx, user.id)
    is_required = await _is_required(tx, user)
    if is_required:
        await raise_versions(tx, [user.id], revocations)
    await tell_change(tx, user, FactorChange.DISABLED, doer=Doer.of(actor, origin), contacts=contacts)
    return is_required


async def regenerate_recovery_codes(
    tx: TenantTransaction, *, actor: Actor, proof: Proof, contacts: Contacts, origin: Origin
) -> list[str] | DomainError:
    """New recovery codes in the place of all earlier ones. Returns and raises like `disable_totp`."""
    user = await _secured(tx, actor)
    if refusal := await refusal_of(tx, user, proof, actor=actor, contacts=contacts, origin=origin):
        return refusal
    codes = await new_recovery_codes(tx, user.id)
    await tell_change(tx, user, FactorChange.CODES_REGENERATED, doer=Doer.of(actor, origin), contacts=contacts)
    return codes


async def _secured(tx: TenantTransaction, actor: Actor) -> User:
    """The actor's locked account. Raises NotFound unless a second factor is in force."""
    user = await tx.get(User, actor.user_id, lock=True)
    if not await second_factors_of(tx, [user.id]):
        raise NotFound
    return user


async def _is_required(tx: TenantTransaction, user: User) -> bool:
    """By the roles that the account holds today, as the next token will see it: a token's names tell of no heirs."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is None:
        raise NotFound
    roles = await roles_of(tx, [user.id], today_in(tenant.timezone, tx.now))
    return await is_demanded(tx, roles[user.id])
