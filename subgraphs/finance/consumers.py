"""What finance does about events, and how its aggregates are told again."""

from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Snapshots, keep_tenant
from libs.events.contracts.academic import ClassCreated, StudentCreated, StudentEnrolled, StudentUpdated
from libs.events.contracts.admission import ApplicationSubmitted
from libs.events.contracts.identity import TENANT_EVENTS, TenantEvent
from libs.jobs import add_schedule, first_run
from subgraphs.finance.invoice.operations import MARK_OVERDUE, bill_application, tell_invoices
from subgraphs.finance.model import SCHEMA, Tenant
from subgraphs.finance.payment.operations import tell_payments
from subgraphs.finance.roster.operations import keep_class, keep_enrollment, keep_student


async def project_tenant(tx: TenantTransaction, event: TenantEvent, meta: EventMeta) -> None:
    """Keeps a school, and gives it its timed work."""
    await keep_tenant(tx, Tenant, event, meta)
    await add_schedule(tx, SCHEMA, MARK_OVERDUE, first_run_at=first_run(tx.now, tx.tenant_id))


def consumers() -> Consumers:
    """Event -> operation."""
    return {
        **dict.fromkeys(TENANT_EVENTS, project_tenant),
        StudentCreated: keep_student,
        StudentUpdated: keep_student,
        ClassCreated: keep_class,
        StudentEnrolled: keep_enrollment,
        ApplicationSubmitted: bill_application,
    }


def snapshots() -> Snapshots:
    """Aggregate -> its state as events."""
    return {"invoice": tell_invoices, "payment": tell_payments}
