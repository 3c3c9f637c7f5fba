"""A second factor switched off, or given new recovery codes, by whoever shows that it is theirs."""

from sqlalchemy import delete

from libs.auth import Actor, Revocations
from libs.db import Database, TenantTransaction
from libs.events.contracts.identity import SecondFactorDisabled
from libs.kernel import DomainError, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher, password_policy
from subgraphs.identity.second_factor.model import RecoveryCode, SecondFactor
from subgraphs.identity.second_factor.operations.set_up import new_recovery_codes
from subgraphs.identity.second_factor.queries import Proof, refusal_of, second_factors_of, try_password
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
    for table in (RecoveryCode, SecondFactor):
        await tx.execute(delete(table).where(table.tenant_id == tx.tenant_id, table.user_id == user.id))
    is_required = bool(set((await password_policy(tx)).second_factor_roles) & set(actor.roles))
    if is_required:
        await raise_versions(tx, [user.id], revocations)
    tx.emit(SecondFactorDisabled(user_id=user.id))
    deed = Deed(action="user.second_factor_disabled", resource_type="user", resource_id=user.id)
    await record(tx, Doer.of(actor, origin), deed)
    return is_required


async def regenerate_recovery_codes(
    tx: TenantTransaction, *, actor: Actor, proof: Proof, contacts: Contacts, origin: Origin
) -> list[str] | DomainError:
    """New recovery codes in the place of all earlier ones. Returns and raises like `disable_totp`."""
    user = await _secured(tx, actor)
    if refusal := await refusal_of(tx, user, proof, actor=actor, contacts=contacts, origin=origin):
        return refusal
    codes = await new_recovery_codes(tx, user.id)
    deed = Deed(action="user.recovery_codes_regenerated", resource_type="user", resource_id=user.id)
    await record(tx, Doer.of(actor, origin), deed)
    return codes


async def _secured(tx: TenantTransaction, actor: Actor) -> User:
    """The actor's locked account. Raises NotFound unless a second factor is in force."""
    user = await tx.get(User, actor.user_id, lock=True)
    if not await second_factors_of(tx, [user.id]):
        raise NotFound
    return user
