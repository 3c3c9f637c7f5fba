"""Passwords and one-time tokens in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Cost

from libs.graph import (
    Call,
    EmailAddress,
    Info,
    RequestContext,
    described_enum,
    error,
    given,
    given_out,
    mutation,
    one,
    result,
)
from libs.graph.inputs import fault
from libs.graph.results import told
from libs.kernel import DomainError, FieldFault, Forbidden
from subgraphs.identity.credential import rules
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.operations.change_password import (
    PasswordChange,
    change_password,
    hash_changed_password,
)
from subgraphs.identity.credential.operations.password_policy import (
    configure_password_policy,
    password_strength,
    read_password_policy,
)
from subgraphs.identity.credential.operations.reset_password import (
    hash_reset_password,
    request_password_reset,
    reset_password,
)
from subgraphs.identity.credential.rules import TOKEN_LIVES, PasswordRule, PolicyKind, TokenPurpose

if TYPE_CHECKING:
    from subgraphs.identity.lockout.graph import AccountLocked
    from subgraphs.identity.second_factor.graph import WrongPassword
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
described_enum(
    rules.PolicyKind,
    "What makes a password good.",
    CHARACTERS="Capital and small letters, a digit and a sign; at least 8 characters.",
    LENGTH="Its length alone, at least 15 characters, as NIST SP 800-63B advises.",
)


@error(rules.InvalidToken)
class InvalidToken:
    """The token is unknown, used, expired, or another school's."""


@error(rules.WeakPassword)
class WeakPassword:
    """The password breaks rules."""

    rules: list[PasswordRule] = given_out("The rules it breaks.")


@strawberry.input(description="An invitation, or a registration, and the password chosen.")
class AcceptInvitationInput:
    token: str = given("The token of the link that was mailed.", max_length=200, secret=True)
    password: str = given("The new password.", max_length=1000, secret=True)


@result
class AcceptInvitationSuccess:
    """The account is active."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


@strawberry.input(description="Who has forgotten the password; X-Tenant-Id names the school.")
class RequestPasswordResetInput:
    email: EmailAddress = given("Address of the account, whatever its case.")


@result
class RequestPasswordResetSuccess:
    """A link is on its way, if there is such an account; whether there is one is not told."""

    expires_in: int = given_out("How long a link is good, seconds.")


@strawberry.input(description="The link's token and the password chosen.")
class ResetPasswordInput:
    token: str = given("The token of the link.", max_length=200, secret=True)
    password: str = given("The new password.", max_length=1000, secret=True)


@result
class ResetPasswordSuccess:
    """The password is set; every device is signed out."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


@strawberry.input(description="The password in use, and the one to come.")
class ChangePasswordInput:
    current_password: str = given("The current password.", max_length=1000, secret=True)
    new_password: str = given("The new password.", max_length=1000, secret=True)

    def faults(self, today: date) -> list[FieldFault]:  # noqa: ARG002 - what every input is asked with
        """Nothing is no guess."""
        return [] if self.current_password.strip() else [fault("input.currentPassword", "REQUIRED")]


@result
class ChangePasswordSuccess:
    """The password is set; other devices are signed out, this one goes on with these tokens alone."""

    access_token: str = given_out("Bearer token of every further request.")
    refresh_token: str = given_out("Gets the next pair of tokens, once.")
    expires_in: int = given_out("Life of the access token, seconds.")


@strawberry.type(description="What a password of the school has to be, for everybody who chooses one.")
class PasswordRules:
    kind: PolicyKind = strawberry.field(description="What makes a password good.")
    min_length: int = strawberry.field(description="Characters it has at least.")
    rules: list[PasswordRule] = strawberry.field(description="The rules that it has to keep.")


@strawberry.type(description="What the school demands of passwords, and of whom a second factor.")
class PasswordPolicy(PasswordRules):
    history: int = strawberry.field(description="Last passwords, the one in use among them, that may not come back.")
    second_factor_roles: list[str] = strawberry.field(description="Roles that need a second factor, by name.")


@strawberry.type(description="How strong a password is.")
class PasswordStrength:
    score: int = strawberry.field(description="From 0, guessed at once, to 4, hardly to be guessed.")
    rules: list[PasswordRule] = strawberry.field(description="The rules of the school that it breaks.")


@strawberry.input(description="What the school demands from now on; passwords that are set stay good.")
class ConfigurePasswordPolicyInput:
    kind: PolicyKind = given("What makes a password good.")
    min_length: int = given("Characters it has at least: 8 to 64 by characters, 15 to 64 by length.")
    history: int = given("Last passwords that may not come back, the one in use among them: 1 to 10.", default=5)
    second_factor_roles: list[str] = given("Names of the roles that need a second factor.", max_length=100)


@result
class ConfigurePasswordPolicySuccess:
    """The policy is in force for new passwords."""

    policy: PasswordPolicy = given_out("What the school demands now.")


# Siblings' types by name: strawberry resolves them when the schema is built.
_WrongPassword: Any = Annotated["WrongPassword", strawberry.lazy("subgraphs.identity.second_factor.graph")]
_AccountLocked: Any = Annotated["AccountLocked", strawberry.lazy("subgraphs.identity.lockout.graph")]


async def _hash_changed(context: RequestContext, input: ChangePasswordInput) -> PasswordChange:
    return await hash_changed_password(
        context.database,
        actor=context.signed_in,
        current=input.current_password,
        new=input.new_password,
        contacts=context.extras.contacts,
        hasher=context.extras.hasher,
    )


async def _hash_first(context: RequestContext, input: AcceptInvitationInput) -> str:
    extras = context.extras
    return await hash_first_password(
        context.database,
        token=input.token,
        password=input.password,
        contacts=extras.contacts,
        hasher=extras.hasher,
    )


