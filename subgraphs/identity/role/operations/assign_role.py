"""Giving somebody a role."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, insert, select

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import RoleAssigned
from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.model import UserRole
from subgraphs.identity.role.queries import RoleState, find_roles, hat_row, roles_of
from subgraphs.identity.role.rules import Period, check_grant, merged
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import lock_account, raise_versions

_ENDS_BEFORE = {"id": "Berakhir sebelum mulai.", "en": "Ends before it begins."}


@dataclass(frozen=True, slots=True)
class _Hat:
    user: User
    role: RoleState
    period: Period


async def assign_role(
    tx: TenantTransaction,
    *,
    actor: Actor,
    user_id: UUID,
    role_name: str,
    valid_from: date | None,
    valid_until: date | None,
    today: date,
    origin: Origin,
    revocations: Revocations,
) -> UUID:
    """Gives somebody a role from a day to a day, by default from today on without an end; answers the account's id.

    Periods of one role that meet become one; a period that lies within one of them changes nothing. Raises
    InvalidInput, NotFound for an unknown account or role, and Forbidden for a role that permits what the actor may not.
    """
    since = valid_from or today
    if valid_until is not None and valid_until < since:
        raise InvalidInput([FieldFault("input.validUntil", "ENDS_BEFORE_IT_BEGINS", _ENDS_BEFORE)])
    (role,) = await find_roles(tx, [role_name])
    check_grant(actor.permissions, role.permissions)
    # The lock makes two assignments to one person follow each other; the exclusion constraint stands behind it.
    user = await lock_account(tx, user_id)
    hat = _Hat(user, role, Period(since, valid_until))
    doer = Doer.of(actor, origin)
    if not await _put_on(tx, hat, doer):
        return user_id
    if role.is_staff and not user.staff:
        user.staff = True
        await tx.flush()
    await _tell(tx, hat, doer, today, revocations)
    return user_id


async def _put_on(tx: TenantTransaction, hat: _Hat, doer: Doer) -> bool:
    """Writes the period, joined with those it meets; False when one of them holds it already."""
    mine = [UserRole.tenant_id == tx.tenant_id, UserRole.user_id == hat.user.id]
    mine.append(UserRole.hat == hat.role.hat)
    rows = (await tx.execute(select(UserRole.id, UserRole.valid_from, UserRole.valid_until).where(*mine))).all()
    held = {Period(row.valid_from, row.valid_until): row.id for row in rows}
    if any(period.contains(hat.period) for period in held):
        return False
    whole, replaced = merged(held, hat.period)
    if replaced:
        gone = [held[period] for period in replaced]
        await tx.execute(delete(UserRole).where(UserRole.tenant_id == tx.tenant_id, UserRole.id.in_(gone)))
    row = hat_row(tx, hat.user.id, hat.role, doer, whole.since) | {"valid_until": whole.until}
    await tx.execute(insert(UserRole.__table__), [row])
    return True


async def _tell(tx: TenantTransaction, hat: _Hat, doer: Doer, today: date, revocations: Revocations) -> None:
    versions = await raise_versions(tx, [hat.user.id], revocations)
    roles = (await roles_of(tx, [hat.user.id], today))[hat.user.id]
    tx.emit(
        RoleAssigned(
            user_id=hat.user.id,
            role=hat.role.name,
            roles=tuple(role.name for role in roles),
            ver=versions[hat.user.id],
            valid_from=hat.period.since,
            valid_until=hat.period.until,
        )
    )
    values = {"role": hat.role.name, "valid_from": hat.period.since.isoformat()}
    if hat.period.until is not None:
        values["valid_until"] = hat.period.until.isoformat()
    deed = Deed(action="user.role_assigned", resource_type="user", resource_id=hat.user.id, new_values=values)
    await record(tx, doer, deed)
