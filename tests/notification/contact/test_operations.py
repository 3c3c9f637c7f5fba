"""The contact projections: from any order and number of deliveries the same rows, readable by their school alone."""

import itertools

import pytest
from sqlalchemy import select

from libs.crypto import Undecipherable
from libs.events.contracts.identity import TenantCreated, TenantUpdated, UserDeleted, UserRestored
from libs.events.envelope import Envelope
from libs.events.replay import snapshot
from libs.kernel import Binding, Scope, new_id
from libs.testing import envelopes_of
from subgraphs.academic.consumers import snapshots
from subgraphs.academic.contact.operations import link_account
from subgraphs.academic.contact.queries import Contacts
from subgraphs.notification.contact.model import Contact, Pupil
from tests.academic.world import World as AcademicWorld
from tests.notification.world import EMAIL, Family, World, absent, created, invited, linked, student


def tenant(world: World, contract=TenantCreated, **changes):
    values = {
        "tenant_id": world.tenant_id,
        "slug": "gp",
        "name": "SMA Gabriel",
        "npsn": "20301234",
        "level": "SMA",
        "timezone": "Asia/Jakarta",
        "status": "ACTIVE",
        "features": ("FINANCE",),
        "quotas": {"max_students": 10},
    }
    return contract(**(values | changes))


