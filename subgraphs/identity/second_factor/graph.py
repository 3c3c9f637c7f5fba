"""Second factors in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from libs.graph import Call, RequestContext, error, given, given_out, mutation, one, result
from libs.graph.inputs import fault
from libs.graph.results import told
from libs.kernel import DomainError, FieldFault
from subgraphs.identity.second_factor import rules
from subgraphs.identity.second_factor.operations.reset import reset_second_factor
from subgraphs.identity.second_factor.operations.set_up import confirm_totp, start_totp
from subgraphs.identity.second_factor.operations.switch_off import disable_totp, regenerate_recovery_codes, try_proof
from subgraphs.identity.second_factor.queries import Proof

if TYPE_CHECKING:
    from subgraphs.identity.account.graph import OwnAccount
    from subgraphs.identity.lockout.graph import AccountLocked
    from subgraphs.identity.user.graph import User


@error(rules.SecondFactorRequired)
class SecondFactorRequired:
    """The password was right; the code of the second factor is missing."""


@error(rules.InvalidCode)
class InvalidCode:
    """The code is wrong, or was used before."""


@error(rules.SecondFactorActive)
class SecondFactorActive:
    """There is a second factor already."""


@error(rules.NoSecondFactor)
class NoSecondFactor:
    """The account has no second factor in force."""


@error(rules.WrongPassword)
class WrongPassword:
    """The current password is another one; that it was tried counts like a failed sign-in."""


@strawberry.input(description="The password: a token alone sets no second factor up.")
class StartTotpInput:
    password: str = given("The current password.", max_length=1000, secret=True)

    def faults(self, today: date) -> list[FieldFault]:  # noqa: ARG002 - what every input is asked with
        """Nothing is no guess."""
        return [] if self.password.strip() else [fault("input.password", "REQUIRED")]


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


@strawberry.input
class _ProofInput:
    password: str | None = given("The current password; or else a code.", default=None, max_length=1000, secret=True)
    code: str | None = given("A code of the authenticator, or a recovery code.", default=None, max_length=40)

    def faults(self, today: date) -> list[FieldFault]:  # noqa: ARG002 - what every input is asked with
        """One of the two is given."""
        return rules.proof_faults(password=self.password, code=self.code)


@strawberry.input(description="The password or a code, one of them.")
class DisableTotpInput(_ProofInput):
    pass


@strawberry.input(description="The password or a code, one of them.")
class RegenerateRecoveryCodesInput(_ProofInput):
    pass


@result
class DisableTotpSuccess:
    """Signing in takes the password alone again."""

    required: bool = given_out("Whether a role needs a second factor: then the tokens are renewed, and one is set up.")


@result
class RegenerateRecoveryCodesSuccess:
    """Earlier recovery codes are void."""

    recovery_codes: list[str] = given_out("Ten codes that stand in for the authenticator, once each; shown only here.")


@strawberry.input(description="Whose second factor to switch off.")
class ResetSecondFactorInput:
    user_id: UUID = given("Whose; not one's own.")


@result
class ResetSecondFactorSuccess:
    """Signing in takes the password alone; where a role needs a second factor, a new one is set up first."""

    user_id: strawberry.Private[UUID]
    user: Annotated["User", strawberry.lazy("subgraphs.identity.user.graph")] = one("User", "The account.")


# Siblings' types by name: strawberry resolves them when the schema is built.
_AccountLocked: Any = Annotated["AccountLocked", strawberry.lazy("subgraphs.identity.lockout.graph")]
_OwnAccount: Any = Annotated["OwnAccount", strawberry.lazy("subgraphs.identity.account.graph")]


async def _try_password(context: RequestContext, input: StartTotpInput) -> Proof:
    return await try_proof(
        context.database,
        actor=context.signed_in,
        password=input.password,
        code=None,
        hasher=context.extras.hasher,
    )


async def _try_proof(context: RequestContext, input: _ProofInput) -> Proof:
    return await try_proof(
        context.database,
        actor=context.signed_in,
        password=input.password,
        code=input.code,
        hasher=context.extras.hasher,
    )


@strawberry.type
class SecondFactorMutation:
    """Mutations of second factors: the own one, and those of people who lost theirs."""

    @mutation(
        settles=("SECOND_FACTOR",),
        errors=(SecondFactorActive, WrongPassword, _AccountLocked),
        prepare=_try_password,
        kept=False,
    )
    async def start_totp(self, call: Call, input: StartTotpInput) -> StartTotpSuccess:  # noqa: ARG002 - tried before
        """Gives a secret for the own authenticator; what was started before and not confirmed is void."""
        context = call.context
        async with call.at_home() as home:
            made = await start_totp(
                home.tx, actor=call.actor, proof=call.prepared, contacts=context.extras.contacts, origin=context
            )
        if isinstance(made, DomainError):  # answered, not raised: that it was tried is committed
            return told(made, context.language)  # type: ignore[no-any-return]
        return StartTotpSuccess(secret=made.secret, uri=made.uri, qr_code=made.qr_code)

    @mutation(settles=("SECOND_FACTOR",), errors=(InvalidCode, SecondFactorActive, _AccountLocked), kept=False)
    async def confirm_totp(self, call: Call, input: ConfirmTotpInput) -> ConfirmTotpSuccess:
        """Puts the second factor in force: from now on signing in takes a code too."""
        context = call.context
        async with call.at_home() as home:
            codes = await confirm_totp(
                home.tx, actor=call.actor, code=input.code, contacts=context.extras.contacts, origin=context
            )
        if isinstance(codes, DomainError):  # answered, not raised: that it was tried is committed
            return told(codes, context.language)  # type: ignore[no-any-return]
        return ConfirmTotpSuccess(recovery_codes=codes)

    @mutation(errors=(WrongPassword, InvalidCode, _AccountLocked), prepare=_try_proof, kept=False)
    async def disable_totp(self, call: Call, input: DisableTotpInput) -> DisableTotpSuccess:  # noqa: ARG002 - tried before
        """Switches the own second factor off."""
        context = call.context
        async with call.at_home() as home:
            answer = await disable_totp(
                home.tx,
                actor=call.actor,
                proof=call.prepared,
                contacts=context.extras.contacts,
                origin=context,
                revocations=context.revocations,
            )
        if isinstance(answer, DomainError):  # answered, not raised: that it was tried is committed
            return told(answer, context.language)  # type: ignore[no-any-return]
        return DisableTotpSuccess(required=answer)

    @mutation(errors=(WrongPassword, InvalidCode, _AccountLocked), prepare=_try_proof, kept=False)
    async def regenerate_recovery_codes(
        self,
        call: Call,
        input: RegenerateRecoveryCodesInput,  # noqa: ARG002 - tried before
    ) -> RegenerateRecoveryCodesSuccess:
        """Gives new recovery codes in the place of the earlier ones."""
        context = call.context
        async with call.at_home() as home:
            answer = await regenerate_recovery_codes(
                home.tx, actor=call.actor, proof=call.prepared, contacts=context.extras.contacts, origin=context
            )
        if isinstance(answer, DomainError):  # answered, not raised: that it was tried is committed
            return told(answer, context.language)  # type: ignore[no-any-return]
        return RegenerateRecoveryCodesSuccess(recovery_codes=answer)

    @mutation(permission="second_factor:reset", errors=(NoSecondFactor, _OwnAccount))
    async def reset_second_factor(self, call: Call, input: ResetSecondFactorInput) -> ResetSecondFactorSuccess:
        """Switches off the second factor of somebody who lost it, and signs them out everywhere; they are told."""
        context = call.context
        await reset_second_factor(
            call.tx,
            user_id=input.user_id,
            actor=call.actor,
            today=call.today,
            contacts=context.extras.contacts,
            origin=context,
            revocations=context.revocations,
        )
        return ResetSecondFactorSuccess(user_id=input.user_id)
