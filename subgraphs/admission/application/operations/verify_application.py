"""Verifying applications."""

from uuid import UUID

from libs.db import TenantTransaction
from libs.events.contracts.admission import ApplicationVerified
from subgraphs.admission.application.model import Application
from subgraphs.admission.application.rules import ApplicationStatus, check_verifiable


async def verify_application(tx: TenantTransaction, *, application_id: UUID, verified_by: UUID) -> Application:
    """Records that an application is complete and true. Raises NotFound, ApplicationNotSubmitted."""
    # Locked: of two who verify it, the second sees that it is done.
    application = await tx.get(Application, application_id, lock=True)
    check_verifiable(ApplicationStatus(application.status))
    application.status = ApplicationStatus.VERIFIED.value
    application.verified_at, application.verified_by = tx.now, verified_by
    application.version += 1
    await tx.flush()
    tx.emit(
        ApplicationVerified(application_id=application.id, period_id=application.period_id, number=application.number)
    )
    return application
