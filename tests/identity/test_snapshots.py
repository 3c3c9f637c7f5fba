"""Snapshots: what others keep of schools and accounts can be thrown away and comes back the same."""

import random
from contextlib import AsyncExitStack
from importlib import import_module

import pytest

from libs.auth import system_binding
from libs.events.contracts.academic import TeacherCreated
from libs.events.replay import snapshot
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of, envelopes_of
from subgraphs.academic.contact.queries import Contacts as AcademicContacts
from subgraphs.identity.account.operations.activate_user import deactivate_user
from subgraphs.identity.account.operations.change import Change
from subgraphs.identity.account.operations.delete_user import delete_user, restore_user
from subgraphs.identity.account.operations.update_user import update_user
from subgraphs.identity.consumers import snapshots
from subgraphs.identity.tenant.operations.configure_tenant import configure_tenant
from subgraphs.identity.tenant.operations.create_tenant import FirstAdmin, create_tenant
from subgraphs.identity.tenant.operations.suspend_tenant import suspend_tenant
from subgraphs.identity.tenant.rules import Feature, SchoolLevel
from subgraphs.identity.user.operations.provision_accounts import people_of_teacher, provision_accounts
from tests.academic.world import World

OTHERS = ("academic", "admission", "finance", "notification", "operations")
ADMIN = actor_of("super_admin", PLATFORM_TENANT_ID)
# What identity feeds, and what says of it which event came last.
KEPT = {
    **{(subgraph, "tenants"): ("sequence",) for subgraph in OTHERS},
    ("academic", "schools"): ("sequence",),
    ("notification", "contacts"): ("sequence", "email", "phone"),
}


@pytest.fixture
async def told(settings, as_owner):
    """`await told(rows)`: rows of identity's outbox, as every other subgraph's worker takes them."""
    workers = [import_module(f"subgraphs.{name}.app").create_worker(settings) for name in OTHERS]

    async def run(rows):
        envelopes = envelopes_of("identity", rows)
        for worker in workers:
            assert await worker.inbox.apply(envelopes) == {}

    async with AsyncExitStack() as stack:
        for worker in workers:
            stack.push_async_callback(worker.database.close)
        yield run


@pytest.fixture
def kept(as_owner):
    """`kept()`: what the others hold of identity, addresses by whether there are any."""

    def rows():
        return {
            place: [
                {
                    name: value is not None if name in ("email", "phone") else value
                    for name, value in row.items()
                    if name not in ("sequence", "created_at", "updated_at")
                }
                for row in as_owner(place[0], f"select * from {'.'.join(place)} order by tenant_id, id")
            ]
            for place in KEPT
        }

    return rows


@pytest.fixture
async def lived_in(database, contacts, revocations, visitor, invite):
    """A school whose entry and accounts have been made and changed; answers its id and its accounts by name."""
    async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
        school = await create_tenant(
            tx,
            actor=ADMIN,
            slug="gp",
            name="SMA Gabriel Pereira",
            npsn="20306577",
            level=SchoolLevel.SMA,
            timezone="Asia/Makassar",
            admin=FirstAdmin("Ratna Sari", "ratna@gp.test", None),
            contacts=contacts,
            origin=visitor,
        )
        given = {"actor": ADMIN, "tenant_id": school, "origin": visitor}
        await configure_tenant(tx, features=[Feature.GRADING], quotas={"max_teachers": 9}, expected_version=1, **given)
        await suspend_tenant(tx, reason="uji", **given)
    names = ("moved", "out", "gone", "back", "plain")
    users = {name: await invite(school, f"{name}@x.test", name=name.title()) for name in names}

    async def do(operation, name, **further):
        async with database.write(system_binding(school)) as tx:
            change = Change(actor_of("school_admin", school), visitor, tx.now.date(), contacts, revocations)
            await operation(tx, user_id=users[name], change=change, **further)

    await do(update_user, "moved", changes={"name": "Moved Away", "language": "en", "phone": None}, expected_version=1)
    await do(deactivate_user, "out")
    await do(delete_user, "gone")
    await do(delete_user, "back")
    await do(restore_user, "back")
    return school, users


def outbox(as_owner, since=0):
    rows = as_owner("identity", "select * from identity.outbox order by sequence")
    return rows[since:]


