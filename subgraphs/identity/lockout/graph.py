"""Locked accounts in the graph."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import Call, error, given, given_out, mutation, one, result
from subgraphs.identity.lockout import rules
from subgraphs.identity.lockout.operations.unlock import unlock_user

if TYPE_CHECKING:
    from subgraphs.identity.user.graph import User


@error(rules.AccountLocked)
class AccountLocked:
    """Too many failures: of this account from here, of it from anywhere, or of many accounts from here."""

    retry_after: int = given_out("Seconds until the next attempt is heard; 0 where waiting does not help.")
    by_mail: bool = given_out("Whether only the link that was mailed to the account's address opens it.")


@strawberry.input(description="An account to unlock.")
class UnlockUserInput:
    user_id: UUID = given("Whose.")


@result
class UnlockUserSuccess:
    """The account may be tried again, from anywhere."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


@strawberry.type
class LockoutMutation:
    """Mutations of locked accounts."""

    @mutation(permission="user:unlock")
    async def unlock_user(self, call: Call, input: UnlockUserInput) -> UnlockUserSuccess:
        """Forgets the failed sign-ins of an account, wherever they came from."""
        await unlock_user(call.tx, user_id=input.user_id, actor=call.actor, today=call.today, origin=call.context)
        return UnlockUserSuccess(user_id=input.user_id)
