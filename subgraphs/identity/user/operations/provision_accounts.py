"""Accounts for the people of academic's records: made by invitation, or reused where the address has one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, RowMapping, Uuid, any_, bindparam, insert, select, update

from libs.auth import Revocations
from libs.db import TenantTransaction
from libs.events.contracts.academic import (
    GuardianLinked,
    StudentCreated,
    StudentUpdated,
    TeacherCreated,
    TeacherUpdated,
)
from libs.events.contracts.identity import RoleAssigned, UserCreated
from libs.events.envelope import EventMeta
from libs.events.projection import upsert_if_newer
from subgraphs.identity.audit.queries import NOBODY, Deed, record
from subgraphs.identity.registration.queries import make_way
from subgraphs.identity.role.model import UserRole
from subgraphs.identity.role.queries import hat_row, system_role
from subgraphs.identity.user.model import User, UserRecord, UserStudent
from subgraphs.identity.user.queries import (
    Contact,
    Contacts,
    NewAccount,
    create_accounts,
    raise_versions,
    record_row,
)
from subgraphs.identity.user.rules import UserStatus

# Built once: an import of academic sends hundreds of events, and building a statement costs more than running it.
_LINKED: Final = select(UserRecord.record_id).where(
    UserRecord.tenant_id == bindparam("tenant"),
    UserRecord.record_id == any_(bindparam("records", type_=ARRAY(Uuid))),
)
_KNOWN: Final = select(User.id, User.email, User.email_blind, User.phone, User.name, User.status, User.language).where(
    User.tenant_id == bindparam("tenant"),
    User.email_blind == any_(bindparam("blinds", type_=ARRAY(LargeBinary))),
    User.deleted_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in academic who may have an account: the record, the hat it brings, and where they are reached."""

    record_id: UUID
    role: str
    name: str
    contact: Contact


def people_of_student(event: StudentCreated | StudentUpdated) -> Iterator[Person]:
    """Guardians with an address and no account yet, and the pupil likewise."""
    for guardian in event.guardians:
        if guardian.user_id is None and (email := guardian.personal.get("email")):
            contact = Contact(email, guardian.personal.get("phone"))
            yield Person(guardian.guardian_id, "parent", guardian.personal.get("name", ""), contact)
    if event.user_id is None and (email := event.personal.get("email")):
        contact = Contact(email, event.personal.get("phone"))
        yield Person(event.student_id, "student", event.personal.get("name", ""), contact)


def people_of_teacher(event: TeacherCreated | TeacherUpdated) -> Iterator[Person]:
    """The teacher, with an address and no account yet; nobody invites who has left."""
    if event.status == "ACTIVE" and event.user_id is None and (email := event.personal.get("email")):
        contact = Contact(email, event.personal.get("phone"))
        yield Person(event.teacher_id, "teacher", event.personal.get("name", ""), contact)


async def provision_accounts(
    tx: TenantTransaction, people: Sequence[Person], *, contacts: Contacts, revocations: Revocations
) -> None:
    """Makes sure that each of these records has an account; a record that has one stays as it is.

    One address is one account, whoever shares it: it wears the hats of all; a registration that nobody completed makes
    way for it. Their first day is today in UTC, which no Indonesian clock is behind.
    """
    people = await _without_account(tx, people)
    if not people:
        return
    by_address: dict[bytes, list[Person]] = defaultdict(list)
    for person in people:
        by_address[contacts.blind(tx.tenant_id, person.contact.email)].append(person)
    known = await _known(tx, list(by_address))
    if pending := [blind for blind, row in known.items() if row["status"] == UserStatus.INVITED]:
        gone = await make_way(tx, pending, contacts=contacts, doer=NOBODY)
        known = {blind: row for blind, row in known.items() if row["id"] not in gone}
    new = [
        NewAccount(
            id=tx.new_id(),
            name=sharing[0].name,
            contact=sharing[0].contact,
            roles=[system_role(name) for name in dict.fromkeys(person.role for person in sharing)],
            record_ids=[person.record_id for person in sharing],
        )
        for blind, sharing in by_address.items()
        if blind not in known
    ]
    if new:
        await create_accounts(tx, new, contacts=contacts, doer=NOBODY, since=tx.now.date())
    reused = {blind: sharing for blind, sharing in by_address.items() if blind in known}
    if reused:
        await _reuse(tx, reused, known, contacts=contacts, revocations=revocations)


