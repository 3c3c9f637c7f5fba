"""What notification does about events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import Consumers, Event, EventMeta, Operation
from libs.events.contracts.academic import GuardianLinked, StudentCreated, StudentUpdated
from libs.events.contracts.admission import ApplicationSubmitted, ApplicationVerified
from libs.events.contracts.finance import PaymentReceived
from libs.events.contracts.identity import (
    TENANT_EVENTS,
    EmailVerificationRequested,
    PasswordChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    SecondFactorChanged,
    UnlockRequested,
    UserActivated,
    UserCreated,
    UserDeleted,
    UserInvited,
    UserRegistered,
    UserRestored,
    UserUpdated,
)
from libs.events.contracts.operations import AbsenceNotified
from subgraphs.notification.contact.operations import (
    project_applicant,
    project_contact,
    project_deletion,
    project_guardianship,
    project_pupil,
    project_tenant,
)
from subgraphs.notification.notification.operations import (
    LinkByMail,
    RetryRequested,
    announce_absence,
    announce_activation,
    announce_application,
    announce_invitation,
    announce_link,
    announce_password,
    announce_payment,
    announce_repeated_registration,
    announce_second_factor,
    announce_verification,
    link_guardianship,
    link_pupil,
    retry_notification,
)

_DEEDS: Final[Mapping[type[Event], Operation]] = {
    RegistrationRepeated: announce_repeated_registration,
    PasswordChanged: announce_password,
    SecondFactorChanged: announce_second_factor,
}
"""What somebody did to an account, of which its owner has to know."""


def consumers(vault: Vault, *, absence_notice_seconds: float) -> Consumers:
    """Event -> operations, in one transaction. RetryRequested comes from dead letters alone.

    `absence_notice_seconds` is how long a message about an absence is held back.
    """
    hold = timedelta(seconds=absence_notice_seconds)

    async def contact(tx: TenantTransaction, event: Any, meta: EventMeta) -> None:
        await project_contact(tx, event, meta, vault=vault)

    async def invitation(tx: TenantTransaction, event: UserInvited, meta: EventMeta) -> None:
        key = await project_contact(tx, event, meta, vault=vault)
        await announce_invitation(tx, event, meta, key=key)

    async def link(tx: TenantTransaction, event: LinkByMail, meta: EventMeta) -> None:
        await announce_link(tx, event, meta, vault=vault)

    async def pupil(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
        await project_pupil(tx, event, meta, vault=vault)

    async def application(tx: TenantTransaction, event: ApplicationSubmitted, meta: EventMeta) -> None:
        key = await project_applicant(tx, event, meta, vault=vault)
        await announce_application(tx, event, meta, key=key)

    async def absence(tx: TenantTransaction, event: AbsenceNotified, meta: EventMeta) -> None:
        await announce_absence(tx, event, meta, hold=hold)

    return {
        **dict.fromkeys(TENANT_EVENTS, project_tenant),
        UserInvited: invitation,
        **dict.fromkeys((UserCreated, UserUpdated, UserRestored), contact),
        UserDeleted: project_deletion,
        **dict.fromkeys((UserRegistered, PasswordResetRequested, UnlockRequested, EmailVerificationRequested), link),
        **_DEEDS,
        UserActivated: _each(contact, announce_activation),
        **dict.fromkeys((StudentCreated, StudentUpdated), _each(pupil, link_pupil)),
        GuardianLinked: _each(project_guardianship, link_guardianship),
        AbsenceNotified: absence,
        ApplicationSubmitted: application,
        ApplicationVerified: announce_verification,
        PaymentReceived: announce_payment,
        RetryRequested: retry_notification,
    }


def _each(*operations: Operation) -> Operation:
    async def run(tx: TenantTransaction, event: Any, meta: EventMeta) -> None:
        for operation in operations:
            await operation(tx, event, meta)

    return run
