"""Applications in the graph."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import strawberry

from libs.auth import system_binding
from libs.graph import (
    Call,
    Connection,
    EmailAddress,
    Info,
    PhoneNumber,
    RequestRefused,
    column,
    compared,
    described_enum,
    entity,
    error,
    find_one,
    given,
    given_out,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
)
from libs.kernel import FieldFault
from subgraphs.admission.application import model, operations, rules
from subgraphs.admission.application.queries import find_standing, submitted_applications
from subgraphs.admission.model import Tenant

if TYPE_CHECKING:
    from subgraphs.admission.period.graph import AdmissionPeriod

described_enum(rules.Gender, "Sex as registered.", MALE="Boy or man.", FEMALE="Girl or woman.")
described_enum(
    rules.ApplicationStatus,
    "Where an application stands.",
    SUBMITTED="It waits to be verified.",
    VERIFIED="The school has seen that it is complete and true.",
    ACCEPTED="There is a place.",
    WAITLISTED="There is a place if somebody accepted does not come.",
    REJECTED="There is no place.",
    REGISTERED="The applicant is a pupil of the school.",
    WITHDRAWN="The family took it back.",
)

_CONDITIONS = {"period_id": compared("Its period.", UUID, lambda t: t.c.period_id)}


@entity(model.Application.__table__, resource="application", keyed=False, conditions=_CONDITIONS)
class Application:
    """Somebody applies to the school."""

    id: UUID = column("Identity of the application.", filter=True)
    number: str = column("Number, like 20306577-2027A-0001.", filter=True, order=True)
    full_name: str = column(
        "Full name of the applicant.",
        order=True,
        search=(model.ApplicationName.__table__, "application_id", rules.name_words),
    )
    gender: rules.Gender = column("Sex as registered.", filter=True, group=True)
    birth_place: str = column("Place of birth.")
    birth_date: date = column("Date of birth.", filter=True)
    nisn: str | None = column("National number, 10 digits.", filter=True)
    previous_school: str | None = column("School before this one.")
    parent_name: str = column("Name of the parent or guardian who is written to.")
    status: rules.ApplicationStatus = column("Where it stands.", filter=True, group=True)
    payment_status: str = column("FREE, UNPAID or PAID.", filter=True, group=True)
    created_at: datetime = column("When it was submitted.", filter=True, order=True)
    verified_at: datetime | None = column("When it was verified.")
    period: Annotated["AdmissionPeriod", strawberry.lazy("subgraphs.admission.period.graph")] | None = one(
        "AdmissionPeriod", "Its period."
    )


@entity(Tenant.__table__, resource="school_overview")
class SchoolOverview:
    """A school's figures at this moment, which academic owns."""

    id: UUID = column("Identity of the school.")
    open_applications: int | None = column(
        "Applications that wait to be verified.", of=lambda t: submitted_applications(t.c.tenant_id)
    )


@strawberry.type(description="An application as the family sees it.")
class ApplicationStatusView:
    number: str = strawberry.field(description="Number of the application.")
    status: rules.ApplicationStatus = strawberry.field(description="Where it stands.")
    next_step: str = strawberry.field(description="What is to be done now, in the reader's language.")


@error(rules.PeriodNotOpen)
class PeriodNotOpen:
    """Nobody can apply in this period today."""

    start_date: date = given_out("First day of the period.")
    end_date: date = given_out("Last day of the period.")


@error(rules.PeriodFull)
class PeriodFull:
    """The period has as many applications as it takes."""

    max_applicants: int = given_out("Applications that are taken at most.")


@error(rules.AlreadyApplied)
class AlreadyApplied:
    """The applicant has applied in this period before."""


@error(rules.ApplicationNotSubmitted)
class ApplicationNotSubmitted:
    """Only an application that waits for it can be verified."""

    status: rules.ApplicationStatus = given_out("Where the application stands.")


@strawberry.input(description="Who applies, and who is written to.")
class SubmitApplicationInput:
    period_id: UUID = given("The period.")
    full_name: str = given("Full name of the applicant.", max_length=120)
    gender: rules.Gender = given("Sex as registered.")
    birth_place: str = given("Place of birth.", max_length=80)
    birth_date: date = given("Date of birth.")
    nisn: str | None = given("National number, 10 digits.", default=None)
    nik: str | None = given("Number of the identity card or family card, 16 digits.", default=None)
    previous_school: str | None = given("School before this one.", default=None, max_length=120)
    parent_name: str = given("Name of the parent or guardian.", max_length=120)
    parent_email: EmailAddress | None = given("E-mail address of the parent.", default=None)
    parent_phone: PhoneNumber = given("Telephone number of the parent; 08… is accepted.")

    def faults(self, today: date) -> list[FieldFault]:
        """What libs.graph cannot know of these values."""
        return rules.form_faults(nik=self.nik, nisn=self.nisn, birth_date=self.birth_date, today=today)


