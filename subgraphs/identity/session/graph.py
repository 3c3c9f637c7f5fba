"""Sign-in, renewal, sessions, devices and sign-out in the graph."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from libs.graph import Call, EmailAddress, RequestContext, error, given, given_out, mutation, one, result
from libs.graph.results import told
from libs.kernel import DomainError
from subgraphs.identity.session import rules
from subgraphs.identity.session.operations.devices import forget_device
from subgraphs.identity.session.operations.end_sessions import log_out_everywhere, revoke_session
from subgraphs.identity.session.operations.log_out import log_out
from subgraphs.identity.session.operations.refresh import refresh
from subgraphs.identity.session.operations.sign_in import Guess, check_guess, sign_in

if TYPE_CHECKING:
    from subgraphs.identity.credential.graph import InvalidToken
    from subgraphs.identity.lockout.graph import AccountLocked
    from subgraphs.identity.second_factor.graph import InvalidCode, SecondFactorRequired
    from subgraphs.identity.user.graph import User


@error(rules.InvalidCredentials)
class InvalidCredentials:
    """The address or the password is wrong; which one is not told."""


@error(rules.TenantSuspended)
class TenantSuspended:
    """The school is suspended."""


@strawberry.type(description="One device signed in, until it signs out or is not used for a week.")
class Session:
    id: UUID = strawberry.field(description="Identity; the `sid` of its access tokens.")
    device: str | None = strawberry.field(description="What the person calls the device.")
    address: str | None = strawberry.field(description="Network address that it was opened from.")
    user_agent: str | None = strawberry.field(description="What the client calls itself.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    last_used_at: datetime = strawberry.field(description="When it was opened or renewed last.")
    expires_at: datetime = strawberry.field(description="When it ends unless it is renewed.")
    current: bool = strawberry.field(description="Whether it is the one that asks.")


@strawberry.type(description="What somebody signed in with before: strangers do not lock it out.")
class Device:
    id: UUID = strawberry.field(description="Identity.")
    name: str | None = strawberry.field(description="What the person calls it.")
    last_used_at: datetime = strawberry.field(description="When it signed in or renewed a session last.")


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
    device_token: str | None = given(
        "The token that the last sign-in of this device gave; any other one counts as none.",
        default=None,
        max_length=200,
    )


@result
class LoginSuccess:
    """Signed in."""

    user_id: strawberry.Private[UUID]
    access_token: str = given_out("Bearer token of every further request.")
    refresh_token: str = given_out("Gets the next pair of tokens, once.")
    expires_in: int = given_out("Life of the access token, seconds.")
    device_token: str = given_out("To be kept, and given at the next sign-in: the device is known by it.")
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


@strawberry.input(description="A session to end.")
class RevokeSessionInput:
    session_id: UUID = given("Which.")


@result
class RevokeSessionSuccess:
    """The session has ended; its tokens are void everywhere within seconds."""

    session_id: UUID = given_out("The session that ended.")


@strawberry.input(description="Which of the own sessions to end.")
class LogoutEverywhereInput:
    except_this: bool = given("Whether the session that asks goes on.", default=False)


@result
class LogoutEverywhereSuccess:
    """The sessions have ended; their tokens are void everywhere within seconds."""

    ended: int = given_out("How many.")


@strawberry.input(description="A device to forget.")
class ForgetDeviceInput:
    device_id: UUID = given("Which of one's own.")


@result
class ForgetDeviceSuccess:
    """The device is a stranger again, and its sessions have ended."""

    device_id: UUID = given_out("The device that was forgotten.")


# A sibling's type by name: strawberry resolves it when the schema is built.
_InvalidToken: Any = Annotated["InvalidToken", strawberry.lazy("subgraphs.identity.credential.graph")]
_AccountLocked: Any = Annotated["AccountLocked", strawberry.lazy("subgraphs.identity.lockout.graph")]
_SECOND_FACTORS = strawberry.lazy("subgraphs.identity.second_factor.graph")
_InvalidCode: Any = Annotated["InvalidCode", _SECOND_FACTORS]
_SecondFactorRequired: Any = Annotated["SecondFactorRequired", _SECOND_FACTORS]


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
        device_token=input.device_token,
    )


@strawberry.type
class SessionMutation:
    """Mutations of sessions."""

    @mutation(
        public=True,
        errors=(InvalidCredentials, _AccountLocked, TenantSuspended, _SecondFactorRequired, _InvalidCode),
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
            device_token=input.device_token,
        )
        if isinstance(access, DomainError):  # answered, not raised: that it was tried is committed
            return told(access, call.context.language)  # type: ignore[no-any-return]
        call.context.actor = access.actor  # whom `user` in this answer is read by
        return LoginSuccess(
            user_id=access.actor.user_id,
            access_token=access.access_token,
            refresh_token=access.refresh_token,
            expires_in=access.expires_in,
            device_token=access.device_token,
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
        async with call.at_home() as home:
            await log_out(home.tx, actor=call.actor, origin=call.context, revocations=call.context.revocations)
        return LogoutSuccess(session_id=call.actor.session_id)

    @mutation()
    async def logout_everywhere(self, call: Call, input: LogoutEverywhereInput) -> LogoutEverywhereSuccess:
        """Ends all own sessions, this one too unless it is excepted."""
        async with call.at_home() as home:
            ended = await log_out_everywhere(
                home.tx,
                actor=call.actor,
                except_this=input.except_this,
                origin=call.context,
                revocations=call.context.revocations,
            )
        return LogoutEverywhereSuccess(ended=ended)

    @mutation()
    async def revoke_session(self, call: Call, input: RevokeSessionInput) -> RevokeSessionSuccess:
        """Ends a session: an own one, or with session:revoke one of somebody who may do no more than the actor."""
        await revoke_session(
            call.tx,
            session_id=input.session_id,
            actor=call.actor,
            today=call.today,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return RevokeSessionSuccess(session_id=input.session_id)

    @mutation()
    async def forget_device(self, call: Call, input: ForgetDeviceInput) -> ForgetDeviceSuccess:
        """Makes a stranger of an own device, and ends its sessions."""
        async with call.at_home() as home:
            await forget_device(
                home.tx,
                device_id=input.device_id,
                actor=call.actor,
                origin=call.context,
                revocations=call.context.revocations,
            )
        return ForgetDeviceSuccess(device_id=input.device_id)
