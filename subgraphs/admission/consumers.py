"""What admission does about events, and how its aggregates are told again."""

from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Snapshots, upsert_if_newer
from libs.events.contracts.academic import AcademicYearCreated
from libs.events.contracts.finance import PaymentReceived
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.jobs import add_schedule, first_run
from subgraphs.admission.application.operations import note_payment, tell_applications
from subgraphs.admission.application.queries import Applicants
from subgraphs.admission.model import SCHEMA, Tenant
from subgraphs.admission.period.operations import CLOSE_PERIODS, tell_periods
from subgraphs.admission.roster.operations import keep_academic_year


async def project_tenant(tx: TenantTransaction, event: TenantCreated | TenantUpdated, meta: EventMeta) -> None:
    """Keeps a school, and gives it its timed work."""
    values = {
        "id": event.tenant_id,
        "slug": event.slug,
        "name": event.name,
        "npsn": event.npsn,
        "level": event.level,
        "timezone": event.timezone,
        "status": event.status,
        "features": list(event.features),
        "quotas": dict(event.quotas),
    }
    await tx.execute(upsert_if_newer(Tenant, values, sequence=meta.sequence))
    await add_schedule(tx, SCHEMA, CLOSE_PERIODS, first_run_at=first_run(tx.now, tx.tenant_id))


def consumers() -> Consumers:
    """Event -> operation."""
    return {
        TenantCreated: project_tenant,
        TenantUpdated: project_tenant,
        AcademicYearCreated: keep_academic_year,
        PaymentReceived: note_payment,
    }


def snapshots(applicants: Applicants) -> Snapshots:
    """Aggregate -> its state as events."""
    return {"period": tell_periods, "application": tell_applications(applicants)}
