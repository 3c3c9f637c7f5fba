"""Making a role of the school's own."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert

from libs.auth import Actor
from libs.db import TenantTransaction
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.model import Role
from subgraphs.identity.role.operations.definitions import Definitions, add_permissions, check_permissions, columns_of


async def create_role(
    tx: TenantTransaction,
    *,
    actor: Actor,
    name: str,
    description: str | None,
    permissions: Sequence[str],
    inherits: str | None,
    origin: Origin,
) -> UUID:
    """Makes a role with permissions of its own and those of the role it inherits from; answers its id.

    Raises InvalidInput, RoleNameTaken, Forbidden for what the actor does not hold, and InheritanceTooDeep.
    """
    check_permissions(tx, actor, permissions)
    roles = await Definitions.hold(tx)
    roles.check_name(name)
    role_id = tx.new_id()
    parent = roles.parent(inherits, actor, of=role_id) if inherits is not None else None
    row = {"tenant_id": tx.tenant_id, "id": role_id, "name": name, "description": description}
    await tx.execute(insert(Role.__table__), [row | {"is_system_role": False} | columns_of(parent)])
    await add_permissions(tx, role_id, set(permissions))
    values = {"name": name, "permissions": sorted(set(permissions)), "inherits": inherits}
    deed = Deed(action="role.created", resource_type="role", resource_id=role_id, new_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return role_id
