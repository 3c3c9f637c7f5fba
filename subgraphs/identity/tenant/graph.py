"""Schools in the graph: one's own, the platform's list, the public page."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from libs.auth import PUBLIC
from libs.graph import (
    Call,
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
    result,
    root_aggregates,
    root_connection,
)
from libs.kernel import InvalidInput
from subgraphs.identity.tenant import rules
from subgraphs.identity.tenant.operations.create_tenant import FirstAdmin, create_tenant
from subgraphs.identity.tenant.operations.import_tenants import import_tenants
from subgraphs.identity.tenant.queries import SCHOOLS

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


@entity(SCHOOLS, resource="tenant")
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


@strawberry.input(description="A school register: CSV with the columns npsn, name, level, ownership, district_code.")
class ImportTenantsInput:
    file: FileInput = given("The register.")
    dry_run: bool = given("Only tell what would happen.", default=False)


@result
class ImportTenantsSuccess:
    """What became of the schools of the register."""

    created: int = given_out("Schools that are new.")
    updated: int = given_out("Schools whose entry changed.")
    unchanged: int = given_out("Schools that were there already.")


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

    @strawberry.field(description="What everybody may know of a school, by slug or NPSN; without either, null.")
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

    @mutation(permission="tenant:import", platform=True)
    async def import_tenants(self, call: Call, input: ImportTenantsInput) -> ImportTenantsSuccess:
        """Loads a school register: all of it or nothing; running it again changes nothing."""
        if input.file.text is None:
            raise InvalidInput([rules.fault("input.file.text", "REQUIRED")])
        done = await import_tenants(
            call.tx, actor=call.actor, register=input.file.text, dry_run=input.dry_run, origin=call.context
        )
        return ImportTenantsSuccess(created=done.created, updated=done.updated, unchanged=done.unchanged)
