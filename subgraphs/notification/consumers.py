"""What notification does about events."""

from typing import Any

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Operation
from libs.events.contracts.academic import GuardianLinked, StudentCreated, StudentUpdated
from libs.events.contracts.identity import (
    TenantCreated,
    TenantUpdated,
    UserActivated,
    UserCreated,
    UserInvited,
    UserUpdated,
)
from subgraphs.notification.contact.operations import (
    project_contact,
    project_guardianship,
    project_pupil,
    project_tenant,
)
from subgraphs.notification.notification.operations import (
    RetryRequested,
    announce_activation,
    announce_invitation,
    link_guardianship,
    link_pupil,
    retry_notification,
)


def consumers(vault: Vault) -> Consumers:
    """Event -> operations, in one transaction. RetryRequested comes from dead letters alone."""

    async def contact(tx: TenantTransaction, event: Any, meta: EventMeta) -> None:
        await project_contact(tx, event, meta, vault=vault)

    async def invitation(tx: TenantTransaction, event: UserInvited, meta: EventMeta) -> None:
        key = await project_contact(tx, event, meta, vault=vault)
        await announce_invitation(tx, event, meta, key=key)

    return {
        TenantCreated: project_tenant,
        TenantUpdated: project_tenant,
        UserInvited: invitation,
        UserCreated: contact,
        UserUpdated: contact,
        UserActivated: _each(contact, announce_activation),
        StudentCreated: _each(project_pupil, link_pupil),
        StudentUpdated: _each(project_pupil, link_pupil),
        GuardianLinked: _each(project_guardianship, link_guardianship),
        RetryRequested: retry_notification,
    }


def _each(*operations: Operation) -> Operation:
    async def run(tx: TenantTransaction, event: Any, meta: EventMeta) -> None:
        for operation in operations:
            await operation(tx, event, meta)

    return run
