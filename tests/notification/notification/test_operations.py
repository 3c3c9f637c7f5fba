"""From the event to the sent mail: once, to the right person, with nothing left lying about."""

import asyncio
import email
import re
from datetime import timedelta

import pytest

from libs.events import DeadLetters
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope, new_id
from libs.telemetry import configure_logging
from subgraphs.notification.channel.adapters.sink import Sink
from subgraphs.notification.channel.rules import SENT, Outcome, Receipt
from subgraphs.notification.notification.operations import forget_secrets
from subgraphs.notification.notification.rules import Channel, NotificationStatus
from tests.notification.world import EMAIL, TOKEN, Recorder, World, activated, created, invited, text_of

BUSY = Receipt(Outcome.TEMPORARY, "SMTP 451")
REFUSED = Receipt(Outcome.PERMANENT, "SMTP 550")


async def send_all(world: World) -> int:
    return await world.send_all()


async def test_an_invitation_becomes_one_pending_message(world, other_world):
    event = invited()
    await world.receive(event)
    [row] = world.rows("notifications")
    assert (row["user_id"], row["contact_id"]) == (event.user_id, event.user_id)
    assert (row["event_type"], row["channel"], row["status"], row["attempts"]) == (
        "user.created",
        "EMAIL",
        "PENDING",
        0,
    )
    assert (row["language"], row["expires_at"], row["sent_at"]) == ("id", event.expires_at, None)
    assert row["metadata"] == {"days": 7}
    assert "berlaku 7 hari" in row["body"]
    [queued] = world.rows("deliveries")
    assert (queued["notification_id"], queued["attempts"], queued["due_at"]) == (row["id"], 0, world.clock.now)
    assert (other_world.rows("notifications"), other_world.rows("deliveries")) == ([], [])


async def test_the_mail_carries_the_link_in_the_language_of_the_person(world):
    await world.receive(invited(language="en"), invited(language="id", personal={"name": "Budi", "email": "b@x.test"}))
    assert await send_all(world) == 2
    english, indonesian = sorted(world.mailer.mails, key=lambda mail: mail.recipient, reverse=True)
    link = f"https://wiyata.test/account/invitation?token={TOKEN}"
    assert english.recipient == EMAIL
    assert text_of(english).startswith("Dear Siti Aminah,\n")
    assert f"Accept the invitation:\n{link}\n" in text_of(english)
    assert text_of(indonesian).startswith("Yth. Budi,\n")
    assert f"Terima undangan:\n{link}\n" in text_of(indonesian)
    assert "School school" in text_of(english)


async def test_what_is_sent_is_recorded_told_and_forgotten(world):
    event = invited()
    await world.receive(event)
    world.clock.forward(seconds=5)
    assert await send_all(world) == 1
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["sent_at"], row["sealed"]) == ("SENT", 1, world.clock.now, None)
    assert row["error_message"] is None
    assert world.rows("deliveries") == []
    [(name, data)] = world.told()
    assert name == "NotificationSent"
    assert data["notification_id"] == str(row["id"])
    assert (data["attempts"], data["event_type"], data["recipient_user_id"]) == (1, "user.created", str(event.user_id))
    message = email.message_from_bytes(world.mailer.mails[0].content)
    assert message["Message-ID"] == f"<{row['id']}@wiyata.test>"


async def test_the_same_event_again_and_late_tells_nobody_twice(world):
    user_id = new_id()
    envelope = world.envelope(invited(user_id=user_id))
    await world.receive(envelope, envelope)
    await send_all(world)
    await world.receive(envelope)
    # Behind a restored backup the inbox may have forgotten; the dedupe key has not.
    world.as_owner("notification", "truncate notification.inbox")
    await world.receive(envelope)
    assert await send_all(world) == 0
    assert len(world.rows("notifications")) == len(world.mailer.mails) == 1
    await world.receive(invited(user_id=user_id))
    assert await send_all(world) == 1
    assert len(world.rows("notifications")) == 2


