"""Roles in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import strawberry

from libs.auth import CATALOGUE
from libs.graph import Call, Info, error, given, given_out, mutation, one, result
from libs.kernel import Forbidden
from subgraphs.identity.role import rules
from subgraphs.identity.role.operations.assign_role import assign_role
from subgraphs.identity.role.operations.change_permissions import grant_permissions, revoke_permissions
from subgraphs.identity.role.operations.create_role import create_role
from subgraphs.identity.role.operations.delete_role import delete_role
from subgraphs.identity.role.operations.revoke_role import revoke_role
from subgraphs.identity.role.operations.update_role import update_role
from subgraphs.identity.role.queries import RoleState, all_roles, count_holders, grantable

if TYPE_CHECKING:
    from subgraphs.identity.user.graph import User


@strawberry.type(description="What somebody may do, under a name.")
class Role:
    id: UUID = strawberry.field(description="Identity; that of a system role is the same in every school.")
    name: str = strawberry.field(description="Name, unique in the school.")
    description: str | None = strawberry.field(description="What the role is for.")
    is_system_role: bool = strawberry.field(description="Whether the role is the system's and not the school's own.")
    inherits: str | None = strawberry.field(description="Name of the role whose permissions it has too.")
    holders: int | None = strawberry.field(
        description="Accounts that hold it today; only with role:assign or user:read.",
        metadata={"permission": ("role:assign", "user:read")},
    )

    @strawberry.field(description="What the role permits, inheritance included, each as resource:action, sorted.")
    def permissions(root: strawberry.Parent[RoleState]) -> list[str]:  # noqa: N805 - strawberry hands over the parent
        """Sorted, so that two answers compare."""
        return sorted(root.permissions)

    @strawberry.field(
        description="What the role itself permits, which the school can take back; of a system role what it has added."
    )
    def own_permissions(root: strawberry.Parent[RoleState]) -> list[str]:  # noqa: N805 - the same
        """Sorted, so that two answers compare."""
        return sorted(root.own_permissions)


@strawberry.type(description="A role that somebody holds, from a day to a day by the school's clock.")
class RoleAssignment:
    role: Role = strawberry.field(description="The role.")
    valid_from: date = strawberry.field(description="First day.")
    valid_until: date | None = strawberry.field(description="Last day; null: without an end.")


@strawberry.type(description="A permission that roles can hold.")
class Permission:
    name: str = strawberry.field(description="What it is called, resource:action.")
    resource: str = strawberry.field(description="What it is about, like grade.")
    action: str = strawberry.field(
        description="What it allows, like record; read_taught and read_own reach less far than read."
    )
    description: str = strawberry.field(description="What whoever holds it may do, in English.")


_READS_ROLES: Final = {"permission": "role:read"}
_ROLE_ID = strawberry.argument(description="Identity of the role.")


@strawberry.type
class RoleQuery:
    """Queries about roles."""

    @strawberry.field(description="The roles there are in the school, the system's first.", metadata=_READS_ROLES)
    async def roles(self, info: Info) -> list[Role]:
        """Needs role:read."""
        return await _roles(info)  # type: ignore[return-value] # a RoleState has the fields of a Role

    @strawberry.field(description="One role of the school, or of the system.", metadata=_READS_ROLES)
    async def role(self, info: Info, id: Annotated[UUID, _ROLE_ID]) -> Role | None:
        """Needs role:read; null for what is absent or another school's."""
        return next((role for role in await _roles(info) if role.id == id), None)  # type: ignore[return-value]

    @strawberry.field(
        description="The catalogue: every permission that a role of the school can hold.", metadata=_READS_ROLES
    )
    async def permissions(self, info: Info) -> list[Permission]:
        """Needs role:read."""
        actor = info.context.signed_in
        if not actor.may("role:read"):
            raise Forbidden
        return [
            Permission(name=name, resource=name.partition(":")[0], action=name.partition(":")[2], description=text)
            for name, text in CATALOGUE.items()
            if name in grantable(actor.tenant_id)
        ]


def _role_field(description: str) -> Any:
    """The role of a success, read after the change was committed, so that a repeated answer tells it as it is then."""

    async def read(root: Any, info: Info) -> Role | None:
        return next((role for role in await _roles(info) if role.id == root.role_id), None)  # type: ignore[return-value]

    return strawberry.field(resolver=read, description=description)


