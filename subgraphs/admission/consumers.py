"""What admission does about events, and how its aggregates are told again."""

from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Snapshots, keep_tenant
from libs.events.contracts.academic import AcademicYearCreated
from libs.events.contracts.finance import PaymentReceived
from libs.events.contracts.identity import TENANT_EVENTS, TenantEvent
from libs.jobs import add_schedule, first_run
from subgraphs.admission.application.operations import note_payment, tell_applications
from subgraphs.admission.application.queries import Applicants
from subgraphs.admission.model import SCHEMA, Tenant
from subgraphs.admission.period.operations import CLOSE_PERIODS, tell_periods
from subgraphs.admission.roster.operations import keep_academic_year


async def project_tenant(tx: TenantTransaction, event: TenantEvent, meta: EventMeta) -> None:
    """Keeps a school, and gives it its timed work."""
    await keep_tenant(tx, Tenant, event, meta)
    await add_schedule(tx, SCHEMA, CLOSE_PERIODS, first_run_at=first_run(tx.now, tx.tenant_id))


def consumers() -> Consumers:
    """Event -> operation."""
    return {
        **dict.fromkeys(TENANT_EVENTS, project_tenant),
        AcademicYearCreated: keep_academic_year,
        PaymentReceived: note_payment,
    }


def snapshots(applicants: Applicants) -> Snapshots:
    """Aggregate -> its state as events."""
    return {"period": tell_periods, "application": tell_applications(applicants)}