async def test_creation_alone_tells_nobody_and_activation_does(world):
    user_id = new_id()
    await world.receive(created(user_id=user_id))
    assert (world.rows("notifications"), await send_all(world)) == ([], 0)
    await world.receive(activated(user_id=user_id))
    assert await send_all(world) == 1
    [mail] = world.mailer.mails
    assert "telah aktif" in text_of(mail)
    assert "http" not in text_of(mail)
    assert world.rows("notifications")[0]["event_type"] == "user.activated"


async def test_two_senders_that_race_send_each_message_once(world, other_world):
    await world.receive(*(invited() for _ in range(60)))
    await other_world.receive(*(invited() for _ in range(40)))

    class Slow(Recorder):
        async def deliver(self, mails):
            await asyncio.sleep(0.01)
            return await super().deliver(mails)

    slow = Slow()

    async def work() -> int:
        done = 0
        while sent := await world.sender(slow).send_due(limit=7):
            done += sent
        return done

    counts = await asyncio.gather(work(), work(), work())
    assert sum(counts) == 100
    assert sum(1 for count in counts if count) >= 2
    ids = [email.message_from_bytes(mail.content)["Message-ID"] for mail in slow.mails]
    assert len(ids) == len(set(ids)) == 100
    for each, expected in ((world, 60), (other_world, 40)):
        assert [row["status"] for row in each.rows("notifications")] == ["SENT"] * expected
        assert [name for name, _ in each.told()] == ["NotificationSent"] * expected


async def test_a_temporary_error_is_tried_again_when_it_is_due(world):
    await world.receive(invited())
    world.mailer.answers = [BUSY, OSError("disk full"), SENT]
    assert await send_all(world) == 1
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("RETRY", 1, "SMTP 451")
    assert row["sealed"] is not None
    assert world.told() == []
    world.clock.forward(seconds=20)
    assert await send_all(world) == 0
    world.clock.forward(seconds=20)
    assert await send_all(world) == 1
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("RETRY", 2, "OSError")
    world.clock.forward(seconds=150)
    assert await send_all(world) == 1
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("SENT", 3, None)
    assert [name for name, _ in world.told()] == ["NotificationSent"]


async def test_after_three_attempts_it_fails_and_lies_with_the_dead_letters(world, other_world):
    await world.receive(invited())
    world.mailer.answers = [BUSY] * 3
    for _ in range(3):
        assert await send_all(world) == 1
        world.clock.forward(minutes=10)
    assert await send_all(world) == 0
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("FAILED", 3, "SMTP 451")
    assert [(name, data["error"]) for name, data in world.told()] == [("NotificationFailed", "SMTP 451")]
    [letter] = world.rows("dead_letters")
    assert (letter["status"], letter["deliveries"]) == ("OPEN", 3)
    assert letter["type"] == "id.wiyata.notification.RetryRequested.v1"
    assert letter["body"]["data"] == {"notification_id": str(row["id"])}
    assert (world.rows("deliveries"), other_world.rows("dead_letters")) == ([], [])


async def replay(world: World) -> None:
    letters = DeadLetters("notification")
    async with world.database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        [letter] = await letters.find(tx)
        await letters.replay(tx, world.inbox, letter.id)


async def test_a_replayed_dead_letter_is_sent_with_its_link(world):
    await world.receive(invited())
    world.mailer.answers = [REFUSED]
    await send_all(world)
    assert [row["status"] for row in world.rows("notifications")] == ["FAILED"]
    await replay(world)
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("PENDING", 0, None)
    assert await send_all(world) == 1
    assert TOKEN in text_of(world.mailer.mails[0])
    assert [row["status"] for row in world.rows("notifications")] == ["SENT"]
    assert [row["status"] for row in world.rows("dead_letters")] == ["REPLAYED"]


async def test_a_message_that_fails_again_after_a_replay_has_a_new_dead_letter(world):
    await world.receive(invited())
    world.mailer.answers = [REFUSED, REFUSED]
    await send_all(world)
    await replay(world)
    await send_all(world)
    assert [row["status"] for row in world.rows("dead_letters")] == ["REPLAYED", "OPEN"]
    await replay(world)
    assert await send_all(world) == 1
    assert [row["status"] for row in world.rows("notifications")] == ["SENT"]


