"""Registration and the verification of addresses in the graph."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from libs.graph import Call, EmailAddress, PhoneNumber, error, given, given_out, mutation, result
from subgraphs.identity.registration import rules
from subgraphs.identity.registration.operations.register_user import register_user
from subgraphs.identity.registration.operations.resend_verification import resend_verification
from subgraphs.identity.registration.operations.verify_email import verify_email

if TYPE_CHECKING:
    from subgraphs.identity.credential.graph import InvalidToken

# A sibling's type by name: strawberry resolves it when the schema is built.
_InvalidToken: Any = Annotated["InvalidToken", strawberry.lazy("subgraphs.identity.credential.graph")]


@error(rules.RegistrationClosed)
class RegistrationClosed:
    """The school lets nobody register."""


@strawberry.input(description="Who registers; X-Tenant-Id names the school.")
class RegisterUserInput:
    name: str = given("Full name.", max_length=200)
    email: EmailAddress = given("Where the link goes with which its reader chooses the password.")
    phone: PhoneNumber | None = given("Telephone number.", default=None)
    language: str | None = given("Language of messages: id or en.", default="id", max_length=2)


@result
class RegisterUserSuccess:
    """A mail is on its way: with a link, or saying that the address has an account."""

    email: EmailAddress = given_out("Where it goes.")


@strawberry.input(description="What came by mail.")
class VerifyEmailInput:
    token: str = given("The token of the link.", max_length=200, secret=True)


@result
class VerifyEmailSuccess:
    """The address is the person's."""

    email_verified: bool = given_out("True.")


@strawberry.input(description="Whose link got lost; X-Tenant-Id names the school.")
class ResendVerificationInput:
    email: EmailAddress = given("The address to verify.")


@result
class ResendVerificationSuccess:
    """If the address waits for its reader, a new link is on its way; an account gets three in an hour at most."""

    email: EmailAddress = given_out("Where it goes.")


@strawberry.type
class RegistrationMutation:
    """Mutations of people who have no account yet, or have not verified it."""

    @mutation(public=True, errors=(RegistrationClosed,))
    async def register_user(self, call: Call, input: RegisterUserInput) -> RegisterUserSuccess:
        """Registers somebody where the school allows it; acceptInvitation with the mailed token completes it.

        The answer never tells whether the address has an account.
        """
        await register_user(
            call.tx,
            name=input.name,
            email=input.email,
            phone=input.phone,
            language=input.language or "id",
            origin=call.context,
            contacts=call.context.extras.contacts,
        )
        return RegisterUserSuccess(email=input.email)

    @mutation(public=True, errors=(_InvalidToken,))
    async def verify_email(self, call: Call, input: VerifyEmailInput) -> VerifyEmailSuccess:
        """Verifies the address of an account. The token is good once, for 24 hours."""
        await verify_email(
            call.tx,
            token=input.token,
            origin=call.context,
            contacts=call.context.extras.contacts,
        )
        return VerifyEmailSuccess(email_verified=True)

    @mutation(public=True)
    async def resend_verification(self, call: Call, input: ResendVerificationInput) -> ResendVerificationSuccess:
        """Mails another link; the answer never tells whether the address has an account."""
        await resend_verification(call.tx, email=input.email, contacts=call.context.extras.contacts)
        return ResendVerificationSuccess(email=input.email)
