"""What identity does by the clock, and once at every deployment."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg

from libs.auth import Revocations
from libs.db import Database, TenantTransaction
from libs.files import Uploads
from libs.jobs import JobOperations, RunningJob, Schedule, Schedules, add_schedule
from libs.kernel import PLATFORM_TENANT_ID, Binding, FieldFault, Scope, utc_now
from libs.settings import Settings
from subgraphs.identity.api_client.operations.upkeep import purge_assertions
from subgraphs.identity.audit.operations import add_partitions
from subgraphs.identity.credential.operations.upkeep import purge_tokens
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.lockout.operations.upkeep import purge_failures
from subgraphs.identity.registration.operations.upkeep import purge_registrations
from subgraphs.identity.session.operations.upkeep import purge_sessions, republish_revocations
from subgraphs.identity.tenant.operations.create_tenant import PURGE, ensure_platform
from subgraphs.identity.user.operations.ensure_platform_administrator import ensure_platform_administrator
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user_import.operations.import_users import IMPORT_USERS, carry_out_import

REPUBLISH = "republish_revocations"


def jobs(contacts: Contacts, uploads: Uploads) -> JobOperations:
    """Kind of job -> operation."""

    async def import_users(tx: TenantTransaction, job: RunningJob) -> Sequence[FieldFault]:
        return await carry_out_import(tx, job, contacts=contacts, uploads=uploads)

    return {IMPORT_USERS: import_users}


def schedules(settings: Settings, revocations: Revocations) -> Schedules:
    """The table of timed work: PURGE for every tenant, REPUBLISH for the platform alone."""
    life, contacts = timedelta(seconds=settings.access_token_seconds), Contacts(settings)

    async def purge(tx: TenantTransaction) -> None:
        await purge_sessions(tx)
        await purge_failures(tx)
        await purge_registrations(tx, contacts=contacts)
        await purge_tokens(tx)
        await purge_assertions(tx)

    async def republish(tx: TenantTransaction) -> None:
        await republish_revocations(tx, revocations=revocations, life=life)

    return {
        PURGE: Schedule(every=timedelta(days=1), operation=purge),
        REPUBLISH: Schedule(every=timedelta(seconds=15), operation=republish),
    }


async def prepare_platform(settings: Settings, database: Database) -> None:
    """What a deployment makes sure of: partitions, the platform's tenant, its schedules, its first administrator."""
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        add_partitions(connection, utc_now().date())
    async with database.write(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
        await ensure_platform(tx)
        await add_schedule(tx, "identity", REPUBLISH, first_run_at=tx.now)
        password = settings.platform_password.get_secret_value()
        if password:
            hasher = PasswordHasher(settings)
            await ensure_platform_administrator(
                tx, email=settings.platform_email, password=password, contacts=Contacts(settings), hasher=hasher
            )
            hasher.close()
