"""Absences: one message to a guardian for all pupils of a day, and never twice about one."""

import asyncio
import itertools
import re
from datetime import timedelta

import pytest

from libs.kernel import Binding, Scope
from subgraphs.notification.channel.rules import Outcome, Receipt
from subgraphs.notification.notification.operations import forget_secrets
from subgraphs.notification.notification.rules import NotKnownYet
from tests.notification.world import EMAIL, HOLD, TODAY, Family, Recorder, World, absent, linked, student, text_of

BUDI, SITI, TONO = "Budi Canary", "Siti Canary", "Tono Canary"


async def released(world: World) -> list[str]:
    """The texts of the mails that leave when the hold is over."""
    before = len(world.mailer.mails)
    world.clock.forward(seconds=HOLD + 1)
    await world.send_all()
    return [text_of(mail) for mail in world.mailer.mails[before:]]


def pupils_of(text: str) -> list[str]:
    return [name for name in (BUDI, SITI, TONO) if name in text]


async def test_a_guardian_gets_one_mail_for_all_pupils_of_the_day(world: World, other_world: World):
    family = await Family.of(world, BUDI, SITI)
    await world.receive(absent(family.pupils[BUDI], in_class="X IPA 1"))
    world.clock.forward(seconds=60)
    await world.receive(absent(family.pupils[SITI], "LATE", in_class="XII-3"))
    [row] = world.rows("notifications")
    assert (row["event_type"], row["status"], row["user_id"]) == ("absence.notified", "PENDING", family.user_id)
    assert row["subject"] == "Ketidakhadiran di sekolah: Rabu, 1 Juli 2026"
    assert not pupils_of(row["subject"] + row["body"])
    assert {link["student_id"] for link in world.rows("notification_students")} == set(family.pupils.values())
    assert await world.send_all() == 0
    [text] = await released(world)
    assert f"{BUDI}, kelas X IPA 1: tidak hadir.\n" in text
    assert f"{SITI}, kelas XII-3: terlambat.\n" in text
    assert world.mailer.mails[0].recipient == EMAIL
    [row] = world.rows("notifications")
    assert (row["status"], row["collecting"], world.rows("deliveries")) == ("SENT", False, [])
    assert [name for name, _ in world.told()] == ["NotificationSent"]
    assert (other_world.rows("notifications"), other_world.rows("absences")) == ([], [])


async def test_whoever_comes_after_it_was_sent_gets_a_message_of_their_own(world: World):
    family = await Family.of(world, BUDI, SITI, TONO)
    await world.receive(absent(family.pupils[BUDI]))
    assert [pupils_of(text) for text in await released(world)] == [[BUDI]]
    await world.receive(absent(family.pupils[SITI]), absent(family.pupils[TONO]))
    assert [pupils_of(text) for text in await released(world)] == [[SITI, TONO]]
    assert len(world.rows("notifications")) == 2


async def test_nobody_is_told_twice_of_a_pupil_and_a_day(world: World):
    family = await Family.of(world, BUDI)
    budi = family.pupils[BUDI]
    mark = world.envelope(absent(budi))
    await world.receive(mark, mark)
    assert len(await released(world)) == 1
    await world.receive(mark)
    world.as_owner("notification", "truncate notification.inbox")
    await world.receive(mark)
    # a lesson later, another status, corrected and absent again: the family knows already
    await world.receive(absent(budi), absent(budi, "LATE"), absent(budi, "PRESENT"), absent(budi))
    assert await released(world) == []
    assert [row["status"] for row in world.rows("notifications")] == ["SENT"]
    world.clock.forward(days=1)
    await world.receive(absent(budi, day=TODAY + timedelta(days=1)))
    assert len(await released(world)) == 1


async def test_a_corrected_mark_takes_the_pupil_out_and_the_last_one_cancels(world: World):
    family = await Family.of(world, BUDI, SITI)
    await world.receive(absent(family.pupils[BUDI]), absent(family.pupils[SITI]))
    await world.receive(absent(family.pupils[BUDI], "SICK"))
    assert [row["student_id"] for row in world.rows("notification_students")] == [family.pupils[SITI]]
    assert [row["status"] for row in world.rows("notifications")] == ["PENDING"]
    await world.receive(absent(family.pupils[SITI], "PRESENT"))
    assert [row["status"] for row in world.rows("notifications")] == ["CANCELLED"]
    assert await released(world) == []
    assert (world.rows("deliveries"), world.told()) == ([], [])
    await world.receive(absent(family.pupils[SITI]))
    assert [pupils_of(text) for text in await released(world)] == [[SITI]]
    assert sorted(row["status"] for row in world.rows("notifications")) == ["CANCELLED", "SENT"]


