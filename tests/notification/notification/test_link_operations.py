"""Which pupils a message is about, in whatever order and company the events arrive."""

import asyncio
import itertools
from uuid import UUID

from libs.kernel import new_id
from tests.notification.world import World, invited, linked, student


def links(world: World) -> set[tuple[UUID, UUID]]:
    return {(row["notification_id"], row["student_id"]) for row in world.rows("notification_students")}


async def test_the_invitation_of_a_guardian_is_about_each_of_the_pupils_in_any_order(world, other_world):
    mother, user_id = new_id(), new_id()
    first, second = student(mother), student(mother)
    envelopes = [
        world.envelope(first, sequence=1),
        world.envelope(second, sequence=2),
        world.envelope(invited(user_id=user_id, about=mother), sequence=1),
    ]
    for order in itertools.permutations(envelopes):
        for envelope in order:
            await world.receive(envelope)
        await world.receive(*reversed(order))
        [notification] = world.rows("notifications")
        assert links(world) == {(notification["id"], each.student_id) for each in (first, second)}
        assert other_world.rows("notification_students") == []
        world.as_owner(
            "notification",
            "truncate notification.notifications, notification.inbox, notification.pupils, notification.guardianships cascade",
        )


async def test_the_invitation_of_a_pupil_is_about_the_pupil_and_a_teacher_s_about_none(world):
    pupil = student()
    await world.receive(pupil, invited(about=pupil.student_id), invited(about=new_id()), invited())
    mine = next(row for row in world.rows("notifications") if row["about_record_id"] == pupil.student_id)
    assert links(world) == {(mine["id"], pupil.student_id)}
    await world.sender().send_due()
    about = {data["notification_id"]: data["about_student_id"] for _, data in world.told()}
    assert about[str(mine["id"])] == str(pupil.student_id)
    assert sorted(about.values(), key=str) == sorted([str(pupil.student_id), None, None], key=str)


async def test_a_sibling_linked_later_shares_the_invitation(world):
    mother = new_id()
    first, second = student(mother), student()
    await world.receive(first, second, invited(about=mother))
    assert len(links(world)) == 1
    await world.receive(linked(student_id=second.student_id, guardian_id=mother))
    assert {student_id for _, student_id in links(world)} == {first.student_id, second.student_id}


async def test_invitation_and_pupil_that_arrive_at_once_find_each_other(world):
    for _ in range(10):
        mother = new_id()
        pupil = student(mother)
        await asyncio.gather(world.receive(pupil), world.receive(invited(about=mother)))
        assert pupil.student_id in {student_id for _, student_id in links(world)}
