"""What becomes of accounts, in the graph: made with a password, changed, kept out, deleted, taken back."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Conflict,
    EmailAddress,
    PhoneNumber,
    RequestContext,
    error,
    given,
    given_out,
    mutation,
    one,
    result,
)
from subgraphs.identity.account import rules
from subgraphs.identity.account.operations.activate_user import activate_user, deactivate_user
from subgraphs.identity.account.operations.change import Change
from subgraphs.identity.account.operations.create_user import create_user, hash_given_password
from subgraphs.identity.account.operations.delete_user import delete_user, restore_user
from subgraphs.identity.account.operations.update_my_profile import update_my_profile
from subgraphs.identity.account.operations.update_user import update_user

if TYPE_CHECKING:
    from subgraphs.identity.credential.graph import WeakPassword
    from subgraphs.identity.role.graph import LastAdministrator
    from subgraphs.identity.user.graph import EmailTaken, User

_USERS = strawberry.lazy("subgraphs.identity.user.graph")


@error(rules.OwnAccount)
class OwnAccount:
    """Nobody does this to themselves."""


@strawberry.input(description="An account with a first password.")
class CreateUserInput:
    name: str = given("Full name.", max_length=200)
    email: EmailAddress = given("What they sign in with; unique in the school.")
    phone: PhoneNumber | None = given("Telephone number.", default=None)
    roles: list[str] = given("Names of the roles, at least one.", max_length=100)
    language: str | None = given("Language of messages: id or en.", default="id", max_length=2)
    password: str = given("First password, to be changed at the first sign-in.", max_length=1000, secret=True)


@result
class CreateUserSuccess:
    """The account may sign in, and has to change its password first."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The account.")


@strawberry.input(description="What changes of an account; what is left out stays, null clears.")
class UpdateUserInput:
    user_id: UUID = given("Whose.")
    expected_version: int | None = given("The version that was read; another one is a Conflict.", default=None, min=1)
    name: str | None = given("Full name.", optional=True, max_length=200)
    email: EmailAddress | None = given("Address; a changed one has to be verified.", optional=True)
    phone: PhoneNumber | None = given("Telephone number.", optional=True)
    language: str | None = given("Language of messages: id or en.", optional=True, max_length=2)


@result
class UpdateUserSuccess:
    """Changed."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The account as it is now.")


@strawberry.input(description="What changes of the own account; what is left out stays, null clears.")
class UpdateMyProfileInput:
    phone: PhoneNumber | None = given("Telephone number.", optional=True)
    language: str | None = given("Language of messages: id or en.", optional=True, max_length=2)


@result
class UpdateMyProfileSuccess:
    """Changed."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The own account as it is now.")


@strawberry.input(description="Whom to delete.")
class DeleteUserInput:
    user_id: UUID = given("Whose account.")


@result
class DeleteUserSuccess:
    """Gone, with all sessions; the address is free again."""

    user_id: UUID = given_out("Whose account it was; restoreUser takes it back.")


@strawberry.input(description="Whom to take back.")
class RestoreUserInput:
    user_id: UUID = given("Whose account was deleted; deletedUsers tells.")


@result
class RestoreUserSuccess:
    """The account is back."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The account.")


@strawberry.input(description="Whom to let in again.")
class ActivateUserInput:
    user_id: UUID = given("Whose account.")


@result
class ActivateUserSuccess:
    """May sign in again, or is invited again."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The account.")


@strawberry.input(description="Whom to keep out.")
class DeactivateUserInput:
    user_id: UUID = given("Whose account.")


@result
class DeactivateUserSuccess:
    """Kept out, and signed out everywhere."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", _USERS] = one("User", "The account.")


# Siblings' types by name: strawberry resolves them when the schema is built.
_WeakPassword: Any = Annotated["WeakPassword", strawberry.lazy("subgraphs.identity.credential.graph")]
_EmailTaken: Any = Annotated["EmailTaken", _USERS]
_LastAdministrator: Any = Annotated["LastAdministrator", strawberry.lazy("subgraphs.identity.role.graph")]


async def _hash_given(context: RequestContext, input: CreateUserInput) -> str:
    return await hash_given_password(
        context.database,
        context.signed_in.tenant_id,
        password=input.password,
        name=input.name,
        email=input.email,
        hasher=context.extras.hasher,
    )


def _change(call: Call) -> Change:
    context = call.context
    return Change(call.actor, context, call.today, context.extras.contacts, context.revocations)


def _given(input: Any, *names: str) -> dict[str, Any]:
    """What was not left out."""
    values = {name: getattr(input, name) for name in names}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}


@strawberry.type
class AccountMutation:
    """Mutations of accounts."""

    @mutation(permission="user:create", errors=(_EmailTaken, _WeakPassword), prepare=_hash_given, kept=False)
    async def create_user(self, call: Call, input: CreateUserInput) -> CreateUserSuccess:
        """Makes an account with a first password; nobody grants what they do not hold."""
        user_id = await create_user(
            call.tx,
            name=input.name,
            email=input.email,
            phone=input.phone,
            roles=input.roles,
            language=input.language or "id",
            password_hash=call.prepared,
            change=_change(call),
        )
        return CreateUserSuccess(user_id=user_id)

    @mutation(permission="user:update", errors=(Conflict, _EmailTaken, OwnAccount))
    async def update_user(self, call: Call, input: UpdateUserInput) -> UpdateUserSuccess:
        """Changes an account; a changed address is verified anew. Nobody changes who may do more than they may."""
        changes = _given(input, "name", "email", "phone", "language")
        user_id = await update_user(
            call.tx,
            user_id=input.user_id,
            changes=changes,
            expected_version=input.expected_version,
            change=_change(call),
        )
        return UpdateUserSuccess(user_id=user_id)

    @mutation()
    async def update_my_profile(self, call: Call, input: UpdateMyProfileInput) -> UpdateMyProfileSuccess:
        """Changes the own phone and language."""
        user_id = await update_my_profile(call.tx, changes=_given(input, "phone", "language"), change=_change(call))
        return UpdateMyProfileSuccess(user_id=user_id)

    @mutation(permission="user:delete", errors=(OwnAccount, _LastAdministrator))
    async def delete_user(self, call: Call, input: DeleteUserInput) -> DeleteUserSuccess:
        """Deletes an account and ends its sessions; the last administrator stays."""
        return DeleteUserSuccess(user_id=await delete_user(call.tx, user_id=input.user_id, change=_change(call)))

    @mutation(permission="user:delete", errors=(_EmailTaken,))
    async def restore_user(self, call: Call, input: RestoreUserInput) -> RestoreUserSuccess:
        """Takes a deletion back, as long as nobody else has the address."""
        return RestoreUserSuccess(user_id=await restore_user(call.tx, user_id=input.user_id, change=_change(call)))

    @mutation(permission="user:activate")
    async def activate_user(self, call: Call, input: ActivateUserInput) -> ActivateUserSuccess:
        """Lets an account in again; who never had a password is invited again."""
        return ActivateUserSuccess(user_id=await activate_user(call.tx, user_id=input.user_id, change=_change(call)))

    @mutation(permission="user:activate", errors=(OwnAccount, _LastAdministrator))
    async def deactivate_user(self, call: Call, input: DeactivateUserInput) -> DeactivateUserSuccess:
        """Keeps an account out and ends its sessions; the last administrator stays."""
        user_id = await deactivate_user(call.tx, user_id=input.user_id, change=_change(call))
        return DeactivateUserSuccess(user_id=user_id)