async def test_the_last_word_before_it_leaves_is_what_it_says(world: World):
    family = await Family.of(world, BUDI, language="en")
    await world.receive(absent(family.pupils[BUDI]), absent(family.pupils[BUDI], "LATE"))
    [text] = await released(world)
    assert f"{BUDI}, class X-1: late." in text
    assert text.startswith("Dear Siti Aminah,\n")


async def test_marks_of_a_pupil_count_in_any_order_of_arrival(world: World):
    family = await Family.of(world, BUDI)
    budi = family.pupils[BUDI]
    marks = [world.envelope(absent(budi, status), sequence=9000 + at) for at, status in enumerate(("ABSENT", "SICK"))]
    for order in itertools.permutations(marks):
        await world.receive(*order, *order)
        assert await released(world) == []
        assert [row["status"] for row in world.rows("absences")] == ["SICK"]
        world.as_owner(
            "notification", "truncate notification.inbox, notification.absences, notification.notifications cascade"
        )
    for order in itertools.permutations([world.envelope(absent(budi), sequence=9002), *marks]):
        await world.receive(*order)
        assert len(await released(world)) == 1
        world.as_owner(
            "notification", "truncate notification.inbox, notification.absences, notification.notifications cascade"
        )


async def test_a_pupil_nobody_told_of_yet_is_not_lost(world: World):
    family = await Family.of(world, SITI)
    newcomer = student(family.guardian_id, name=BUDI)
    early = world.envelope(absent(newcomer.student_id))
    with pytest.raises(NotKnownYet):
        await world.receive(early)
    assert (world.rows("absences"), world.rows("notifications")) == ([], [])
    failed = await world.inbox.apply([early, world.envelope(absent(family.pupils[SITI]))])
    assert list(failed) == [early.meta.id]
    await world.receive(newcomer)
    await world.receive(early)
    # StudentCreated knew of no account yet: only who is linked to one is written to
    assert [pupils_of(text) for text in await released(world)] == [[SITI]]


async def test_only_today_and_only_whom_a_mail_reaches(world: World, other_world: World):
    family = await Family.of(world, BUDI)
    mute = await Family.of(world, TONO, address=None)
    alone = student(name=SITI)
    await world.receive(alone, absent(alone.student_id), absent(mute.pupils[TONO]))
    for days in (-1, 1, -400):
        await world.receive(absent(family.pupils[BUDI], day=TODAY + timedelta(days=days)))
    assert world.rows("notifications") == []
    assert {row["student_id"] for row in world.rows("absences")} == {alone.student_id, mute.pupils[TONO]}
    # half past four in the afternoon in UTC is still today in Jakarta, and tomorrow in Jayapura
    world.clock.forward(hours=8, minutes=30)
    await world.receive(absent(family.pupils[BUDI], day=TODAY + timedelta(days=1)))
    assert world.rows("notifications") == []
    # half past ten in the evening is tomorrow in Jakarta
    world.clock.forward(hours=6)
    await world.receive(absent(family.pupils[BUDI]))
    assert world.rows("notifications") == []
    await world.receive(absent(family.pupils[BUDI], day=TODAY + timedelta(days=1)))
    assert len(await released(world)) == 1


async def test_two_guardians_are_told_each_and_schools_apart(world: World, other_world: World):
    here, there = await Family.of(world, BUDI), await Family.of(other_world, SITI)
    father = await Family.of(world, address="ayah@keluarga.example")
    await world.receive(
        linked(student_id=here.pupils[BUDI], guardian_id=father.guardian_id, user_id=father.user_id),
        absent(here.pupils[BUDI]),
    )
    await other_world.receive(absent(there.pupils[SITI]))
    texts = await released(world)
    assert sorted(mail.recipient for mail in world.mailer.mails) == ["ayah@keluarga.example", EMAIL, EMAIL]
    assert sorted(pupils_of(text)[0] for text in texts) == [BUDI, BUDI, SITI]
    assert (len(world.rows("notifications")), len(other_world.rows("notifications"))) == (2, 1)


