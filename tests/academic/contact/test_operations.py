import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from libs.crypto import KeyRing
from libs.db import TenantTransaction
from libs.events import Inbox
from libs.events.contracts.identity import UserCreated
from libs.events.envelope import Envelope, EventMeta
from libs.kernel import Scope, new_id, utc_now
from libs.settings import Settings
from subgraphs.academic.consumers import consumers
from subgraphs.academic.contact.operations import link_account
from subgraphs.academic.student.operations import run_import
from tests.academic.world import HEADER, World


async def _link(world: World, record_id, user_id) -> None:
    async with world.write(Scope.SYSTEM) as tx:
        await link_account(tx, contacts=world.contacts, record_id=record_id, user_id=user_id)


async def test_a_guardians_account_is_told_for_every_child_once(world: World, other_world: World):
    year = await world.year()
    await world.import_(year, "1,,A,L,,,Ahmad,FATHER,a@example.test,", "2,,B,P,,,Ahmad,FATHER,a@example.test,")
    (guardian,) = world.rows("guardians")
    user = new_id()
    for _ in range(2):
        await _link(world, guardian["id"], user)
    assert world.rows("guardians")[0]["user_id"] == user
    linked = [event for event in world.events("GuardianLinked") if event["user_id"] == str(user)]
    assert {event["student_id"] for event in linked} == {str(row["id"]) for row in world.rows("students")}
    assert len(linked) == 2
    await _link(other_world, guardian["id"], new_id())  # another school's record is not there
    assert world.rows("guardians")[0]["user_id"] == user


async def test_a_new_sibling_of_a_guardian_with_an_account_is_linked_at_once(world: World):
    year = await world.year()
    await world.import_(year, "1,,A,L,,,Ahmad,FATHER,a@example.test,")
    user = new_id()
    await _link(world, world.rows("guardians")[0]["id"], user)
    await world.import_(year, "2,,B,P,,,Ahmad,FATHER,a@example.test,")
    event = world.events("GuardianLinked")[-1]
    assert event["user_id"] == str(user)
    assert event["student_id"] == str(next(row["id"] for row in world.rows("students") if row["nis"] == "2"))


@pytest.mark.parametrize("is_account_first", [True, False])
async def test_an_account_tied_while_a_sibling_comes_is_told_for_both(world: World, is_account_first: bool):
    year = await world.year()
    await world.import_(year, "1,,A,L,,,Ahmad,FATHER,a@example.test,")
    guardian, user = world.rows("guardians")[0]["id"], new_id()
    text = f"{HEADER}\n2,,B,P,,,Ahmad,FATHER,a@example.test,"

    async def tie(tx: TenantTransaction) -> None:
        await link_account(tx, contacts=world.contacts, record_id=guardian, user_id=user)

    async def add(tx: TenantTransaction) -> None:
        assert (
            await run_import(tx, contacts=world.contacts, academic_year_id=year.id, content=text, dry_run=False) == []
        )

    async def alone(change: Callable[[TenantTransaction], Awaitable[None]]) -> None:
        async with world.write(Scope.SYSTEM) as tx:
            await change(tx)

    first, second = (tie, add) if is_account_first else (add, tie)
    async with world.write(Scope.SYSTEM) as tx:
        await first(tx)
        waiting = asyncio.create_task(alone(second))
        await asyncio.sleep(0.3)  # it has come as far as it can
    await waiting
    linked = {event["student_id"] for event in world.events("GuardianLinked") if event["user_id"] == str(user)}
    assert linked == {str(row["id"]) for row in world.rows("students")}
    assert len(linked) == 2


async def test_a_pupils_account_comes_with_the_pupils_state(world: World):
    (student,) = await world.students(await world.year(), 1)
    user = new_id()
    await _link(world, student, user)
    assert world.rows("students")[0]["user_id"] == user
    assert [event["user_id"] for event in world.events("StudentUpdated")] == [str(user)]


async def test_a_teachers_account_is_told_with_what_the_teacher_does(world: World):
    year = await world.year()
    teacher, class_ = await world.teacher(), await world.class_(year)
    await world.homeroom(class_, teacher)
    await world.assign(class_, await world.subject(), world.semester(year), teacher)
    user = new_id()
    for _ in range(2):
        await _link(world, teacher.id, user)
    assert world.rows("teachers")[0]["user_id"] == user
    for name in ("HomeroomTeacherAssigned", "TeacherAssigned"):
        assert [event["user_id"] for event in world.events(name)] == [None, str(user)]


async def test_an_unknown_record_changes_nothing(world: World):
    before = world.events()
    await _link(world, new_id(), new_id())
    assert world.events() == before


async def test_hundreds_of_accounts_are_linked_in_one_batch_and_delivered_twice(
    world: World, settings: Settings, record_property
):
    year = await world.year()
    await world.import_(year, *(f"{n},,P {n},L,,,G {n},FATHER,g{n}@example.test," for n in range(300)))
    inbox = Inbox(world.database, consumers(world.contacts), KeyRing.from_settings(settings))
    envelopes = []
    for sequence, guardian in enumerate(world.rows("guardians"), 1):
        event = UserCreated(
            user_id=new_id(), status="INVITED", roles=("parent",), language="id", record_id=guardian["id"]
        )
        data = {"user_id": str(event.user_id), "status": "INVITED", "roles": ["parent"], "language": "id", "record_id": str(guardian["id"])}  # fmt: skip
        meta = EventMeta(new_id(), sequence, utc_now(), world.tenant_id)
        envelopes.append(Envelope(meta, "/subgraphs/identity", "id.wiyata.identity.UserCreated.v1", event.user_id, None, data, b""))  # fmt: skip
    started = time.perf_counter()
    assert await inbox.apply(envelopes) == {}
    record_property("accounts_per_second", 300 / (time.perf_counter() - started))
    assert await inbox.apply(list(reversed(envelopes))) == {}
    linked = [event for event in world.events("GuardianLinked") if event["user_id"]]
    assert len(linked) == 300
    assert all(row["user_id"] for row in world.rows("guardians"))


async def test_an_account_tied_while_the_teacher_is_assigned_is_told_too(world: World):
    year = await world.year()
    teacher, class_, subject = await world.teacher(), await world.class_(year), await world.subject()
    user = new_id()
    async with world.write(Scope.SYSTEM) as tx:
        await link_account(tx, contacts=world.contacts, record_id=teacher.id, user_id=user)
        assigning = asyncio.gather(
            world.homeroom(class_, teacher), world.assign(class_, subject, world.semester(year), teacher)
        )
        await asyncio.sleep(0.3)  # both have come as far as they can
    await assigning
    for event in ("HomeroomTeacherAssigned", "TeacherAssigned"):
        assert [each["user_id"] for each in world.events(event)] == [str(user)], event
