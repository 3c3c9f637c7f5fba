import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header

import pytest

from subgraphs.notification.channel.rules import BadAddress, Mail, write_mail

SENT_AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)


def mail(**changes) -> Mail:
    values = {
        "sender": "Wiyata <noreply@wiyata.test>",
        "recipient": "budi@example.test",
        "name": "Budi Santoso",
        "subject": "Undangan",
        "text": "Halo.\n\nhttps://wiyata.test/account/invitation?token=a-b_c.d\n",
        "html": "<p>Halo</p>",
        "message_id": "0198",
        "sent_at": SENT_AT,
    }
    return write_mail(**(values | changes))


def read(written: Mail):
    return email.message_from_bytes(written.content, policy=email.policy.default)


def read_raw(written: Mail):
    return email.message_from_bytes(written.content)


def test_a_mail_reads_back_as_it_was_written():
    written = mail()
    message = read(written)
    assert (written.sender, written.recipient) == ("noreply@wiyata.test", "budi@example.test")
    assert message["From"].addresses[0].display_name == "Wiyata"
    assert str(message["To"]) == "Budi Santoso <budi@example.test>"
    assert message["Subject"] == "Undangan"
    assert message["Date"].datetime == SENT_AT
    assert message["Message-ID"] == "<0198@wiyata.test>"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n").startswith("Halo.\n\nhttps://wiyata.test/")
    assert "token=a-b_c.d" in message.get_body(("plain",)).get_content()
    assert message.get_body(("html",)).get_content().strip() == "<p>Halo</p>"
    assert message.defects == []


def test_the_same_message_has_the_same_message_id_at_every_attempt():
    later = datetime(2026, 7, 2, tzinfo=UTC)
    assert read(mail())["Message-ID"] == read(mail(sent_at=later))["Message-ID"]
    assert read(mail(message_id="0199"))["Message-ID"] != read(mail())["Message-ID"]


@pytest.mark.parametrize("name", ["Sítì Nurháliza", "Budi 😀 Santoso", 'Drs. "Budi", M.Pd. (Kepala)', "ابن خلدون", ""])
def test_any_name_survives(name):
    assert read(mail(name=name))["To"].addresses[0].display_name == name


def test_a_long_name_is_folded_and_read_whole():
    header = read_raw(mail(name="É" * 100))["To"]
    assert str(make_header(decode_header(header))) == "É" * 100 + " <budi@example.test>"
    assert max(len(line) for line in header.splitlines()) <= 78


def test_long_lines_and_any_script_survive():
    text = "kata " * 400 + "\nünïcødé 😀\n.\nFrom here"
    written = mail(text=text, subject="Sélamat " * 40)
    assert read(written).get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == text
    assert str(read(written)["Subject"]).strip() == ("Sélamat " * 40).strip()
    assert max(len(line) for line in written.content.split(b"\r\n")) <= 998
    assert b"\n" not in written.content.replace(b"\r\n", b"")


@pytest.mark.parametrize("field", ["name", "subject"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x00", "\x85"])
def test_a_line_break_does_not_become_a_header(field, end):
    message = read(mail(**{field: f"Budi{end}Bcc: all@example.test"}))
    assert message["Bcc"] is None
    assert message["Message-ID"] == "<0198@wiyata.test>"
    assert [address.addr_spec for address in message["To"].addresses] == ["budi@example.test"]


@pytest.mark.parametrize(
    "address",
    [
        "", "budi", "budi@", "@example.test", "a b@example.test", "a@b@example.test", "a@b..c", ".a@b.c", "a.@b.c",
        "budi@example.test\r\nBcc: x@y.z", "<budi@example.test>", "é@example.test", "a@" + "x" * 254, "a,b@example.test",
    ],
)  # fmt: skip
def test_an_address_no_mail_can_reach_is_refused(address):
    with pytest.raises(BadAddress):
        mail(recipient=address)


@pytest.mark.parametrize("address", ["o'brien+tag@sub.example.co.id", "a@localhost", "A_B-c=1@EXAMPLE.test"])
def test_odd_but_good_addresses_pass(address):
    assert read(mail(recipient=address))["To"].addresses[0].addr_spec == address


def test_a_mail_shows_no_content_in_its_repr():
    assert repr(mail(text="geheim")) == "Mail()"
