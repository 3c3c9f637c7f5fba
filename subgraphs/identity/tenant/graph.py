"""Schools in the graph: one's own, the platform's list, the public page."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import func

from libs.auth import PUBLIC
from libs.graph import (
    Call,
    Conflict,
    Connection,
    EmailAddress,
    FileInput,
    Info,
    PhoneNumber,
    column,
    described_enum,
    entity,
    find_one,
    given,
    given_out,
    mutation,
    one,
    reading_file,
    result,
    root_aggregates,
    root_connection,
    starting_with,
    take_file,
)
from libs.kernel import FieldFault
from subgraphs.identity.tenant import rules
from subgraphs.identity.tenant.operations.configure_tenant import configure_tenant
from subgraphs.identity.tenant.operations.create_tenant import FirstAdmin, create_tenant
from subgraphs.identity.tenant.operations.import_tenants import import_tenants
from subgraphs.identity.tenant.operations.suspend_tenant import resume_tenant, suspend_tenant
from subgraphs.identity.tenant.operations.update_tenant import update_tenant
from subgraphs.identity.tenant.queries import SCHOOLS, counted, quota, stored_mebibytes

described_enum(
    rules.SchoolLevel,
    "Kind of school.",
    SD="Primary school, classes 1-6.",
    SMP="Lower secondary school, classes 7-9.",
    SMA="Upper secondary school, classes 10-12.",
    SMK="Vocational school, classes 10-12.",
)
described_enum(
    rules.TenantStatus, "Whether a school may be worked in.", ACTIVE="Open.", SUSPENDED="Closed by the platform."
)
described_enum(
    rules.Feature,
    "What can be switched off for a school.",
    ATTENDANCE="Recording who is present.",
    GRADING="Marks and report cards.",
    FINANCE="Invoices and payments.",
    ADMISSION="Applications of new pupils.",
)


described_enum(
    rules.RegistrationRole,
    "What somebody becomes who registers without an invitation.",
    PARENT="A parent or guardian.",
    STUDENT="A pupil.",
)


@entity(SCHOOLS, resource="tenant_usage", keyed=False)
class TenantQuotas:
    """The most a school may have; null where there is no limit."""

    max_students: int | None = column("Pupils who go to the school.", of=lambda t: quota(t, "max_students"))
    max_teachers: int | None = column("Teachers.", of=lambda t: quota(t, "max_teachers"))
    storage_gb: int | None = column("Files, gigabytes.", of=lambda t: quota(t, "storage_gb"))


@entity(SCHOOLS, resource="tenant_usage", keyed=False)
class TenantUsage:
    """What a school has of that for which there are quotas; a moment behind what is done."""

    students: int = column("Pupils who go to the school.", of=lambda t: counted(t.c.id, "STUDENT"))
    teachers: int = column("Teachers.", of=lambda t: counted(t.c.id, "TEACHER"))
    storage_megabytes: int = column(
        "Files in all, megabytes of 2^20 bytes, begun ones counted whole; a gigabyte of the quota has 1,024.",
        of=lambda t: stored_mebibytes(t.c.id),
    )


_STARTS_WITH = starting_with("Beginning of the name, whatever its case.", "name_key")


@entity(SCHOOLS, resource="tenant", conditions={"name_starts_with": _STARTS_WITH})
class Tenant:
    """A school as the platform knows it."""

    id: UUID = column("Identity of the school, the value of X-Tenant-Id.", filter=True)
    slug: str = column("Name of the school in addresses.", filter=True, order=True)
    name: str = column("Name of the school.", filter=True, order=True)
    npsn: str | None = column("National school number, 8 characters.", filter=True)
    level: rules.SchoolLevel = column("Kind of school.", filter=True, group=True)
    timezone: str = column("Time zone of the school's clock, an IANA name.", filter=True)
    status: rules.TenantStatus = column("Whether the school may be worked in.", filter=True, group=True)
    features: list[rules.Feature] = column("What is switched on.")
    registration_role: rules.RegistrationRole | None = column(
        "What somebody becomes who registers without an invitation; null: nobody can.",
        of=lambda t: func.upper(t.c.registration_role),
    )
    quotas: TenantQuotas | None = one("TenantQuotas", "The most it may have.", local="id")
    usage: TenantUsage | None = one("TenantUsage", "What it has of that.", local="id")
    version: int = column("Rises with every change of the entry.")
    created_at: datetime = column("When the school joined.", order=True)


@strawberry.input(description="Somebody to invite.")
class PersonInput:
    name: str = given("Full name.", max_length=200)
    email: EmailAddress = given("Where the invitation goes.")
    phone: PhoneNumber | None = given("Telephone number.", default=None)


@strawberry.input(description="A new school.")
class CreateTenantInput:
    slug: str = given("Name of the school in addresses: lower-case letters, digits, hyphens.", max_length=63)
    name: str = given("Name of the school.", max_length=200)
    npsn: str | None = given("National school number, 8 characters.", default=None, max_length=8)
    level: rules.SchoolLevel = given("Kind of school.")
    timezone: str = given("Time zone: Asia/Jakarta, Asia/Makassar or Asia/Jayapura.", max_length=40)
    admin: PersonInput | None = given("Who administers the school first; gets an invitation.", default=None)


@result
class CreateTenantSuccess:
    """The school is there; its administrator has an invitation."""

    tenant_id: strawberry.Private[UUID]
    tenant: Tenant = one("Tenant", "The new school.")


@strawberry.input(
    description="A school register: CSV or XLSX with the columns npsn, name, level, ownership, district_code."
)
class ImportTenantsInput:
    file: FileInput = given("The register.")
    dry_run: bool = given("Only tell what would happen.", default=False)


@result
class ImportTenantsSuccess:
    """What became of the schools of the register."""

    created: int = given_out("Schools that are new.")
    updated: int = given_out("Schools whose entry changed.")
    unchanged: int = given_out("Schools that were there already.")


@strawberry.input(description="What changes of the own school's entry; what is left out stays.")
class UpdateTenantInput:
    name: str | None = given("Name of the school.", optional=True, max_length=200)
    npsn: str | None = given("National school number, 8 characters; null: none.", optional=True, max_length=8)
    timezone: str | None = given(
        "Time zone: Asia/Jakarta, Asia/Makassar or Asia/Jayapura.", optional=True, max_length=40
    )
    registration_role: rules.RegistrationRole | None = given(
        "What somebody becomes who registers without an invitation; null: nobody can.", optional=True
    )
    expected_version: int = given("The version that was read; another one is a Conflict.")

    def faults(self, today: date) -> Iterator[FieldFault]:  # noqa: ARG002 - the same for every input
        """A null where there must be something."""
        yield from (
            rules.fault(f"input.{name}", "REQUIRED") for name in ("name", "timezone") if vars(self)[name] is None
        )

    def changes(self) -> dict[str, Any]:
        """What is given, by column."""
        names = ("name", "npsn", "timezone", "registration_role")
        given_values = {name: vars(self)[name] for name in names if vars(self)[name] is not strawberry.UNSET}
        if given_values.get("npsn"):
            given_values["npsn"] = given_values["npsn"].upper()
        if given_values.get("registration_role"):
            given_values["registration_role"] = given_values["registration_role"].value.lower()
        return given_values


@result
class UpdateTenantSuccess:
    """The entry is as given."""

    tenant_id: strawberry.Private[UUID]
    tenant: Tenant = one("Tenant", "The school.")


@strawberry.input(description="The most a school may have; null: no limit; what is left out stays.")
class QuotasInput:
    max_students: int | None = given("Pupils who go to the school.", optional=True, min=0, max=100_000)
    max_teachers: int | None = given("Teachers.", optional=True, min=0, max=10_000)
    storage_gb: int | None = given("Files, gigabytes.", optional=True, min=0, max=100_000)

    def changes(self) -> dict[str, int | None]:
        """What is given, by the register's names."""
        return {name: value for name, value in asdict(self).items() if value is not strawberry.UNSET}


