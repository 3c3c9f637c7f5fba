"""Passwords and one-time tokens in the graph."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import Call, RequestContext, described_enum, error, given, given_out, mutation, one, result
from subgraphs.identity.credential import rules
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.rules import PasswordRule

if TYPE_CHECKING:
    from subgraphs.identity.user.graph import User

described_enum(
    rules.PasswordRule,
    "What a password can break.",
    LENGTH="It has fewer than 8 characters.",
    TOO_LONG="It has more than 256 characters.",
    UPPER="It has no capital letter.",
    LOWER="It has no small letter.",
    DIGIT="It has no digit.",
    SPECIAL="It has no character that is neither letter nor digit.",
    COMMON="It is among the first that anybody tries.",
    SIMILAR="It repeats the person's name or address.",
)


@error(rules.InvalidToken)
class InvalidToken:
    """The token is unknown, used, expired, or another school's."""


@error(rules.WeakPassword)
class WeakPassword:
    """The password breaks rules."""

    rules: list[PasswordRule] = given_out("The rules it breaks.")


@strawberry.input(description="An invitation and the password chosen.")
class AcceptInvitationInput:
    token: str = given("The token of the invitation's link.", max_length=200, secret=True)
    password: str = given("The new password.", max_length=1000, secret=True)


@result
class AcceptInvitationSuccess:
    """The account is active."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


async def _hash_first(context: RequestContext, input: AcceptInvitationInput) -> str:
    extras = context.extras
    return await hash_first_password(
        context.database,
        token=input.token,
        password=input.password,
        contacts=extras.contacts,
        hasher=extras.hasher,
    )


@strawberry.type
class CredentialMutation:
    """Mutations of passwords and one-time tokens."""

    @mutation(public=True, errors=(InvalidToken, WeakPassword), prepare=_hash_first)
    async def accept_invitation(self, call: Call, input: AcceptInvitationInput) -> AcceptInvitationSuccess:
        """Sets the password of an invited account; the token is good once."""
        actor = await accept_invitation(
            call.tx,
            token=input.token,
            password_hash=call.prepared,
            origin=call.context,
            contacts=call.context.extras.contacts,
            revocations=call.context.revocations,
        )
        call.context.actor = actor  # so that they may read their own account in this answer
        return AcceptInvitationSuccess(user_id=actor.user_id)
