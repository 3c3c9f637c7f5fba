"""The fee of an application, as finance tells it."""

from sqlalchemy import update

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.finance import PaymentReceived
from subgraphs.admission.application.model import Application
from subgraphs.admission.application.rules import PaymentStatus


async def note_payment(tx: TenantTransaction, event: PaymentReceived, meta: EventMeta) -> None:  # noqa: ARG001 - any order
    """Marks the fee of an application as paid once its invoice is; what comes late or again changes nothing."""
    if (event.payer, event.type, event.status) != ("APPLICANT", "REGISTRATION", "PAID"):
        return
    await tx.execute(
        update(Application)
        .where(
            Application.tenant_id == tx.tenant_id,
            Application.id == event.payer_id,
            Application.payment_status == PaymentStatus.UNPAID.value,
        )
        .values(payment_status=PaymentStatus.PAID.value, version=Application.version + 1)
        .execution_options(synchronize_session=False)
    )