@strawberry.input(description="What a school may use; what is left out, or null, stays.")
class ConfigureTenantInput:
    tenant_id: UUID = given("The school.")
    features: list[rules.Feature] | None = given("All that is to be switched on.", default=None)
    quotas: QuotasInput | None = given("Quotas that change.", default=None)
    expected_version: int = given("The version that was read; another one is a Conflict.")

    def faults(self, today: date) -> Iterator[FieldFault]:  # noqa: ARG002 - the same for every input
        """Quotas that say nothing are a mistake."""
        if self.quotas is not None and not self.quotas.changes():
            yield rules.fault("input.quotas", "REQUIRED")


@result
class ConfigureTenantSuccess:
    """In force everywhere within five seconds."""

    tenant_id: strawberry.Private[UUID]
    tenant: Tenant = one("Tenant", "The school.")


@strawberry.input(description="Which school to close.")
class SuspendTenantInput:
    tenant_id: UUID = given("The school.")
    reason: str = given("Why, for the log.", max_length=500)


@result
class SuspendTenantSuccess:
    """Nobody of the school gets anything any more, everywhere within five seconds."""

    tenant_id: strawberry.Private[UUID]
    tenant: Tenant = one("Tenant", "The school.")


@strawberry.input(description="Which school to open again.")
class ResumeTenantInput:
    tenant_id: UUID = given("The school.")
    reason: str = given("Why, for the log.", max_length=500)