async def _roles(info: Info) -> list[RoleState]:
    actor = info.context.signed_in
    if not actor.may("role:read"):
        raise Forbidden
    async with info.context.database.read(actor.binding("role")) as tx:
        return list((await count_holders(tx, await all_roles(tx), actor, info.context.today)).values())


@error(rules.RoleNameTaken)
class RoleNameTaken:
    """There is a role of this name, whatever the case."""


@error(rules.SystemRoleFixed)
class SystemRoleFixed:
    """A role of the system keeps its name, inherits from none and stays."""


@error(rules.CorePermission)
class CorePermission:
    """What a role of the system permits by itself cannot be taken away."""

    permissions: list[str] = given_out("Those that stay.")


@error(rules.RoleInUse)
class RoleInUse:
    """Somebody holds the role now or later, or a role inherits from it."""

    holders: int = given_out("Accounts that hold it now or later.")
    heirs: int = given_out("Roles that inherit from it.")


@error(rules.SecondFactorRole)
class SecondFactorRole:
    """The password policy names the role; under another name it would demand no second factor."""


@error(rules.InheritanceCycle)
class InheritanceCycle:
    """A role cannot inherit from itself, not through others either."""


@error(rules.InheritanceTooDeep)
class InheritanceTooDeep:
    """Too many roles would inherit one from the other."""

    most: int = given_out("How many may stand in such a line.")


@error(rules.LastAdministrator)
class LastAdministrator:
    """The school must keep an administrator."""


@strawberry.input(description="A role of the school's own.")
class CreateRoleInput:
    name: str = given(
        "Name, unlike that of any role of the school or of the system, whatever the case.", max_length=100
    )
    description: str | None = given("What the role is for.", default=None, max_length=500)
    permissions: list[str] = given("What it permits by itself, each as resource:action.", max_length=100)
    inherits: str | None = given("Name of the role whose permissions it has too.", default=None, max_length=100)


@strawberry.input(description="What changes of a role of the school's own; what is left out stays.")
class UpdateRoleInput:
    role_id: UUID = given("Which role.")
    name: str | None = given("Name.", optional=True, max_length=100)
    description: str | None = given("What the role is for; null: nothing.", optional=True, max_length=500)
    inherits: str | None = given(
        "Name of the role whose permissions it has too; null: none.", optional=True, max_length=100
    )


@strawberry.input(description="A role of the school's own to delete.")
class DeleteRoleInput:
    role_id: UUID = given("Which role.")


@strawberry.input(description="Permissions for a role.")
class GrantPermissionsInput:
    role_id: UUID = given("Which role; a role of the system is added to for this school alone.")
    permissions: list[str] = given("What it shall permit too, each as resource:action.", max_length=100)


@strawberry.input(description="Permissions to take from a role.")
class RevokePermissionsInput:
    role_id: UUID = given("Which role; of a role of the system what the school has added.")
    permissions: list[str] = given("What it shall not permit any more, each as resource:action.", max_length=100)


@strawberry.input(description="A role for somebody.")
class AssignRoleInput:
    user_id: UUID = given("Whose.")
    role: str = given("Name of the role.", max_length=100)
    valid_from: date | None = given("First day; today if left out.", default=None)
    valid_until: date | None = given("Last day; without end if left out.", default=None)


@strawberry.input(description="A role to take from somebody.")
class RevokeRoleInput:
    user_id: UUID = given("Whose.")
    role: str = given("Name of the role.", max_length=100)
    valid_until: date | None = given("Last day, today or later; it ends at once if left out.", default=None)


@result
class CreateRoleSuccess:
    """The role is there."""

    role_id: UUID = given_out("Identity of the role.")
    role: Role | None = _role_field("The new role; only with role:read.")


@result
class UpdateRoleSuccess:
    """The role is as it was to be."""

    role_id: UUID = given_out("Identity of the role.")
    role: Role | None = _role_field("The role now; only with role:read.")


@result
class DeleteRoleSuccess:
    """The role is gone."""

    role_id: UUID = given_out("What the role's identity was.")


