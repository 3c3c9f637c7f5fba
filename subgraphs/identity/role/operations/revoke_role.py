"""Taking a role from somebody."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import RoleRevoked
from libs.kernel import FieldFault, InvalidInput, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.model import UserRole
from subgraphs.identity.role.queries import RoleState, find_roles, keeping_an_administrator, not_over, roles_of
from subgraphs.identity.role.rules import Period, check_grant
from subgraphs.identity.user.queries import lock_account, raise_versions

_IN_THE_PAST = {"id": "Hari ini atau sesudahnya.", "en": "Must be today or later."}


@dataclass(frozen=True, slots=True)
class _Taken:
    user_id: UUID
    role: RoleState
    last_day: date | None


async def revoke_role(
    tx: TenantTransaction,
    *,
    actor: Actor,
    user_id: UUID,
    role_name: str,
    valid_until: date | None,
    today: date,
    origin: Origin,
    revocations: Revocations,
) -> UUID:
    """Takes a role from somebody after a last day, or at once if none is given; answers the account's id.

    What they would hold of it later goes with it; what ends by then anyway stays as it is. Raises InvalidInput for a
    last day in the past, NotFound for an unknown account or role and for a role that is not held, Forbidden for one
    that permits what the actor may not, and LastAdministrator.
    """
    if valid_until is not None and valid_until < today:
        raise InvalidInput([FieldFault("input.validUntil", "IN_THE_PAST", _IN_THE_PAST)])
    (role,) = await find_roles(tx, [role_name])
    # Whoever could not give it back does not take it: nobody gets rid of those above.
    check_grant(actor.permissions, role.permissions)
    await lock_account(tx, user_id)
    taken = _Taken(user_id, role, valid_until)
    async with keeping_an_administrator(tx, today):
        changed = await _take_off(tx, taken, today)
    if changed:
        await _tell(tx, taken, Doer.of(actor, origin), today, revocations)
    return user_id


async def _take_off(tx: TenantTransaction, taken: _Taken, today: date) -> bool:
    """Cuts or removes what is held now or later; False when all of it ends by then. Raises NotFound without any."""
    mine = (UserRole.tenant_id == tx.tenant_id, UserRole.user_id == taken.user_id, UserRole.hat == taken.role.hat)
    hats = select(UserRole.id, UserRole.valid_from, UserRole.valid_until).where(*mine, not_over(today))
    rows = (await tx.execute(hats)).all()
    if not rows:
        raise NotFound
    last = taken.last_day or today - timedelta(days=1)
    changed = False
    for row in rows:
        period, this = (
            Period(row.valid_from, row.valid_until),
            (UserRole.tenant_id == tx.tenant_id, UserRole.id == row.id),
        )
        left = period.cut(last)
        if left is None:
            await tx.execute(delete(UserRole).where(*this))
        elif left != period:
            await tx.execute(update(UserRole).where(*this).values(valid_until=left.until))
        changed = changed or left != period
    return changed


async def _tell(tx: TenantTransaction, taken: _Taken, doer: Doer, today: date, revocations: Revocations) -> None:
    versions = await raise_versions(tx, [taken.user_id], revocations)
    roles = (await roles_of(tx, [taken.user_id], today))[taken.user_id]
    tx.emit(
        RoleRevoked(
            user_id=taken.user_id,
            role=taken.role.name,
            roles=tuple(role.name for role in roles),
            ver=versions[taken.user_id],
            valid_until=taken.last_day,
        )
    )
    values = {"role": taken.role.name}
    if taken.last_day is not None:
        values["valid_until"] = taken.last_day.isoformat()
    deed = Deed(action="user.role_revoked", resource_type="user", resource_id=taken.user_id, old_values=values)
    await record(tx, doer, deed)
