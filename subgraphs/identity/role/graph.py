"""Roles in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import Call, Info, error, given, mutation, one, result
from libs.kernel import Forbidden
from subgraphs.identity.role import rules
from subgraphs.identity.role.operations import assign_role
from subgraphs.identity.role.queries import RoleState, all_roles

if TYPE_CHECKING:
    from subgraphs.identity.user.graph import User


@strawberry.type(description="What somebody may do, under a name.")
class Role:
    id: UUID = strawberry.field(description="Identity; that of a system role is the same in every school.")
    name: str = strawberry.field(description="Name, unique in the school.")
    description: str | None = strawberry.field(description="What the role is for.")
    is_system_role: bool = strawberry.field(description="Whether the role is the system's and not the school's own.")

    @strawberry.field(description="What the role permits, each as resource:action, sorted.")
    def permissions(root: strawberry.Parent[RoleState]) -> list[str]:  # noqa: N805 - strawberry hands over the parent
        """Sorted, so that two answers compare."""
        return sorted(root.permissions)


@strawberry.type
class RoleQuery:
    """Queries about roles."""

    @strawberry.field(description="The roles there are in the school, the system's first.")
    async def roles(self, info: Info) -> list[Role]:
        """Needs role:read."""
        actor = info.context.signed_in
        if not actor.may("role:read"):
            raise Forbidden
        async with info.context.database.read(actor.binding("role")) as tx:
            return await all_roles(tx)  # type: ignore[return-value] # a RoleState has the fields of a Role


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