async def decrypted(world: World, user_id, column="email") -> str | None:
    async with world.database.read(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        keys = await world.vault.person_keys(tx, [user_id])
        sealed = await tx.scalar(select(getattr(Contact, column)).where(Contact.id == user_id))
        return keys[user_id].decrypt(sealed, table="contacts", column=column, row_id=user_id, tenant_id=tx.tenant_id)


async def test_an_account_becomes_a_contact_with_encrypted_addresses(world, other_world):
    user_id = new_id()
    await world.receive(invited(user_id=user_id))
    [row] = world.rows("contacts")
    assert (row["id"], row["name"], row["language"]) == (user_id, "Siti Aminah", "id")
    assert EMAIL.encode() not in row["email"]
    assert b"8123456789" not in row["phone"]
    assert await decrypted(world, user_id) == EMAIL
    assert await decrypted(world, user_id, "phone") == "+628123456789"
    assert other_world.rows("contacts") == []
    async with world.database.read(Binding(other_world.tenant_id, Scope.SYSTEM)) as tx:
        assert (await tx.scalars(select(Contact))).all() == []


async def test_an_address_moved_to_another_row_does_not_open(world):
    one, two = new_id(), new_id()
    await world.receive(created(user_id=one), created(user_id=two, personal={"name": "B", "email": "b@example.test"}))
    world.as_owner(
        "notification",
        "update notification.contacts set email = (select email from notification.contacts where id = %s) where id = %s",
        (one, two),
    )
    assert await decrypted(world, one) == EMAIL
    with pytest.raises(Undecipherable):
        await decrypted(world, two)


async def test_any_order_and_number_of_deliveries_gives_the_last_state(world):
    user_id = new_id()
    states = [
        world.envelope(invited(user_id=user_id), sequence=1),
        world.envelope(created(user_id=user_id, language="en"), sequence=2),
        world.envelope(created(user_id=user_id, personal={"name": "Siti A.", "email": "new@example.test"}), sequence=3),
    ]
    for order in itertools.permutations(states):
        await world.receive(*order, *order)
        for envelope in order:
            await world.receive(envelope)
        [row] = world.rows("contacts")
        assert (row["sequence"], row["name"], row["language"], row["phone"]) == (3, "Siti A.", "id", None)
        assert await decrypted(world, user_id) == "new@example.test"
        world.as_owner("notification", "truncate notification.contacts, notification.inbox")


async def test_pupils_and_guardians(world, other_world):
    mother, father, user_id = new_id(), new_id(), new_id()
    pupil = student(mother, father)
    await world.receive(pupil)
    await world.receive(linked(student_id=pupil.student_id, guardian_id=mother, user_id=user_id))
    assert [row["id"] for row in world.rows("pupils")] == [pupil.student_id]
    known = {row["guardian_id"]: (row["student_id"], row["user_id"]) for row in world.rows("guardianships")}
    assert known == {mother: (pupil.student_id, user_id), father: (pupil.student_id, None)}
    assert (other_world.rows("pupils"), other_world.rows("guardianships")) == ([], [])


async def test_a_late_pupil_does_not_undo_what_a_later_link_told(world):
    mother, user_id = new_id(), new_id()
    pupil = student(mother)
    early = world.envelope(pupil, sequence=1)
    late = world.envelope(linked(student_id=pupil.student_id, guardian_id=mother, user_id=user_id), sequence=2)
    await world.receive(late)
    await world.receive(early, late)
    [row] = world.rows("guardianships")
    assert (row["user_id"], row["sequence"]) == (user_id, 2)


async def test_schools_are_projected_and_get_their_timed_work(world, other_world):
    create = world.envelope(tenant(world), sequence=2)
    rename = world.envelope(tenant(world, TenantUpdated, name="SMA Gabriel Pereira", status="SUSPENDED"), sequence=3)
    await world.receive(rename)
    await world.receive(create, rename)
    [row] = world.rows("tenants")
    assert (row["name"], row["status"], row["features"], row["quotas"]) == (
        "SMA Gabriel Pereira",
        "SUSPENDED",
        ["FINANCE"],
        {"max_students": 10},
    )
    statement = "select tenant_id, name from notification.timed_jobs"
    assert world.as_owner("notification", statement) == [{"tenant_id": world.tenant_id, "name": "forget_secrets"}]
    assert [each["name"] for each in other_world.rows("tenants")] == ["School other-school"]


async def test_a_deleted_account_is_written_to_no_more_until_it_is_back(world, other_world):
    mother = await Family.of(world, "Ani")
    await Family.of(other_world, "Budi")
    others = other_world.rows("contacts")
    states = [
        world.envelope(created(user_id=mother.user_id), sequence=1000),
        world.envelope(UserDeleted(user_id=mother.user_id), sequence=1001),
    ]
    for order in itertools.permutations(states):
        await world.receive(*order)
    [row] = world.rows("contacts")
    assert (row["id"], row["name"], row["email"], row["phone"]) == (mother.user_id, "", None, None)
    await world.receive(absent(mother.pupils["Ani"]))
    assert world.rows("notifications") == []
    back = {"name": "Siti Aminah", "email": EMAIL}
    await world.receive(
        world.envelope(
            UserRestored(user_id=mother.user_id, status="ACTIVE", roles=("parent",), language="id", personal=back),
            sequence=1002,
        )
    )
    assert await decrypted(world, mother.user_id) == EMAIL
    await world.receive(absent(mother.pupils["Ani"]))
    assert [row["event_type"] for row in world.rows("notifications")] == ["absence.notified"]
    assert other_world.rows("contacts") == others


async def test_pupils_come_back_from_a_snapshot_of_academic(world, other_world, database_for, settings):
    """What academic tells again rebuilds the emptied projections, names included."""
    academic = AcademicWorld(
        database_for("academic"), Contacts.from_settings(settings), world.tenant_id, world.as_owner
    )
    year = await academic.year()
    lines = ("1,,Ani Canary,P,2010-01-01,,Ibu Ani,ibu,ani@example.test,", "2,,Budi Canary,L,2011-01-01,,,,,")
    assert await academic.import_(year, *lines) == []
    [guardian] = academic.rows("guardians")
    async with academic.write(Scope.SYSTEM) as tx:
        await link_account(tx, contacts=academic.contacts, record_id=guardian["id"], user_id=new_id())
    await world.receive(*told_by(world, since=0))
    former = [*kept(world, "pupils"), *kept(world, "guardianships")]
    told = len(academic.events())
    world.as_owner("notification", "truncate notification.pupils, notification.guardianships")
    await snapshot(academic.database, snapshots(academic.contacts), [world.tenant_id])
    await world.receive(*told_by(world, since=told))
    assert [*kept(world, "pupils"), *kept(world, "guardianships")] == former
    assert len(former) == 3
    names = [await name_of(world, row["id"]) for row in world.rows("pupils")]
    assert sorted(names) == ["Ani Canary", "Budi Canary"]
    assert other_world.rows("pupils") == []


def told_by(world: World, *, since: int) -> list[Envelope]:
    """What lies in academic's outbox for this school, as the stream brings it."""
    statement = "select * from academic.outbox where tenant_id = %s order by sequence offset %s"
    rows = world.as_owner("academic", statement, (world.tenant_id, since))
    return envelopes_of("academic", rows)


def kept(world: World, table: str) -> list[tuple[object, ...]]:
    """The rows without what each writing changes."""
    names = {"pupils": ("id", "user_id"), "guardianships": ("student_id", "guardian_id", "user_id", "is_primary")}
    return sorted(tuple(row[name] for name in names[table]) for row in world.rows(table))


async def name_of(world: World, pupil_id) -> str:
    async with world.database.read(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        keys = await world.vault.person_keys(tx, [pupil_id])
        sealed = await tx.scalar(select(Pupil.name).where(Pupil.id == pupil_id))
        place = {"table": "pupils", "column": "name", "row_id": pupil_id, "tenant_id": tx.tenant_id}
        return keys[pupil_id].decrypt(sealed, **place)