@strawberry.input(description="Which application to verify.")
class VerifyApplicationInput:
    application_id: UUID = given("The application.")


@result
class SubmitApplicationSuccess:
    """The application is in."""

    number: str = given_out("Number of the application.")
    secret: str = given_out("Opens the application together with its number; it is told here and never again.")


@result
class VerifyApplicationSuccess:
    """The application is complete and true."""

    application_id: strawberry.Private[UUID]
    application: Application = one("Application", "The application.")


@strawberry.type
class ApplicationQuery:
    """Queries about applications."""

    applications: Connection[Application] = root_connection(
        Application, "Applications, latest first.", order="created_at desc"
    )
    application_aggregates = root_aggregates(Application, "Figures of the applications.")

    @strawberry.field(description="An application by its identity.")
    async def application(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the application.")]
    ) -> Application | None:
        """Null when there is none for the actor."""
        return await find_one(info, Application, id=id)  # type: ignore[no-any-return]

    @strawberry.field(
        description="Where an application stands, for the family: at the school that X-Tenant-Id or the token names.",
        metadata={"public": True},
    )
    async def application_status(
        self,
        info: Info,
        number: Annotated[str, strawberry.argument(description="Number of the application.")],
        birth_date: Annotated[
            date | None, strawberry.argument(description="The applicant's date of birth, if the secret is not at hand.")
        ] = None,
        secret: Annotated[
            str | None, strawberry.argument(description="What was told when the application was submitted.")
        ] = None,
    ) -> ApplicationStatusView | None:
        """Nobody needs to be signed in. Null whatever of it is wrong."""
        context = info.context
        async with context.database.read(system_binding(context.school.tenant_id)) as tx:
            found = await find_standing(tx, number=number, secret=secret, birth_date=birth_date)
        if found is None:
            return None
        step = rules.next_step(found.status, found.payment_status, context.language)
        return ApplicationStatusView(number=found.number, status=found.status, next_step=step)


def _request_key(call: Call) -> UUID:
    """The sender's own key, or one that nobody can send again. Raises RequestRefused."""
    key = call.context.request.headers.get("idempotency-key")
    try:
        return UUID(key) if key else uuid4()
    except ValueError:
        raise RequestRefused("BAD_REQUEST", "Idempotency-Key must be a UUID.", header="Idempotency-Key") from None


@strawberry.type
class ApplicationMutation:
    """Mutations of applications."""

    @mutation(public=True, feature="ADMISSION", errors=(PeriodNotOpen, PeriodFull, AlreadyApplied))
    async def submit_application(self, call: Call, input: SubmitApplicationInput) -> SubmitApplicationSuccess:
        """Applies; nobody needs to be signed in. The same form under the same Idempotency-Key is answered again."""
        context = call.context
        form = rules.ApplicationForm(
            period_id=input.period_id,
            full_name=input.full_name,
            gender=input.gender,
            birth_place=input.birth_place,
            birth_date=input.birth_date,
            nisn=input.nisn,
            nik=input.nik,
            previous_school=input.previous_school,
            parent_name=input.parent_name,
            parent_email=input.parent_email,
            parent_phone=input.parent_phone,
        )
        _ = context.school  # refuses where no school is named, or it is suspended
        try:
            submitted = await operations.submit_application(
                call.tx,
                applicants=context.extras,
                request_key=_request_key(call),
                form=form,
                language=context.language,
                today=call.today,
            )
        except rules.KeyReused:
            raise RequestRefused("IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another input.") from None
        return SubmitApplicationSuccess(number=submitted.number, secret=submitted.secret)

    @mutation(permission="application:verify", feature="ADMISSION", errors=(ApplicationNotSubmitted,))
    async def verify_application(self, call: Call, input: VerifyApplicationInput) -> VerifyApplicationSuccess:
        """Records that an application is complete and true."""
        application = await operations.verify_application(
            call.tx, application_id=input.application_id, verified_by=call.actor.user_id
        )
        return VerifyApplicationSuccess(application_id=application.id)
