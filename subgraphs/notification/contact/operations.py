"""The contact projections: whom the school can reach, and which pupils a record stands for."""

from uuid import UUID

from sqlalchemy import text

from libs.crypto import DataKey, Vault
from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import GuardianContact, GuardianLinked, StudentCreated, StudentUpdated
from libs.events.contracts.identity import (
    TenantCreated,
    TenantUpdated,
    UserActivated,
    UserCreated,
    UserInvited,
    UserUpdated,
)
from libs.jobs import add_schedule, first_run
from subgraphs.notification.model import Tenant
from subgraphs.notification.notification.rules import FORGET_SECRETS

# Written out, because thousands of them arrive at once when a school is set up: building a statement from its parts
# takes several times as long as running it.
_UPSERT_CONTACT = text(
    """
    insert into notification.contacts as known (id, sequence, record_id, name, language, email, phone)
    values (:id, :sequence, :record_id, :name, :language, :email, :phone)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, record_id = excluded.record_id, name = excluded.name,
      language = excluded.language, email = excluded.email, phone = excluded.phone, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_UPSERT_PUPIL = text(
    """
    insert into notification.pupils as known (id, sequence, user_id) values (:id, :sequence, :user_id)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, user_id = excluded.user_id, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_UPSERT_GUARDIANSHIP = text(
    """
    insert into notification.guardianships as known (id, sequence, guardian_id, student_id, user_id, is_primary)
    values (uuidv7(), :sequence, :guardian_id, :student_id, :user_id, :is_primary)
    on conflict (tenant_id, guardian_id, student_id) do update set
      sequence = excluded.sequence, user_id = excluded.user_id, is_primary = excluded.is_primary, updated_at = now()
    where known.sequence < excluded.sequence
    """
)

UserEvent = UserInvited | UserCreated | UserActivated | UserUpdated


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
    await add_schedule(tx, "notification", FORGET_SECRETS, first_run_at=first_run(tx.now, tx.tenant_id))


async def project_contact(tx: TenantTransaction, event: UserEvent, meta: EventMeta, *, vault: Vault) -> DataKey:
    """Keeps name, language and addresses of an account, encrypted with the person's key; answers that key."""
    key = (await vault.person_keys(tx, [event.user_id], create=True))[event.user_id]
    values = {
        "id": event.user_id,
        "sequence": meta.sequence,
        "record_id": event.about if isinstance(event, UserInvited) else event.record_id,
        "name": event.personal.get("name", ""),
        "language": event.language,
        "email": _sealed(tx, key, event, "email"),
        "phone": _sealed(tx, key, event, "phone"),
    }
    await tx.execute(_UPSERT_CONTACT, values)
    return key


def _sealed(tx: TenantTransaction, key: DataKey, event: UserEvent, field: str) -> bytes | None:
    value = event.personal.get(field)
    if value is None:
        return None
    return key.encrypt(value, table="contacts", column=field, row_id=event.user_id, tenant_id=tx.tenant_id)


async def project_pupil(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
    """Keeps that a pupil exists, the pupil's account, and who answers for the pupil."""
    await tx.execute(_UPSERT_PUPIL, {"id": event.student_id, "sequence": meta.sequence, "user_id": event.user_id})
    for guardian in event.guardians:
        await _keep_guardianship(tx, guardian, event.student_id, meta)


async def project_guardianship(tx: TenantTransaction, event: GuardianLinked, meta: EventMeta) -> None:
    """Keeps that a guardian answers for a pupil, and the guardian's account once it is known."""
    await _keep_guardianship(tx, event, event.student_id, meta)


async def _keep_guardianship(
    tx: TenantTransaction, guardian: GuardianContact | GuardianLinked, student_id: UUID, meta: EventMeta
) -> None:
    values = {
        "sequence": meta.sequence,
        "guardian_id": guardian.guardian_id,
        "student_id": student_id,
        "user_id": guardian.user_id,
        "is_primary": guardian.is_primary,
    }
    await tx.execute(_UPSERT_GUARDIANSHIP, values)
