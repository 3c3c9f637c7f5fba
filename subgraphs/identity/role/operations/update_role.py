"""Changing what a role of the school's own is called and inherits."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import update

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.kernel import InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import password_policy
from subgraphs.identity.role.model import Role
from subgraphs.identity.role.operations.definitions import Definitions, columns_of, fault, void_tokens
from subgraphs.identity.role.queries import RoleState
from subgraphs.identity.role.rules import SecondFactorRole, SystemRoleFixed, check_grant


async def update_role(
    tx: TenantTransaction,
    *,
    actor: Actor,
    role_id: UUID,
    changes: Mapping[str, Any],
    today: date,
    origin: Origin,
    revocations: Revocations,
) -> UUID:
    """Changes `name`, `description` and `inherits` (a role's name, or None), those that are given; answers the id.

    Raises NotFound, SystemRoleFixed, InvalidInput, RoleNameTaken, SecondFactorRole for a new name of a role that the
    password policy names, InheritanceCycle, InheritanceTooDeep, and Forbidden where holders of the role would win or
    lose by inheritance what the actor does not hold.
    """
    roles = await Definitions.hold(tx)
    role = roles.of(role_id)
    if role.is_system_role:
        raise SystemRoleFixed
    given = {name: value for name, value in changes.items() if value != getattr(role, name)}
    if not given:
        return role_id
    if "name" in given and role.name in (await password_policy(tx)).second_factor_roles:
        raise SecondFactorRole
    columns = _columns(roles, role, given, actor)
    await tx.execute(update(Role).where(Role.tenant_id == tx.tenant_id, Role.id == role_id).values(columns))
    if "inherits" in given:
        await void_tokens(tx, role_id, today=today, revocations=revocations)
    before = {name: getattr(role, name) for name in given}
    deed = Deed(
        action="role.updated", resource_type="role", resource_id=role_id, old_values=before, new_values=dict(given)
    )
    await record(tx, Doer.of(actor, origin), deed)
    return role_id


def _columns(roles: Definitions, role: RoleState, given: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    columns = {name: value for name, value in given.items() if name != "inherits"}
    if "name" in given:
        if given["name"] is None:
            raise InvalidInput([fault("input.name", "REQUIRED")])
        roles.check_name(given["name"], besides=role.id)
    if "inherits" not in given:
        return columns
    if role.inherits is not None:
        check_grant(actor.permissions, roles.of(role.line[1]).permissions)
    wanted = given["inherits"]
    return columns | columns_of(None if wanted is None else roles.parent(wanted, actor, of=role.id))
