"""Roles in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.auth import CATALOGUE
from libs.graph import Call, Info, error, given, given_out, mutation, one, result
from libs.kernel import Forbidden
from subgraphs.identity.role import rules
from subgraphs.identity.role.operations import assign_role
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
        description="Accounts that hold it today; only with role:assign or user:read."
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


_ROLE_ID = strawberry.argument(description="Identity of the role.")


@strawberry.type
class RoleQuery:
    """Queries about roles."""

    @strawberry.field(description="The roles there are in the school, the system's first.")
    async def roles(self, info: Info) -> list[Role]:
        """Needs role:read."""
        return await _roles(info)  # type: ignore[return-value] # a RoleState has the fields of a Role

    @strawberry.field(description="One role of the school, or of the system.")
    async def role(self, info: Info, id: Annotated[UUID, _ROLE_ID]) -> Role | None:
        """Needs role:read; null for what is absent or another school's."""
        return next((role for role in await _roles(info) if role.id == id), None)  # type: ignore[return-value]

    @strawberry.field(description="The catalogue: every permission that a role of the school can hold.")
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


@strawberry.input(description="A role for somebody.")
class AssignRoleInput:
    user_id: UUID = given("Whose.")
    role: str = given("Name of the role.", max_length=100)
    valid_from: date | None = given("First day; today if left out.", default=None)
    valid_until: date | None = given("Last day; without end if left out.", default=None)


@result
class AssignRoleSuccess:
    """The role is theirs from its first day on."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "Who has the role now.")


@strawberry.type
class RoleMutation:
    """Mutations of roles."""

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