@result
class ResumeTenantSuccess:
    """The school may be worked in again, everywhere within five seconds."""

    tenant_id: strawberry.Private[UUID]
    tenant: Tenant = one("Tenant", "The school.")


@strawberry.type
class TenantQuery:
    """Queries about schools."""

    tenants: Connection[Tenant] = root_connection(
        Tenant, "Every school on the platform.", order="name", permission="tenant:read_all"
    )
    tenant_aggregates = root_aggregates(Tenant, "Figures of the schools on the platform.", permission="tenant:read_all")

    @strawberry.field(description="The school one works in; null for the platform.")
    async def tenant(self, info: Info) -> Tenant | None:
        """The row of the actor's tenant."""
        return await find_one(info, Tenant, id=info.context.signed_in.tenant_id)  # type: ignore[no-any-return]

    @strawberry.field(
        description="What everybody may know of a school, by slug or NPSN; without either, null.",
        metadata={"public": True},
    )
    async def public_school(
        self,
        info: Info,
        slug: Annotated[str | None, strawberry.argument(description="Its name in addresses.")] = None,
        npsn: Annotated[str | None, strawberry.argument(description="Its national school number.")] = None,
    ) -> Tenant | None:
        """Nobody needs to be signed in."""
        found: Tenant | None = await find_one(
            info, Tenant, reader=PUBLIC, slug=slug and slug.lower(), npsn=npsn and npsn.upper()
        )
        return found


@strawberry.type
class TenantMutation:
    """Mutations of schools."""

    @mutation(permission="tenant:create", platform=True)
    async def create_tenant(self, call: Call, input: CreateTenantInput) -> CreateTenantSuccess:
        """Adds a school to the platform."""
        given_admin = input.admin
        admin = FirstAdmin(given_admin.name, given_admin.email, given_admin.phone) if given_admin else None
        tenant_id = await create_tenant(
            call.tx,
            actor=call.actor,
            slug=input.slug,
            name=input.name,
            npsn=input.npsn,
            level=input.level,
            timezone=input.timezone,
            admin=admin,
            contacts=call.context.extras.contacts,
            origin=call.context,
        )
        return CreateTenantSuccess(tenant_id=tenant_id)

    @mutation(permission="tenant:import", platform=True, prepare=reading_file(platform=True))
    async def import_tenants(self, call: Call, input: ImportTenantsInput) -> ImportTenantsSuccess:
        """Loads a school register: all of it or nothing; running it again changes nothing."""
        await take_file(call, input.file, keep=input.dry_run)
        done = await import_tenants(
            call.tx, actor=call.actor, register=call.prepared, dry_run=input.dry_run, origin=call.context
        )
        return ImportTenantsSuccess(created=done.created, updated=done.updated, unchanged=done.unchanged)

    @mutation(permission="tenant:update", platform=True, errors=(Conflict,))
    async def update_tenant(self, call: Call, input: UpdateTenantInput) -> UpdateTenantSuccess:
        """Changes the entry of the school one works in."""
        tenant_id = await update_tenant(
            call.tx,
            actor=call.actor,
            changes=input.changes(),
            expected_version=input.expected_version,
            origin=call.context,
        )
        return UpdateTenantSuccess(tenant_id=tenant_id)

    @mutation(permission="tenant:configure", platform=True, errors=(Conflict,))
    async def configure_tenant(self, call: Call, input: ConfigureTenantInput) -> ConfigureTenantSuccess:
        """Switches features of a school and sets its quotas."""
        tenant_id = await configure_tenant(
            call.tx,
            actor=call.actor,
            tenant_id=input.tenant_id,
            features=input.features,
            quotas=input.quotas.changes() if input.quotas else {},
            expected_version=input.expected_version,
            origin=call.context,
        )
        return ConfigureTenantSuccess(tenant_id=tenant_id)

    @mutation(permission="tenant:suspend", platform=True)
    async def suspend_tenant(self, call: Call, input: SuspendTenantInput) -> SuspendTenantSuccess:
        """Closes a school to everybody but the platform; again: the same."""
        tenant_id = await suspend_tenant(
            call.tx, actor=call.actor, tenant_id=input.tenant_id, reason=input.reason, origin=call.context
        )
        return SuspendTenantSuccess(tenant_id=tenant_id)

    @mutation(permission="tenant:suspend", platform=True)
    async def resume_tenant(self, call: Call, input: ResumeTenantInput) -> ResumeTenantSuccess:
        """Opens a suspended school again; an open one stays so."""
        tenant_id = await resume_tenant(
            call.tx, actor=call.actor, tenant_id=input.tenant_id, reason=input.reason, origin=call.context
        )
        return ResumeTenantSuccess(tenant_id=tenant_id)