async def test_a_pupil_who_comes_while_the_mail_is_on_its_way_is_told_of_later(world: World):
    family = await Family.of(world, BUDI, SITI)
    await world.receive(absent(family.pupils[BUDI]))
    world.clock.forward(seconds=HOLD + 1)

    class Slow(Recorder):
        async def deliver(self, mails):
            await world.receive(absent(family.pupils[SITI]), absent(family.pupils[BUDI], "PRESENT"))
            return await super().deliver(mails)

    slow = Slow()
    assert await world.sender(slow).send_due() == 1
    assert [pupils_of(text_of(mail)) for mail in slow.mails] == [[BUDI]]
    assert [pupils_of(text) for text in await released(world)] == [[SITI]]
    assert [row["status"] for row in world.rows("notifications")] == ["SENT", "SENT"]


async def test_a_second_attempt_says_the_same_and_an_old_one_nothing(world: World):
    family = await Family.of(world, BUDI)
    await world.receive(absent(family.pupils[BUDI]))
    world.mailer.answers = [Receipt(Outcome.TEMPORARY, "SMTP 451")]
    assert await released(world) == []
    await world.receive(absent(family.pupils[BUDI], "PRESENT"))  # too late: it may have arrived
    world.clock.forward(minutes=1)
    assert await world.send_all() == 1
    assert pupils_of(text_of(world.mailer.mails[0])) == [BUDI]
    late = await Family.of(world, SITI)
    await world.receive(absent(late.pupils[SITI]))
    world.clock.forward(days=2)
    assert await world.send_all() == 1
    assert [(row["status"], row["error_message"]) for row in world.rows("notifications")] == [
        ("SENT", None),
        ("FAILED", "expired"),
    ]


async def test_no_name_of_a_pupil_lies_in_clear_and_old_absences_are_forgotten(world: World):
    family = await Family.of(world, BUDI)
    await world.receive(absent(family.pupils[BUDI]))
    assert len(await released(world)) == 1
    tables = world.as_owner("notification", "select tablename as name from pg_tables where schemaname = 'notification'")
    content = "".join(
        row["line"]
        for table in tables
        for row in world.as_owner("notification", f"select t::text as line from notification.{table['name']} t")
    )
    assert "absence.notified" in content
    assert BUDI not in content
    assert BUDI.encode().hex() not in content
    world.clock.forward(days=9)
    async with world.database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        await forget_secrets(tx)
    assert world.rows("absences") == []


async def test_an_erased_pupil_s_family_is_told_without_the_name(world: World):
    family = await Family.of(world, BUDI)
    await world.receive(absent(family.pupils[BUDI]))
    async with world.database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        await world.vault.shred(tx, family.pupils[BUDI])
    [text] = await released(world)
    assert "Anak Anda, kelas X-1: tidak hadir." in text


async def test_siblings_whose_marks_race_share_one_message(world: World):
    family = await Family.of(world, BUDI, SITI, TONO)
    for status in ("ABSENT", "LATE"):
        await asyncio.gather(*(world.receive(absent(each, status)) for each in family.pupils.values()))
        assert len(world.rows("notifications")) == len(world.rows("deliveries")) == 1
    assert len(world.rows("notification_students")) == 3
    assert [pupils_of(text) for text in await released(world)] == [[BUDI, SITI, TONO]]


async def test_marks_that_race_with_senders_are_told_once_each(world: World):
    families = [await Family.of(world, f"{BUDI} {number}", f"{SITI} {number}") for number in range(8)]
    await world.receive(*(absent(next(iter(family.pupils.values()))) for family in families))
    world.clock.forward(seconds=HOLD + 1)
    late = [world.receive(absent(list(family.pupils.values())[1])) for family in families]
    await asyncio.gather(*(world.sender().send_due(limit=3) for _ in range(3)), *late)
    await released(world)
    told = [name for mail in world.mailer.mails for name in re.findall(r"^(.+), kelas", text_of(mail), re.MULTILINE)]
    assert sorted(told) == sorted(name for family in families for name in family.pupils)
    assert {row["status"] for row in world.rows("notifications")} == {"SENT"}
