"""Applicants and payers: the link with the secret, and receipts, once each and in whatever order news arrive."""

import itertools

import pytest

from libs.events.inbox import Held
from libs.kernel import Binding, Scope, new_id
from subgraphs.notification.channel.rules import Outcome, Receipt
from subgraphs.notification.notification.operations import forget_secrets
from subgraphs.notification.notification.rules import NotKnownYet
from tests.notification.world import EMAIL, SECRET, Family, World, linked, paid, student, submitted, text_of, verified

LINK = "https://wiyata.test/ppdb/school?number=20306577-2026A-0001"


def texts(world: World) -> list[str]:
    return [text_of(mail) for mail in world.mailer.mails]


async def test_an_applicant_s_contact_gets_number_secret_and_link(world: World, other_world: World):
    event = submitted()
    await world.receive(event)
    [contact], [row] = world.rows("contacts"), world.rows("notifications")
    assert (contact["id"], contact["application_id"]) == (event.contact.contact_id, event.application_id)
    assert EMAIL.encode() not in contact["email"]
    assert (row["contact_id"], row["user_id"], row["event_type"]) == (contact["id"], None, "application.submitted")
    assert "20306577-2026A-0001" in row["body"]
    assert SECRET not in row["body"] + row["subject"] + str(row["metadata"])
    assert await world.send_all() == 1
    [text] = texts(world)
    assert world.mailer.mails[0].recipient == EMAIL
    assert f"Kode pendaftaran: {SECRET}\n" in text
    assert f"{LINK}\n" in text  # the secret is typed in: addresses end up in logs
    assert text.count(SECRET) == 1
    assert [row["sealed"] for row in world.rows("notifications")] == [None]
    assert (other_world.rows("contacts"), other_world.rows("notifications")) == ([], [])


async def test_without_an_address_there_is_a_contact_and_no_message(world: World):
    event = submitted(email=None)
    await world.receive(event, verified(event), paid("APPLICANT", event.application_id))
    assert len(world.rows("contacts")) == 1
    assert (world.rows("notifications"), await world.send_all()) == ([], 0)


async def test_an_application_and_its_verification_are_told_once(world: World):
    event = submitted(language="en")
    both = [world.envelope(event), world.envelope(verified(event))]
    await world.receive(*both, *both)
    world.as_owner("notification", "truncate notification.inbox")
    await world.receive(*both)
    await world.receive(event, verified(event), submitted(**_again(event)))
    assert await world.send_all() == 2
    assert "has been verified" in world.rows("notifications")[1]["subject"]
    assert any(f"{LINK}\n" in text for text in texts(world))


def _again(event) -> dict:
    """The state of the application told again, by a snapshot: nobody knows its secret any more."""
    return {"application_id": event.application_id, "contact": event.contact, "secret": {}}


async def test_what_is_told_again_without_a_secret_only_rebuilds_the_contact(world: World):
    event = submitted()
    await world.receive(submitted(**_again(event)))
    assert (len(world.rows("contacts")), world.rows("notifications")) == (1, [])


@pytest.mark.parametrize("late", [0, 1, 2])
async def test_news_that_overtake_the_application_wait_for_it(world: World, late: int):
    event = submitted()
    news = [world.envelope(each) for each in (event, verified(event), paid("APPLICANT", event.application_id))]
    order = [*news[1 : late + 1], news[0], *news[late + 1 :]]
    failed = await world.inbox.apply(order)
    # The verification, of the same aggregate, lets the application itself wait behind it: what is kept is the order.
    assert {type(error) for error in failed.values()} == ({NotKnownYet, Held} if late else set())
    await world.receive(*(each for each in news if each.meta.id in failed))
    await world.receive(*order)
    assert await world.send_all() == 3
    told = sorted(row["event_type"] for row in world.rows("notifications"))
    assert told == ["application.submitted", "application.verified", "payment.received"]


async def test_a_receipt_goes_to_the_primary_guardian_and_is_about_the_pupil(world: World, other_world: World):
    family = await Family.of(world, "Budi")
    father = await Family.of(world, address="ayah@keluarga.example")
    budi = family.pupils["Budi"]
    await world.receive(linked(student_id=budi, guardian_id=father.guardian_id, user_id=father.user_id))
    await world.receive(paid("STUDENT", budi))
    [row] = world.rows("notifications")
    assert (row["user_id"], row["event_type"], row["subject"]) == (
        family.user_id,
        "payment.received",
        "Pembayaran Rp 1.500.000 telah kami terima",
    )
    assert [link["student_id"] for link in world.rows("notification_students")] == [budi]
    assert await world.send_all() == 1
    [text] = texts(world)
    for part in ("Rp 1.500.000", "INV/2026/07/0001", "PAY/2026/07/0001", "Sisa tagihan: Rp 500.000."):
        assert part in text
    assert other_world.rows("notifications") == []


async def test_a_payment_is_told_once_and_the_next_one_too(world: World):
    family = await Family.of(world, "Budi", language="en")
    first = paid("STUDENT", family.pupils["Budi"])
    envelope = world.envelope(first)
    await world.receive(envelope, envelope, first)
    world.as_owner("notification", "truncate notification.inbox")
    await world.receive(envelope, paid("STUDENT", family.pupils["Budi"], paid=2_000_000, amount=500_000))
    assert await world.send_all() == 2
    assert ["paid in full" in text for text in sorted(texts(world))].count(True) == 1


async def test_a_payment_for_a_pupil_nobody_told_of_waits(world: World):
    guardian, user_id = new_id(), new_id()
    pupil = student(guardian)
    early = world.envelope(paid("STUDENT", pupil.student_id))
    with pytest.raises(NotKnownYet):
        await world.receive(early)
    await world.receive(pupil)
    await world.receive(early)  # known, but without an account there is nobody to write to
    assert world.rows("notifications") == []
    await world.receive(linked(student_id=pupil.student_id, guardian_id=guardian, user_id=user_id, is_primary=True))
    assert await world.send_all() == 0


async def test_a_secret_that_was_forgotten_cannot_be_sent(world: World):
    await world.receive(submitted())
    world.mailer.answers = [Receipt(Outcome.TEMPORARY, "SMTP 451")]
    assert await world.send_all() == 1
    world.clock.forward(days=15)
    async with world.database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        await forget_secrets(tx)
    assert [row["sealed"] for row in world.rows("notifications")] == [None]
    assert await world.send_all() == 1
    assert [row["error_message"] for row in world.rows("notifications")] == ["expired"]


async def test_no_secret_lies_in_clear(world: World):
    await world.receive(submitted())
    tables = world.as_owner("notification", "select tablename as name from pg_tables where schemaname = 'notification'")
    content = "".join(
        row["line"]
        for table in tables
        for row in world.as_owner("notification", f"select t::text as line from notification.{table['name']} t")
    )
    assert "application.submitted" in content
    for needle in (SECRET, EMAIL):
        assert needle not in content
        assert needle.encode().hex() not in content


async def test_accounts_and_applicants_with_one_address_stay_apart(world: World):
    family, event = await Family.of(world, "Budi"), submitted()
    for order in itertools.permutations([event, paid("STUDENT", family.pupils["Budi"])]):
        await world.receive(*order)
    kinds = {row["user_id"]: row["event_type"] for row in world.rows("notifications")}
    assert kinds == {family.user_id: "payment.received", None: "application.submitted"}