async def test_permanent_errors_are_not_tried_again_and_hurt_nobody_else(world):
    nobody = invited(personal={"name": "Tanpa Alamat"})
    broken = invited(personal={"name": "Salah", "email": "not an address"})
    stale = invited(expires_at=world.clock.now)
    good = invited()
    await world.receive(nobody, broken, stale, good)
    assert await send_all(world) == 4
    told = {
        row["user_id"]: (row["status"], row["attempts"], row["error_message"]) for row in world.rows("notifications")
    }
    assert told == {
        nobody.user_id: ("FAILED", 1, "no address"),
        broken.user_id: ("FAILED", 1, "BadAddress"),
        stale.user_id: ("FAILED", 1, "expired"),
        good.user_id: ("SENT", 1, None),
    }
    world.clock.forward(hours=1)
    assert await send_all(world) == 0
    assert len(world.rows("dead_letters")) == 3


async def test_an_erased_person_is_not_written_to(world):
    gone, here = invited(), invited()
    await world.receive(gone, here)
    world.as_owner("notification", "delete from notification.data_keys where subject_id = %s", (gone.user_id,))
    assert await send_all(world) == 2
    told = {row["user_id"]: row["error_message"] for row in world.rows("notifications")}
    assert told == {gone.user_id: "no address", here.user_id: None}


async def test_a_broken_key_holds_up_nobody_else(world):
    events = [invited() for _ in range(3)]
    await world.receive(*events)
    world.as_owner(
        "notification",
        "update notification.data_keys set wrapped = overlay(wrapped placing '\\x00'::bytea from 20) where subject_id = %s",
        (events[1].user_id,),
    )
    assert await send_all(world) == 3
    told = {row["user_id"]: row["status"] for row in world.rows("notifications")}
    assert told == {events[0].user_id: "SENT", events[1].user_id: "FAILED", events[2].user_id: "SENT"}


class Killed(BaseException):
    """The process ends here."""


class KilledAfterwards(Recorder):
    """The mails are out, and the process dies before it can say so."""

    async def deliver(self, mails):
        await super().deliver(mails)
        raise Killed


async def test_a_sender_that_dies_is_followed_by_another_with_the_same_message_id(world):
    await world.receive(invited())
    dying = KilledAfterwards()
    with pytest.raises(Killed):
        await world.sender(dying).send_due()
    assert [row["attempts"] for row in world.rows("deliveries")] == [1]
    assert await send_all(world) == 0
    world.clock.forward(seconds=91)
    assert await send_all(world) == 1
    assert [row["status"] for row in world.rows("notifications")] == ["SENT"]
    ids = {email.message_from_bytes(mail.content)["Message-ID"] for mail in (*dying.mails, *world.mailer.mails)}
    assert (len(dying.mails), len(world.mailer.mails), len(ids)) == (1, 1, 1)
    assert [name for name, _ in world.told()] == ["NotificationSent"]


async def test_a_message_that_takes_three_senders_with_it_is_given_up(world):
    await world.receive(invited())
    dying = KilledAfterwards()
    for _ in range(3):
        with pytest.raises(Killed):
            await world.sender(dying).send_due()
        world.clock.forward(seconds=91)
    assert await send_all(world) == 1
    [row] = world.rows("notifications")
    assert (row["status"], row["attempts"], row["error_message"]) == ("FAILED", 3, "interrupted")
    assert (len(dying.mails), world.mailer.mails) == (3, [])


async def test_the_word_of_a_sender_that_lost_its_claim_counts_only_when_it_sent(world):
    """A slow sender comes back after its lease: its failure is not the message's any more, its success is."""
    await world.receive(invited(), invited())

    class Late(Recorder):
        async def deliver(self, mails):
            receipts = await super().deliver(mails)
            world.clock.forward(seconds=91)
            world.mailer.answers = [REFUSED, REFUSED]
            await send_all(world)
            return receipts

    await world.sender(Late(answers=[SENT, BUSY])).send_due()
    assert [row["status"] for row in world.rows("notifications")] == ["FAILED", "FAILED"]
    world.as_owner("notification", "truncate notification.notifications cascade")
    await world.receive(invited())

    class Dozing(Recorder):
        async def deliver(self, mails):
            receipts = await super().deliver(mails)
            world.clock.forward(seconds=91)
            world.mailer.answers = [BUSY]
            await send_all(world)
            return receipts

    await world.sender(Dozing()).send_due()
    assert [row["status"] for row in world.rows("notifications")] == ["SENT"]
    assert world.rows("deliveries") == []


