"""Deleting a role of the school's own."""

from datetime import date
from uuid import UUID

from sqlalchemy import delete, func, select

from libs.auth import Actor
from libs.db import TenantTransaction
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.model import Role, UserRole
from subgraphs.identity.role.operations.definitions import Definitions
from subgraphs.identity.role.queries import not_over
from subgraphs.identity.role.rules import RoleInUse, SystemRoleFixed
from subgraphs.identity.user.model import User


async def delete_role(tx: TenantTransaction, *, actor: Actor, role_id: UUID, today: date, origin: Origin) -> UUID:
    """Deletes a role that nobody holds now or later and none inherits from; answers its id.

    That it was held once, and that deleted accounts had it, is then in the log alone. Raises NotFound, SystemRoleFixed
    and RoleInUse.
    """
    roles = await Definitions.hold(tx)
    role = roles.of(role_id)
    if role.is_system_role:
        raise SystemRoleFixed
    held = (UserRole.tenant_id == tx.tenant_id, UserRole.role_id == role_id)
    holders = await tx.scalar(
        select(func.count(UserRole.user_id.distinct()))
        .join(User, (User.tenant_id == UserRole.tenant_id) & (User.id == UserRole.user_id))
        .where(*held, not_over(today), User.deleted_at.is_(None))
    )
    heirs = roles.heirs(role)
    if holders or heirs:
        raise RoleInUse(holders=holders, heirs=len(heirs))
    await tx.execute(delete(UserRole).where(*held))
    await tx.execute(delete(Role).where(Role.tenant_id == tx.tenant_id, Role.id == role_id))
    values = {"name": role.name, "permissions": sorted(role.own_permissions), "inherits": role.inherits}
    deed = Deed(action="role.deleted", resource_type="role", resource_id=role_id, old_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return role_id