async def _without_account(tx: TenantTransaction, people: Sequence[Person]) -> list[Person]:
    wanted = {person.record_id: person for person in people}
    if not wanted:
        return []
    found = (await tx.execute(_LINKED, {"tenant": tx.tenant_id, "records": list(wanted)})).scalars()
    linked = set(found)
    return [person for record_id, person in wanted.items() if record_id not in linked]


async def _known(tx: TenantTransaction, blinds: list[bytes]) -> dict[bytes, RowMapping]:
    found = await tx.execute(_KNOWN, {"tenant": tx.tenant_id, "blinds": blinds})
    return {row["email_blind"]: row for row in found.mappings()}


async def _reuse(
    tx: TenantTransaction,
    sharing: dict[bytes, list[Person]],
    known: dict[bytes, RowMapping],
    *,
    contacts: Contacts,
    revocations: Revocations,
) -> None:
    """Links records to accounts that are there, and adds the hats these do not wear yet."""
    links = [(known[blind], person) for blind, people in sharing.items() for person in people]
    users = {row["id"]: row for row, _ in links}
    await tx.execute(
        insert(UserRecord.__table__), [record_row(tx, row["id"], person.record_id) for row, person in links]
    )
    hats = await _hats(tx, list(users))
    added = dict.fromkeys((row["id"], person.role) for row, person in links if person.role not in hats[row["id"]])
    versions: dict[UUID, int] = {}
    if added:
        rows = [hat_row(tx, user_id, system_role(role), NOBODY, tx.now.date()) for user_id, role in added]
        await tx.execute(insert(UserRole.__table__), rows)
        if staff := [user_id for user_id, role in added if system_role(role).is_staff]:
            await tx.execute(update(User).where(User.tenant_id == tx.tenant_id, User.id.in_(staff)).values(staff=True))
        versions = await raise_versions(tx, {user_id for user_id, _ in added}, revocations)
        await record(tx, NOBODY, *(_assigned(user_id, role) for user_id, role in added))
    for user_id, role in added:
        hats[user_id].append(role)
        tx.emit(
            RoleAssigned(
                user_id=user_id,
                role=role,
                roles=tuple(hats[user_id]),
                ver=versions[user_id],
                valid_from=tx.now.date(),
            )
        )
    clear = await contacts.reveal(tx, list(users.values()))
    for row, person in links:
        tx.emit(
            UserCreated(
                user_id=row["id"],
                status=row["status"],
                roles=tuple(hats[row["id"]]),
                language=row["language"],
                record_id=person.record_id,
                personal=clear[row["id"]].personal(row["name"]) if row["id"] in clear else {},
            )
        )


async def _hats(tx: TenantTransaction, user_ids: list[UUID]) -> dict[UUID, list[str]]:
    """The system roles these people hold without an end, so that nothing that runs out counts as held for good."""
    rows = await tx.execute(
        select(UserRole.user_id, UserRole.system_role).where(
            UserRole.tenant_id == tx.tenant_id,
            UserRole.user_id.in_(user_ids),
            UserRole.system_role.is_not(None),
        )
    )
    hats: dict[UUID, list[str]] = {user_id: [] for user_id in user_ids}
    for user_id, role in rows:
        hats[user_id].append(role)
    return hats


def _assigned(user_id: UUID, role: str) -> Deed:
    return Deed(action="user.role_assigned", resource_type="user", resource_id=user_id, new_values={"role": role})


async def link_guardian(tx: TenantTransaction, event: GuardianLinked, meta: EventMeta) -> None:
    """Keeps whose account a pupil belongs to, once academic knows the guardian's account."""
    await _link(tx, event.student_id, event.guardian_id, event.user_id, meta)


async def link_student(tx: TenantTransaction, event: StudentUpdated, meta: EventMeta) -> None:
    """Keeps the pupil's own account."""
    if event.user_id is not None:
        await _link(tx, event.student_id, event.student_id, event.user_id, meta)


async def _link(
    tx: TenantTransaction, student_id: UUID, record_id: UUID, user_id: UUID | None, meta: EventMeta
) -> None:
    values = {"tenant_id": tx.tenant_id, "id": tx.new_id(), "student_id": student_id, "record_id": record_id}
    keys = ("tenant_id", "student_id", "record_id")
    await tx.execute(upsert_if_newer(UserStudent, values | {"user_id": user_id}, sequence=meta.sequence, keys=keys))