async def test_expired_secrets_are_forgotten_and_others_kept(world, other_world):
    expired, valid = invited(), invited(expires_at=world.clock.now.replace(year=2030))
    await world.receive(expired, valid)
    await other_world.receive(invited())
    world.clock.forward(days=8)
    async with world.database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        await forget_secrets(tx)
    kept = {row["user_id"]: row["sealed"] is not None for row in world.rows("notifications")}
    assert kept == {expired.user_id: False, valid.user_id: True}
    assert [row["sealed"] is not None for row in other_world.rows("notifications")] == [True]


async def test_no_token_and_no_address_lies_anywhere(world, capsys):
    """The canary: after success and failure alike neither is found in any row of the schema, nor in a log line."""
    configure_logging(world.settings, "test")
    await world.receive(invited(), invited(personal={"name": "Budi", "email": "budi.canary@keluarga.example"}))
    world.mailer.answers = [REFUSED, OSError(f"cannot write to {EMAIL}")]
    await send_all(world)
    await world.receive(invited())
    await send_all(world)
    tables = world.as_owner("notification", "select tablename from pg_tables where schemaname = 'notification'")
    names = {row["tablename"] for row in tables}
    assert {"notifications", "dead_letters", "outbox", "inbox", "contacts"} <= names
    content = "".join(
        row["line"]
        for name in names
        for row in world.as_owner("notification", f"select t::text as line from notification.{name} t")
    )
    needles = [TOKEN, "keluarga.example", "8123456789"]
    hex_needles = [needle.encode().hex() for needle in needles]
    logged = capsys.readouterr().out
    assert "user.created" in content
    assert "channel_failed" in logged
    for needle in (*needles, *hex_needles):
        assert needle not in content
        assert needle not in logged


async def test_the_sink_is_a_mailer_like_any_other(world, tmp_path):
    sink = Sink(tmp_path / "mail")
    await world.receive(invited())
    assert await world.sender(sink).send_due() == 1
    [kept] = sink.newest_first()
    assert (kept.to, kept.links) == (EMAIL, [f"https://wiyata.test/account/invitation?token={TOKEN}"])


async def test_the_table_admits_exactly_the_channels_and_statuses_of_the_rules(world):
    checks = world.as_owner(
        "notification",
        "select conname as name, pg_get_constraintdef(oid) as rule from pg_constraint"
        " where conrelid = 'notification.notifications'::regclass and contype = 'c'",
    )
    admitted = {row["name"]: set(re.findall(r"'([A-Z]+)'", row["rule"])) for row in checks}
    assert admitted["ck_notifications_channel"] == {each.value for each in Channel}
    assert admitted["ck_notifications_status"] == {each.value for each in NotificationStatus}


async def test_an_idle_sender_touches_nothing(world):
    assert await world.sender().send_due() == 0
    async with world.database.read(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
        assert tx.tenant_id == PLATFORM_TENANT_ID
    assert world.rows("outbox") == []


async def test_a_suspended_school_sends_nothing_until_it_is_resumed(world, other_world):
    """What expires meanwhile is not sent at all."""
    await world.receive(invited(), invited(expires_at=world.clock.now + timedelta(days=1)))
    await other_world.receive(invited())
    statement = "update notification.tenants set status = %s where tenant_id = %s"
    world.as_owner("notification", statement, ("SUSPENDED", world.tenant_id))
    assert await send_all(world) == 1
    assert [row["status"] for row in other_world.rows("notifications")] == ["SENT"]
    assert {(row["status"], row["attempts"]) for row in world.rows("notifications")} == {("PENDING", 0)}
    world.clock.forward(days=2)
    assert await send_all(world) == 0
    world.as_owner("notification", statement, ("ACTIVE", world.tenant_id))
    assert await send_all(world) == 2
    assert sorted(row["status"] for row in world.rows("notifications")) == ["FAILED", "SENT"]
    assert len(world.mailer.mails) == 2
