"""Sign-in, renewal and sign-out in the graph."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from libs.auth import system_binding
from libs.graph import Call, EmailAddress, RequestContext, error, given, given_out, mutation, one, result
from libs.graph.results import told
from libs.kernel import DomainError
from subgraphs.identity.session import rules
from subgraphs.identity.session.operations.log_out import log_out
from subgraphs.identity.session.operations.refresh import refresh
from subgraphs.identity.session.operations.sign_in import Guess, check_guess, sign_in

if TYPE_CHECKING:
    from subgraphs.identity.credential.graph import InvalidCode, InvalidToken, SecondFactorRequired
    from subgraphs.identity.user.graph import User


@error(rules.InvalidCredentials)
class InvalidCredentials:
    """The address or the password is wrong; which one is not told."""


@error(rules.AccountLocked)
class AccountLocked:
    """Too many failures from this address."""

    retry_after: int = given_out("Seconds until the next attempt is heard.")


@error(rules.TenantSuspended)
class TenantSuspended:
    """The school is suspended."""


@strawberry.input(description="Who signs in; X-Tenant-Id names the school, without it the platform.")
class LoginInput:
    email: EmailAddress = given("E-mail address, whatever its case.")
    password: str = given("Password.", max_length=1000, secret=True)
    otp: str | None = given(
        "Code of the second factor, where one is set up: of the authenticator, or a recovery code.",
        default=None,
        max_length=40,
    )
    device: str | None = given("What the person calls this device.", default=None, max_length=100)


@result
class LoginSuccess:
    """Signed in."""

    user_id: strawberry.Private[UUID]
    access_token: str = given_out("Bearer token of every further request.")
    refresh_token: str = given_out("Gets the next pair of tokens, once.")
    expires_in: int = given_out("Life of the access token, seconds.")
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "Who signed in.")


@strawberry.input(description="The token of the last answer.")
class RefreshTokenInput:
    refresh_token: str = given("The refresh token that was not used yet.", max_length=200, secret=True)


@result
class RefreshTokenSuccess:
    """The session goes on."""

    access_token: str = given_out("Bearer token of every further request.")
    refresh_token: str = given_out("Gets the next pair of tokens, once.")
    expires_in: int = given_out("Life of the access token, seconds.")


@result
class LogoutSuccess:
    """The session has ended."""

    session_id: UUID = given_out("The session that ended.")


# A sibling's type by name: strawberry resolves it when the schema is built.
_InvalidToken: Any = Annotated["InvalidToken", strawberry.lazy("subgraphs.identity.credential.graph")]
_InvalidCode: Any = Annotated["InvalidCode", strawberry.lazy("subgraphs.identity.credential.graph")]
_SecondFactorRequired: Any = Annotated["SecondFactorRequired", strawberry.lazy("subgraphs.identity.credential.graph")]


async def _check_guess(context: RequestContext, input: LoginInput) -> Guess:
    extras = context.extras
    return await check_guess(
        context.database,
        context.named_tenant_id,
        email=input.email,
        password=input.password,
        origin=context,
        contacts=extras.contacts,
        hasher=extras.hasher,
    )


@strawberry.type
class SessionMutation:
    """Mutations of sessions."""

    @mutation(
        public=True,
        errors=(InvalidCredentials, AccountLocked, TenantSuspended, _SecondFactorRequired, _InvalidCode),
        prepare=_check_guess,
    )
    async def login(self, call: Call, input: LoginInput) -> LoginSuccess:
        """Opens a session with e-mail and password, and the code of the second factor where one is set up."""
        extras = call.context.extras
        access = await sign_in(
            call.tx,
            email=input.email,
            guess=call.prepared,
            otp=input.otp,
            device=input.device,
            origin=call.context,
            contacts=extras.contacts,
            tokens=extras.tokens,
        )
        if isinstance(access, DomainError):  # answered, not raised: that it was tried is committed
            return told(access, call.context.language)  # type: ignore[no-any-return]
        call.context.actor = access.actor  # whom `user` in this answer is read by
        return LoginSuccess(
            user_id=access.actor.user_id,
            access_token=access.access_token,
            refresh_token=access.refresh_token,
            expires_in=access.expires_in,
        )

    @mutation(public=True, errors=(_InvalidToken,))
    async def refresh_token(self, call: Call, input: RefreshTokenInput) -> RefreshTokenSuccess:
        """Goes on with a session; each token is good once, and one that comes again ends the session."""
        extras = call.context.extras
        access = await refresh(
            call.tx,
            token=input.refresh_token,
            origin=call.context,
            contacts=extras.contacts,
            tokens=extras.tokens,
            revocations=call.context.revocations,
        )
        if isinstance(access, DomainError):  # answered, not raised: the end of the session is committed
            return told(access, call.context.language)  # type: ignore[no-any-return]
        return RefreshTokenSuccess(
            access_token=access.access_token, refresh_token=access.refresh_token, expires_in=access.expires_in
        )

    @mutation(settles=("PASSWORD_CHANGE", "SECOND_FACTOR"))
    async def logout(self, call: Call) -> LogoutSuccess:
        """Ends the own session; its tokens are void everywhere within seconds."""
        actor, context = call.actor, call.context
        if call.tx.tenant_id == actor.home_tenant_id:
            await log_out(call.tx, actor=actor, origin=context, revocations=context.revocations)
        else:  # a platform administrator acting on a school: the session is at home
            async with context.database.write(system_binding(actor.home_tenant_id)) as tx:
                await log_out(tx, actor=actor, origin=context, revocations=context.revocations)
        return LogoutSuccess(session_id=actor.session_id)
