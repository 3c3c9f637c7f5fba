"""Applications as others are told of them."""

from collections.abc import AsyncGenerator, Callable
from typing import Final

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.admission import ApplicantContact, ApplicationSubmitted
from subgraphs.admission.application.model import Application
from subgraphs.admission.application.queries import Applicants, Person
from subgraphs.admission.period.model import Period

_BATCH: Final = 200


def tell_applications(
    applicants: Applicants,
) -> Callable[[TenantTransaction], AsyncGenerator[ApplicationSubmitted, None]]:
    """How the applications of a tenant are told again: all but the secret, which nobody has kept."""

    async def tell(tx: TenantTransaction) -> AsyncGenerator[ApplicationSubmitted, None]:
        every = (
            select(Application, Period)
            .join(Period, (Period.tenant_id == Application.tenant_id) & (Period.id == Application.period_id))
            .where(Application.tenant_id == tx.tenant_id)
            .order_by(Application.id)
            .with_for_update(read=True, of=Application)
        )
        rows = (await tx.execute(every)).all()
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            people = await applicants.contacts_of(tx, [application for application, _ in batch])
            for application, period in batch:
                yield application_submitted(application, period, people[application.id])

    return tell


def application_submitted(
    application: Application, period: Period, contact: Person, *, secret: str | None = None
) -> ApplicationSubmitted:
    """The application as others need it."""
    return ApplicationSubmitted(
        application_id=application.id,
        period_id=period.id,
        period_name=period.name,
        number=application.number,
        registration_fee=period.registration_fee,
        contact=ApplicantContact(contact_id=application.contact_id, personal=contact.personal),
        language=application.language,
        personal={"name": application.full_name, "birth_date": application.birth_date.isoformat()},
        secret={"secret": secret} if secret else {},
    )