async def test_projections_from_nothing_but_a_snapshot_are_the_former_ones(
    *, lived_in, database, contacts, told, kept, as_owner
):
    school, users = lived_in
    live = outbox(as_owner)
    await told(live)
    former = kept()
    assert {place: len(rows) for place, rows in former.items()} == {
        place: 1 if place[1] != "contacts" else len(users) + 1 for place in KEPT
    }
    for place in KEPT:
        as_owner(place[0], f"delete from {'.'.join(place)}")
    await snapshot(database, snapshots(contacts), [school, PLATFORM_TENANT_ID, new_id()])
    await told(outbox(as_owner, len(live)))
    assert kept() == former
    (entry,) = former["finance", "tenants"]
    assert (entry["name"], entry["timezone"], entry["status"]) == ("SMA Gabriel Pereira", "Asia/Makassar", "SUSPENDED")
    assert (entry["features"], entry["quotas"]) == (["GRADING"], {"max_teachers": 9})
    people = {row["id"]: (row["name"], row["email"]) for row in former["notification", "contacts"]}
    assert (people[users["gone"]], people[users["moved"]]) == (("", False), ("Moved Away", True))


@pytest.mark.parametrize("seed", range(4))
async def test_in_any_order_and_twice_the_last_state_stands(
    *, lived_in, database, contacts, told, kept, as_owner, seed
):
    school, _ = lived_in
    live = outbox(as_owner)
    await told(live)
    former = kept()
    for place in KEPT:
        as_owner(place[0], f"delete from {'.'.join(place)}")
    for _ in range(2):
        await snapshot(database, snapshots(contacts), [school])
    # Again under other ids: the inbox knows none of them.
    told_again = [row | {"id": new_id()} for row in [*live, *outbox(as_owner, len(live))] * 2]
    told_again = [row for row in told_again if ".User" in row["type"] or ".Tenant" in row["type"]]
    random.Random(seed).shuffle(told_again)
    await told(told_again)
    assert kept() == former


async def test_a_change_after_the_snapshot_stands(*, lived_in, database, contacts, visitor, told, kept, as_owner):
    school, _ = lived_in
    await snapshot(database, snapshots(contacts), [school])
    async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
        await configure_tenant(
            tx,
            actor=ADMIN,
            tenant_id=school,
            features=None,
            quotas={"max_teachers": None},
            expected_version=3,
            origin=visitor,
        )
    await told(list(reversed(outbox(as_owner))))
    assert {rows[0]["quotas"].get("max_teachers") for place, rows in kept().items() if place[1] == "tenants"} == {None}


async def test_a_record_of_academic_finds_its_account_again(
    *, lived_in, database, database_for, contacts, revocations, settings, told, as_owner
):
    school, _ = lived_in
    await told(outbox(as_owner))
    academic = World(database_for("academic"), AcademicContacts.from_settings(settings), school, as_owner)
    teacher = await academic.teacher(email="plain@x.test")
    event = TeacherCreated(teacher_id=teacher.id, personal={"name": "Plain", "email": "plain@x.test"})
    async with database.write(system_binding(school)) as tx:
        await provision_accounts(tx, list(people_of_teacher(event)), contacts=contacts, revocations=revocations)
    await told(outbox(as_owner))
    (linked,) = academic.rows("teachers")
    as_owner("academic", "update academic.teachers set user_id = null")
    before = len(outbox(as_owner))
    await snapshot(database, snapshots(contacts), [school], aggregate="user")
    await told(outbox(as_owner, before))
    assert academic.rows("teachers")[0]["user_id"] == linked["user_id"] is not None


async def test_a_snapshot_writes_no_mail_and_tells_no_other_school_s(
    *, lived_in, add_user, other_school, database, contacts, told, as_owner
):
    school, _ = lived_in
    await add_user(other_school, "teacher")
    await told(outbox(as_owner))
    mails, before = as_owner("notification", "select id from notification.notifications"), len(outbox(as_owner))
    await snapshot(database, snapshots(contacts), [school])
    again = outbox(as_owner, before)
    await told(again)
    assert as_owner("notification", "select id from notification.notifications") == mails
    assert {row["tenant_id"] for row in again} == {school}
    assert {row["data"]["status"] for row in again if ".Tenant" in row["type"]} == {"SUSPENDED"}
    sealed = [row["data"]["personal"]["values"] for row in again if ".UserCreated." in row["type"]]
    assert all("@" not in str(values) for values in sealed)
