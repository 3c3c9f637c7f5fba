"""The contact projections: whom the school can reach, and which pupils a record stands for."""

from libs.crypto import DataKey, Vault
from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import GuardianLinked, StudentCreated, StudentUpdated
from libs.events.contracts.identity import (
    TenantCreated,
    TenantUpdated,
    UserActivated,
    UserCreated,
    UserInvited,
    UserUpdated,
)
from libs.jobs import add_schedule
from subgraphs.notification.contact.model import Contact, Guardianship, Pupil
from subgraphs.notification.model import Tenant
from subgraphs.notification.notification.rules import FORGET_SECRETS

_ONE_GUARDIANSHIP = ("tenant_id", "guardian_id", "student_id")


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
    await add_schedule(tx, "notification", FORGET_SECRETS, first_run_at=tx.now)


async def project_contact(
    tx: TenantTransaction,
    event: UserInvited | UserCreated | UserActivated | UserUpdated,
    meta: EventMeta,
    *,
    vault: Vault,
) -> None:
    """Keeps name, language and addresses of an account; the addresses are encrypted with the person's own key."""
    keys = await vault.person_keys(tx, [event.user_id], create=True)
    key = keys[event.user_id]
    values = {
        "id": event.user_id,
        "record_id": event.about if isinstance(event, UserInvited) else event.record_id,
        "name": event.personal.get("name", ""),
        "language": event.language,
        "email": _sealed(tx, key, event, "email"),
        "phone": _sealed(tx, key, event, "phone"),
    }
    await tx.execute(upsert_if_newer(Contact, values, sequence=meta.sequence))


def _sealed(
    tx: TenantTransaction, key: DataKey, event: UserInvited | UserCreated | UserActivated | UserUpdated, field: str
) -> bytes | None:
    value = event.personal.get(field)
    if value is None:
        return None
    return key.encrypt(value, table="contacts", column=field, row_id=event.user_id, tenant_id=tx.tenant_id)


async def project_pupil(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
    """Keeps that a pupil exists, the pupil's account, and who answers for the pupil."""
    pupil = {"id": event.student_id, "user_id": event.user_id}
    await tx.execute(upsert_if_newer(Pupil, pupil, sequence=meta.sequence))
    for guardian in event.guardians:
        values = {
            "guardian_id": guardian.guardian_id,
            "student_id": event.student_id,
            "user_id": guardian.user_id,
            "is_primary": guardian.is_primary,
        }
        await tx.execute(upsert_if_newer(Guardianship, values, sequence=meta.sequence, keys=_ONE_GUARDIANSHIP))


async def project_guardianship(tx: TenantTransaction, event: GuardianLinked, meta: EventMeta) -> None:
    """Keeps that a guardian answers for a pupil, and the guardian's account once it is known."""
    values = {
        "guardian_id": event.guardian_id,
        "student_id": event.student_id,
        "user_id": event.user_id,
        "is_primary": event.is_primary,
    }
    await tx.execute(upsert_if_newer(Guardianship, values, sequence=meta.sequence, keys=_ONE_GUARDIANSHIP))
