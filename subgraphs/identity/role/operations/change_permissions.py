"""Giving permissions to a role, of the school or of the system, and taking them back."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import delete, insert, select

from libs.auth import SYSTEM_ROLES, Actor, Revocations
from libs.db import TenantTransaction
from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.model import Role, RolePermission
from subgraphs.identity.role.operations.definitions import Definitions, add_permissions, check_permissions, void_tokens
from subgraphs.identity.role.queries import RoleState
from subgraphs.identity.role.rules import CorePermission

_INHERITED = {"id": "Berasal dari peran yang diwarisi.", "en": "Comes from the role that it inherits from."}


async def grant_permissions(
    tx: TenantTransaction,
    *,
    actor: Actor,
    role_id: UUID,
    permissions: Sequence[str],
    today: date,
    origin: Origin,
    revocations: Revocations,
) -> UUID:
    """Lets a role permit these too, a system role for this school alone; answers its id.

    What it permits by itself already stays as it is. Raises NotFound, InvalidInput for what no role of this tenant may
    permit, and Forbidden for what the actor does not hold.
    """
    check_permissions(tx, actor, permissions)
    role = (await Definitions.hold(tx)).of(role_id)
    new = set(permissions) - role.own_permissions - _core(role)
    if not new:
        return role_id
    await add_permissions(tx, await _row_of(tx, role), new)
    await void_tokens(tx, role_id, today=today, revocations=revocations)
    values = {"permissions": sorted(new)}
    deed = Deed(action="role.permissions_granted", resource_type="role", resource_id=role_id, new_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return role_id


async def revoke_permissions(
    tx: TenantTransaction,
    *,
    actor: Actor,
    role_id: UUID,
    permissions: Sequence[str],
    today: date,
    origin: Origin,
    revocations: Revocations,
) -> UUID:
    """Takes these from a role; answers its id. What it does not permit stays as it is.

    Raises NotFound, InvalidInput for what there is not and for what the role inherits, CorePermission for what a
    system role permits by itself, and Forbidden for what the actor could not give back.
    """
    check_permissions(tx, actor, permissions)
    role = (await Definitions.hold(tx)).of(role_id)
    if core := sorted(_core(role) & set(permissions)):
        raise CorePermission(permissions=core)
    inherited = role.permissions - role.own_permissions
    faults = [
        FieldFault(f"input.permissions[{at}]", "INHERITED", _INHERITED)
        for at, permission in enumerate(permissions)
        if permission in inherited
    ]
    if faults:
        raise InvalidInput(faults)
    gone = role.own_permissions & set(permissions)
    if not gone:
        return role_id
    row_id = await _row_of(tx, role)
    these = (RolePermission.tenant_id == tx.tenant_id, RolePermission.role_id == row_id)
    await tx.execute(delete(RolePermission).where(*these, RolePermission.permission.in_(gone)))
    await void_tokens(tx, role_id, today=today, revocations=revocations)
    values = {"permissions": sorted(gone)}
    deed = Deed(action="role.permissions_revoked", resource_type="role", resource_id=role_id, old_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return role_id


def _core(role: RoleState) -> frozenset[str]:
    return SYSTEM_ROLES[role.name].permissions if role.is_system_role else frozenset()


async def _row_of(tx: TenantTransaction, role: RoleState) -> UUID:
    """The id of the row that holds a role's permissions; a system role gets one with what is added to it first."""
    if role.role_id is not None:
        return role.role_id
    kept = select(Role.id).where(Role.tenant_id == tx.tenant_id, Role.is_system_role, Role.name == role.name)
    row_id = await tx.scalar(kept)
    if row_id is None:
        row_id = tx.new_id()
        row = {"tenant_id": tx.tenant_id, "id": row_id, "name": role.name, "is_system_role": True}
        await tx.execute(insert(Role.__table__), [row])
    return row_id