@result
class GrantPermissionsSuccess:
    """The role permits these, in force everywhere within seconds."""

    role_id: UUID = given_out("Identity of the role.")
    role: Role | None = _role_field("The role now; only with role:read.")


@result
class RevokePermissionsSuccess:
    """The role does not permit these any more, in force everywhere within seconds."""

    role_id: UUID = given_out("Identity of the role.")
    role: Role | None = _role_field("The role now; only with role:read.")


@result
class AssignRoleSuccess:
    """The role is theirs from its first day on."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "Who has the role now.")


@result
class RevokeRoleSuccess:
    """The role is theirs no longer than until its last day."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "Who had the role.")


@strawberry.type
class RoleMutation:
    """Mutations of roles."""

    @mutation(permission="role:create", errors=(RoleNameTaken, InheritanceTooDeep))
    async def create_role(self, call: Call, input: CreateRoleInput) -> CreateRoleSuccess:
        """Makes a role of the school's own; nobody grants what they do not hold."""
        role_id = await create_role(
            call.tx,
            actor=call.actor,
            name=input.name,
            description=input.description,
            permissions=input.permissions,
            inherits=input.inherits,
            origin=call.context,
        )
        return CreateRoleSuccess(role_id=role_id)

    @mutation(
        permission="role:update",
        errors=(RoleNameTaken, SystemRoleFixed, SecondFactorRole, InheritanceCycle, InheritanceTooDeep),
    )
    async def update_role(self, call: Call, input: UpdateRoleInput) -> UpdateRoleSuccess:
        """Changes what a role of the school's own is called and what it inherits from."""
        given = {"name": input.name, "description": input.description, "inherits": input.inherits}
        role_id = await update_role(
            call.tx,
            actor=call.actor,
            role_id=input.role_id,
            changes={name: value for name, value in given.items() if value is not strawberry.UNSET},
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return UpdateRoleSuccess(role_id=role_id)

    @mutation(permission="role:delete", errors=(SystemRoleFixed, RoleInUse))
    async def delete_role(self, call: Call, input: DeleteRoleInput) -> DeleteRoleSuccess:
        """Deletes a role of the school's own that nobody holds and none inherits from."""
        role_id = await delete_role(
            call.tx, actor=call.actor, role_id=input.role_id, today=call.today, origin=call.context
        )
        return DeleteRoleSuccess(role_id=role_id)

    @mutation(permission="role:update")
    async def grant_permissions(self, call: Call, input: GrantPermissionsInput) -> GrantPermissionsSuccess:
        """Lets a role permit more; nobody grants what they do not hold."""
        role_id = await grant_permissions(
            call.tx,
            actor=call.actor,
            role_id=input.role_id,
            permissions=input.permissions,
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return GrantPermissionsSuccess(role_id=role_id)

    @mutation(permission="role:update", errors=(CorePermission,))
    async def revoke_permissions(self, call: Call, input: RevokePermissionsInput) -> RevokePermissionsSuccess:
        """Lets a role permit less; nobody takes what they could not give back."""
        role_id = await revoke_permissions(
            call.tx,
            actor=call.actor,
            role_id=input.role_id,
            permissions=input.permissions,
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return RevokePermissionsSuccess(role_id=role_id)

    @mutation(permission="role:assign")
    async def assign_role(self, call: Call, input: AssignRoleInput) -> AssignRoleSuccess:
        """Gives a role to an account, from a day to a day; nobody grants what they do not hold."""
        user_id = await assign_role(
            call.tx,
            actor=call.actor,
            user_id=input.user_id,
            role_name=input.role,
            valid_from=input.valid_from,
            valid_until=input.valid_until,
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return AssignRoleSuccess(user_id=user_id)

    @mutation(permission="role:revoke", errors=(LastAdministrator,))
    async def revoke_role(self, call: Call, input: RevokeRoleInput) -> RevokeRoleSuccess:
        """Takes a role from an account, at once or after a last day; the last administrator stays."""
        user_id = await revoke_role(
            call.tx,
            actor=call.actor,
            user_id=input.user_id,
            role_name=input.role,
            valid_until=input.valid_until,
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return RevokeRoleSuccess(user_id=user_id)
