"""The contact projections: whom the school can reach, and which pupils a record stands for."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from libs.crypto import DataKey, Vault
from libs.db import TenantTransaction
from libs.events import EventMeta, keep_tenant
from libs.events.contracts.academic import GuardianContact, GuardianLinked, StudentCreated, StudentUpdated
from libs.events.contracts.admission import ApplicationSubmitted
from libs.events.contracts.identity import (
    TenantEvent,
    UserActivated,
    UserCreated,
    UserDeleted,
    UserInvited,
    UserRestored,
    UserUpdated,
)
from libs.jobs import add_schedule, first_run
from subgraphs.notification.model import Tenant
from subgraphs.notification.notification.rules import FORGET_SECRETS
from subgraphs.notification.template.rules import DEFAULT_LANGUAGE

# Written out, because thousands of them arrive at once when a school is set up: building a statement from its parts
# takes several times as long as running it.
_UPSERT_CONTACT = text(
    """
    insert into notification.contacts as known
      (id, sequence, application_id, name, language, email, phone)
    values (:id, :sequence, :application_id, :name, :language, :email, :phone)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, application_id = excluded.application_id,
      name = excluded.name, language = excluded.language, email = excluded.email,
      phone = excluded.phone, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_UPSERT_PUPIL = text(
    """
    insert into notification.pupils as known (id, sequence, user_id, name) values (:id, :sequence, :user_id, :name)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, user_id = excluded.user_id, name = excluded.name, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_UPSERT_GUARDIANSHIPS = text(
    """
    insert into notification.guardianships as known (id, sequence, guardian_id, student_id, user_id, is_primary)
    select uuidv7(), :sequence, guardian.id, :student_id, guardian.user_id, guardian.is_primary
    from unnest(cast(:guardian_ids as uuid[]), cast(:user_ids as uuid[]), cast(:primary as boolean[]))
      as guardian (id, user_id, is_primary)
    on conflict (tenant_id, guardian_id, student_id) do update set
      sequence = excluded.sequence, user_id = excluded.user_id, is_primary = excluded.is_primary, updated_at = now()
    where known.sequence < excluded.sequence
    """
)

UserEvent = UserInvited | UserCreated | UserActivated | UserUpdated | UserRestored


async def project_tenant(tx: TenantTransaction, event: TenantEvent, meta: EventMeta) -> None:
    """Keeps a school, and gives it its timed work."""
    await keep_tenant(tx, Tenant, event, meta)
    await add_schedule(tx, "notification", FORGET_SECRETS, first_run_at=first_run(tx.now, tx.tenant_id))


async def project_contact(tx: TenantTransaction, event: UserEvent, meta: EventMeta, *, vault: Vault) -> DataKey:
    """Keeps name, language and addresses of an account, encrypted with the person's key; answers that key."""
    key = (await vault.person_keys(tx, [event.user_id], create=True))[event.user_id]
    values = {
        "id": event.user_id,
        "sequence": meta.sequence,
        "application_id": None,
        "language": event.language,
    }
    await tx.execute(_UPSERT_CONTACT, values | _addresses(tx, key, event.user_id, event.personal))
    return key


async def project_deletion(tx: TenantTransaction, event: UserDeleted, meta: EventMeta) -> None:
    """Forgets who and where a deleted account was; the row stays, so that an older event brings nothing back."""
    gone = {"id": event.user_id, "sequence": meta.sequence, "application_id": None, "language": DEFAULT_LANGUAGE}
    await tx.execute(_UPSERT_CONTACT, gone | {"name": "", "email": None, "phone": None})


async def project_applicant(
    tx: TenantTransaction, event: ApplicationSubmitted, meta: EventMeta, *, vault: Vault
) -> DataKey:
    """Keeps whom an application names to be written to, as an account is kept; answers that person's key."""
    contact = event.contact
    key = (await vault.person_keys(tx, [contact.contact_id], create=True))[contact.contact_id]
    values = {
        "id": contact.contact_id,
        "sequence": meta.sequence,
        "application_id": event.application_id,
        "language": event.language,
    }
    await tx.execute(_UPSERT_CONTACT, values | _addresses(tx, key, contact.contact_id, contact.personal))
    return key


def _addresses(
    tx: TenantTransaction, key: DataKey, person_id: UUID, personal: Mapping[str, str]
) -> dict[str, str | bytes | None]:
    place: dict[str, Any] = {"table": "contacts", "row_id": person_id, "tenant_id": tx.tenant_id}
    sealed = {
        column: key.encrypt(personal[column], column=column, **place) if column in personal else None
        for column in ("email", "phone")
    }
    return {"name": personal.get("name", ""), **sealed}


async def project_pupil(
    tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta, *, vault: Vault
) -> None:
    """Keeps a pupil's account and name, encrypted with the pupil's key, and who answers for the pupil."""
    key = (await vault.person_keys(tx, [event.student_id], create=True))[event.student_id]
    place: dict[str, Any] = {"table": "pupils", "column": "name", "row_id": event.student_id, "tenant_id": tx.tenant_id}
    values = {
        "id": event.student_id,
        "sequence": meta.sequence,
        "user_id": event.user_id,
        "name": key.encrypt(event.personal.get("name", ""), **place),
    }
    await tx.execute(_UPSERT_PUPIL, values)
    if event.guardians:
        await _keep_guardianships(tx, event.student_id, event.guardians, meta)


async def project_guardianship(tx: TenantTransaction, event: GuardianLinked, meta: EventMeta) -> None:
    """Keeps that a guardian answers for a pupil, and the guardian's account once it is known."""
    await _keep_guardianships(tx, event.student_id, [event], meta)


async def _keep_guardianships(
    tx: TenantTransaction, student_id: UUID, guardians: Sequence[GuardianContact | GuardianLinked], meta: EventMeta
) -> None:
    values = {
        "sequence": meta.sequence,
        "student_id": student_id,
        "guardian_ids": [guardian.guardian_id for guardian in guardians],
        "user_ids": [guardian.user_id for guardian in guardians],
        "primary": [guardian.is_primary for guardian in guardians],
    }
    await tx.execute(_UPSERT_GUARDIANSHIPS, values)
