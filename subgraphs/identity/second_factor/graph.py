"""Second factors in the graph."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from libs.auth import system_binding
from libs.graph import Call, RequestContext, error, given, given_out, mutation, result
from libs.graph.results import told
from libs.kernel import DomainError, FieldFault
from subgraphs.identity.second_factor import rules
from subgraphs.identity.second_factor.operations.set_up import confirm_totp, start_totp
from subgraphs.identity.second_factor.operations.switch_off import disable_totp, regenerate_recovery_codes, try_proof
from subgraphs.identity.second_factor.queries import Proof

if TYPE_CHECKING:
    from subgraphs.identity.lockout.graph import AccountLocked


@error(rules.SecondFactorRequired)
class SecondFactorRequired:
    """The password was right; the code of the second factor is missing."""


@error(rules.InvalidCode)
class InvalidCode:
    """The code is wrong, or was used before."""


@error(rules.SecondFactorActive)
class SecondFactorActive:
    """There is a second factor already."""


@error(rules.WrongPassword)
class WrongPassword:
    """The current password is another one; that it was tried counts like a failed sign-in."""


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


# A sibling's type by name: strawberry resolves it when the schema is built.
_AccountLocked: Any = Annotated["AccountLocked", strawberry.lazy("subgraphs.identity.lockout.graph")]


async def _try_proof(context: RequestContext, input: _ProofInput) -> Proof:
    return await try_proof(
        context.database,
        actor=context.signed_in,
        password=input.password,
        code=input.code,
        hasher=context.extras.hasher,
    )


@asynccontextmanager
async def _at_home(call: Call) -> AsyncIterator[Call]:
    """The call in the actor's own tenant: a platform administrator acting on a school is at home elsewhere."""
    if call.tx.tenant_id == call.actor.home_tenant_id:
        yield call
    else:
        async with call.context.database.write(system_binding(call.actor.home_tenant_id)) as tx:
            yield Call(tx, call.context, call.prepared)


@strawberry.type
class SecondFactorMutation:
    """Mutations of the own second factor."""

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

    @mutation(errors=(WrongPassword, InvalidCode, _AccountLocked), prepare=_try_proof, kept=False)
    async def disable_totp(self, call: Call, input: DisableTotpInput) -> DisableTotpSuccess:  # noqa: ARG002 - tried before
        """Switches the own second factor off."""
        context = call.context
        async with _at_home(call) as home:
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
        async with _at_home(call) as home:
            answer = await regenerate_recovery_codes(
                home.tx, actor=call.actor, proof=call.prepared, contacts=context.extras.contacts, origin=context
            )
        if isinstance(answer, DomainError):  # answered, not raised: that it was tried is committed
            return told(answer, context.language)  # type: ignore[no-any-return]
        return RegenerateRecoveryCodesSuccess(recovery_codes=answer)
