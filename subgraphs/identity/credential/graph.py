"""Passwords, second factors and one-time tokens in the graph."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.auth import system_binding
from libs.graph import Call, RequestContext, described_enum, error, given, given_out, mutation, one, result
from subgraphs.identity.credential import rules
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.operations.second_factor import confirm_totp, start_totp
from subgraphs.identity.credential.rules import PasswordRule

if TYPE_CHECKING:
    from subgraphs.identity.user.graph import User

described_enum(
    rules.PasswordRule,
    "What a password can break.",
    LENGTH="It has fewer characters than the school demands.",
    TOO_LONG="It has more than 256 characters.",
    UPPER="It has no capital letter.",
    LOWER="It has no small letter.",
    DIGIT="It has no digit.",
    SPECIAL="It has no character that is neither letter nor digit.",
    COMMON="It is among the first that anybody tries.",
    SIMILAR="It repeats the person's name or address.",
    REUSED="The person had it before.",
)


@error(rules.InvalidToken)
class InvalidToken:
    """The token is unknown, used, expired, or another school's."""


@error(rules.WeakPassword)
class WeakPassword:
    """The password breaks rules."""

    rules: list[PasswordRule] = given_out("The rules it breaks.")


@error(rules.SecondFactorRequired)
class SecondFactorRequired:
    """The password was right; the code of the second factor is missing."""


@error(rules.InvalidCode)
class InvalidCode:
    """The code is wrong, or was used before."""


@error(rules.SecondFactorActive)
class SecondFactorActive:
    """There is a second factor already."""


@strawberry.input(description="An invitation and the password chosen.")
class AcceptInvitationInput:
    token: str = given("The token of the invitation's link.", max_length=200, secret=True)
    password: str = given("The new password.", max_length=1000, secret=True)


@result
class AcceptInvitationSuccess:
    """The account is active."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


@result
class StartTotpSuccess:
    """What an authenticator needs; nothing is in force before its first code is confirmed."""

    secret: str = given_out("The secret, base32, to be typed in.")
    uri: str = given_out("The same as an otpauth URI.")
    qr_code: str = given_out("The same to be scanned: a picture (SVG) as a data URI.")


@strawberry.input(description="The first code.")
class ConfirmTotpInput:
    code: str = given("What the authenticator shows: six digits.", max_length=20)


@result
class ConfirmTotpSuccess:
    """The second factor is in force. Whoever had to set one up renews the tokens, and may go on."""

    recovery_codes: list[str] = given_out("Ten codes that stand in for the authenticator, once each; shown only here.")


@asynccontextmanager
async def _at_home(call: Call) -> AsyncIterator[Call]:
    """The call in the actor's own tenant: a platform administrator acting on a school is at home elsewhere."""
    if call.tx.tenant_id == call.actor.home_tenant_id:
        yield call
    else:
        async with call.context.database.write(system_binding(call.actor.home_tenant_id)) as tx:
            yield Call(tx, call.context, call.prepared)


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

    @mutation(settles=("SECOND_FACTOR",), errors=(SecondFactorActive,), kept=False)
    async def start_totp(self, call: Call) -> StartTotpSuccess:
        """Gives a secret for the own authenticator; what was started before and not confirmed is void."""
        context = call.context
        async with _at_home(call) as home:
            made = await start_totp(home.tx, actor=call.actor, contacts=context.extras.contacts, origin=context)
        return StartTotpSuccess(secret=made.secret, uri=made.uri, qr_code=made.qr_code)

    @mutation(settles=("SECOND_FACTOR",), errors=(InvalidCode, SecondFactorActive), kept=False)
    async def confirm_totp(self, call: Call, input: ConfirmTotpInput) -> ConfirmTotpSuccess:
        """Puts the second factor in force: from now on signing in takes a code too."""
        context = call.context
        async with _at_home(call) as home:
            codes = await confirm_totp(
                home.tx, actor=call.actor, code=input.code, contacts=context.extras.contacts, origin=context
            )
        return ConfirmTotpSuccess(recovery_codes=codes)