async def _hash_reset(context: RequestContext, input: ResetPasswordInput) -> str:
    extras = context.extras
    return await hash_reset_password(
        context.database,
        token=input.token,
        password=input.password,
        contacts=extras.contacts,
        hasher=extras.hasher,
    )


def _named(info: Info) -> UUID:
    """The school that a public question is about, without one the platform. Raises RequestRefused TENANT_SUSPENDED."""
    return info.context.school.tenant_id if info.context.tenant else info.context.named_tenant_id


def _shown(policy: rules.PasswordPolicy) -> PasswordPolicy:
    return PasswordPolicy(
        kind=policy.kind,
        min_length=policy.min_length,
        rules=policy.rules,
        history=policy.history,
        second_factor_roles=list(policy.second_factor_roles),
    )


@strawberry.type
class CredentialQuery:
    """Queries about passwords."""

    @strawberry.field(
        description="What the school demands of passwords, and of whom a second factor.",
        metadata={"permission": "password_policy:read"},
    )
    async def password_policy(self, info: Info) -> PasswordPolicy | None:
        """Needs password_policy:read."""
        actor = info.context.signed_in
        if not actor.may("password_policy:read"):
            raise Forbidden
        return _shown(await read_password_policy(info.context.database, actor.tenant_id))

    @strawberry.field(
        description="What a password has to be in the school that X-Tenant-Id names, for everybody.",
        metadata={"public": True},
    )
    async def password_rules(self, info: Info) -> PasswordRules:
        """Nobody needs to be signed in."""
        policy = await read_password_policy(info.context.database, _named(info))
        return PasswordRules(kind=policy.kind, min_length=policy.min_length, rules=policy.rules)

    @strawberry.federation.field(
        description="How strong a password would be in the school that X-Tenant-Id names; it is kept nowhere.",
        directives=[Cost(weight=25)],
        metadata={"public": True},
    )
    async def password_strength(
        self,
        info: Info,
        password: Annotated[str, strawberry.argument(description="The password.")],
        email: Annotated[str, strawberry.argument(description="The person's address, which it may not repeat.")] = "",
        name: Annotated[str, strawberry.argument(description="The person's name, which it may not repeat.")] = "",
    ) -> PasswordStrength:
        """Nobody needs to be signed in."""
        found = await password_strength(info.context.database, _named(info), password=password, email=email, name=name)
        return PasswordStrength(score=found.score, rules=found.rules)


@strawberry.type
class CredentialMutation:
    """Mutations of passwords and one-time tokens."""

    @mutation(public=True, errors=(InvalidToken, WeakPassword), prepare=_hash_first)
    async def accept_invitation(self, call: Call, input: AcceptInvitationInput) -> AcceptInvitationSuccess:
        """Sets the first password of who was invited, or registered; the token is good once."""
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

    @mutation(public=True)
    async def request_password_reset(self, call: Call, input: RequestPasswordResetInput) -> RequestPasswordResetSuccess:
        """Mails a link to set a new password, if there is an account; the answer is the same where there is none."""
        context = call.context
        await request_password_reset(call.tx, email=input.email, origin=context, contacts=context.extras.contacts)
        return RequestPasswordResetSuccess(expires_in=int(TOKEN_LIVES[TokenPurpose.PASSWORD_RESET].total_seconds()))

    @mutation(public=True, errors=(InvalidToken, WeakPassword), prepare=_hash_reset)
    async def reset_password(self, call: Call, input: ResetPasswordInput) -> ResetPasswordSuccess:
        """Sets a new password by a mailed link, which is good once; ends every session of the account."""
        actor = await reset_password(
            call.tx,
            token=input.token,
            password_hash=call.prepared,
            origin=call.context,
            contacts=call.context.extras.contacts,
            revocations=call.context.revocations,
        )
        call.context.actor = actor  # so that they may read their own account in this answer
        return ResetPasswordSuccess(user_id=actor.user_id)

    @mutation(
        settles=("PASSWORD_CHANGE", "SECOND_FACTOR"),
        errors=(_WrongPassword, WeakPassword, _AccountLocked),
        prepare=_hash_changed,
        kept=False,
    )
    async def change_password(
        self,
        call: Call,
        input: ChangePasswordInput,  # noqa: ARG002 - hashed before
    ) -> ChangePasswordSuccess:
        """Sets another own password and goes on with fresh tokens; other devices are signed out."""
        context, extras = call.context, call.context.extras
        async with call.at_home() as home:
            access = await change_password(
                home.tx,
                actor=call.actor,
                change=call.prepared,
                contacts=extras.contacts,
                tokens=extras.tokens,
                origin=context,
                revocations=context.revocations,
            )
        if isinstance(access, DomainError):  # answered, not raised: that it was tried is committed
            return told(access, context.language)  # type: ignore[no-any-return]
        return ChangePasswordSuccess(
            access_token=access.access_token, refresh_token=access.refresh_token, expires_in=access.expires_in
        )

    @mutation(permission="password_policy:configure", platform=True, kept=False)
    async def configure_password_policy(
        self, call: Call, input: ConfigurePasswordPolicyInput
    ) -> ConfigurePasswordPolicySuccess:
        """Says what the own school demands of passwords, and which roles need a second factor."""
        policy = rules.PasswordPolicy(
            kind=input.kind,
            min_length=input.min_length,
            history=input.history,
            second_factor_roles=tuple(dict.fromkeys(input.second_factor_roles)),
        )
        await configure_password_policy(call.tx, actor=call.actor, policy=policy, origin=call.context)
        return ConfigurePasswordPolicySuccess(policy=_shown(policy))
