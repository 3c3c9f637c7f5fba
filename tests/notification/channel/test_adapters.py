"""SMTP against a real server on a free port; the sink against a real folder."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from socket import AF_INET

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from subgraphs.notification.channel.adapters.sink import Sink
from subgraphs.notification.channel.adapters.smtp import SmtpMailer
from subgraphs.notification.channel.rules import SENT, Mail, write_mail


class Postman:
    """What the server does with mails: answers by recipient, and keeps what it took."""

    def __init__(self, answers=None, *, delay: float = 0) -> None:
        self.answers = {to: list(codes) for to, codes in (answers or {}).items()}
        self.delay = delay
        self.taken: list[tuple[str, bytes]] = []
        self.sessions = set()
        self.encrypted = []

    def _answer(self, to: str) -> str | None:
        codes = self.answers.get(to)
        return codes.pop(0) if codes else None

    async def handle_RCPT(self, server, session, envelope, address, _options):  # noqa: N802, ARG002 - called by aiosmtpd
        self.sessions.add(session.peer)
        self.encrypted.append(session.ssl is not None)
        if (answer := self._answer(address)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name aiosmtpd calls
        await asyncio.sleep(self.delay)
        if (answer := self._answer("DATA")) is not None:
            return answer
        self.taken.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


@asynccontextmanager
async def server(postman: Postman, *, encrypted: ssl.SSLContext | None = None, **options) -> AsyncIterator[int]:
    """A real server on a free port; `encrypted` speaks TLS from the first byte, `tls_context` offers STARTTLS."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(postman, enable_SMTPUTF8=False, loop=loop, **options),
        "localhost",
        0,
        ssl=encrypted,
        family=AF_INET,
    )
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()


def mail(to: str = "budi@example.test", text: str = "Halo") -> Mail:
    return write_mail(
        sender="Wiyata <noreply@wiyata.test>",
        recipient=to,
        name="Budi",
        subject="Undangan",
        text=text,
        html=f"<p>{text}</p>",
        message_id="0198",
        sent_at=datetime(2026, 7, 1, tzinfo=UTC),
    )


def told(receipts) -> list[tuple[str, str | None]]:
    return [(receipt.outcome.value, receipt.error) for receipt in receipts]


async def test_a_batch_goes_over_few_connections_and_arrives_whole():
    postman = Postman()
    mails = [mail(f"u{number}@example.test", text=f"Nomor {number}\n.titik") for number in range(40)]
    async with server(postman) as port:
        receipts = await SmtpMailer(f"smtp://localhost:{port}", connections=3).deliver(mails)
    assert receipts == [SENT] * 40
    assert sorted(to for to, _ in postman.taken) == sorted(each.recipient for each in mails)
    assert dict(postman.taken) == {each.recipient: each.content for each in mails}
    assert len(postman.sessions) == 3


async def test_temporary_and_permanent_refusals_are_told_apart_and_hurt_nobody_else():
    postman = Postman({"busy@example.test": ["451 later"], "gone@example.test": ["550 no such user gone@example.test"]})
    mails = [mail("busy@example.test"), mail("gone@example.test"), mail("good@example.test")]
    async with server(postman) as port:
        mailer = SmtpMailer(f"smtp://localhost:{port}", connections=1)
        first = await mailer.deliver(mails)
        again = await mailer.deliver(mails[:1])
    assert told(first) == [("TEMPORARY", "SMTP 451"), ("PERMANENT", "SMTP 550"), ("SENT", None)]
    assert told(again) == [("SENT", None)]
    assert [to for to, _ in postman.taken] == ["good@example.test", "busy@example.test"]


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        ("452 full", "TEMPORARY", "SMTP 452"),
        ("554 spam", "PERMANENT", "SMTP 554"),
        ("421 bye", "TEMPORARY", "SMTP 421"),
    ],
)
async def test_a_refusal_after_the_content(answer, outcome, error):
    postman = Postman({"DATA": [answer]})
    async with server(postman) as port:
        receipts = await SmtpMailer(f"smtp://localhost:{port}", connections=1).deliver([mail(), mail("b@example.test")])
    assert told(receipts) == [(outcome, error), ("SENT", None)]
    assert [to for to, _ in postman.taken] == ["b@example.test"]


async def test_a_server_that_hangs_is_left_after_the_timeout():
    postman = Postman(delay=30)
    async with server(postman) as port:
        mailer = SmtpMailer(f"smtp://localhost:{port}", connections=1, timeout=0.3)
        receipts = await asyncio.wait_for(mailer.deliver([mail()]), 5)
    assert told(receipts) == [("TEMPORARY", "SMTP timeout")]
    assert postman.taken == []


async def test_a_batch_ends_in_time_and_keeps_what_it_knows():
    postman = Postman(delay=0.2)
    async with server(postman) as port:
        mailer = SmtpMailer(f"smtp://localhost:{port}", connections=1, batch_timeout=0.5)
        receipts = await asyncio.wait_for(mailer.deliver([mail(f"u{number}@example.test") for number in range(20)]), 5)
    outcomes = told(receipts)
    assert outcomes[0] == ("SENT", None)
    assert outcomes[-1] == ("TEMPORARY", "SMTP unreachable")
    assert {outcome for outcome, _ in outcomes} == {"SENT", "TEMPORARY"}
    assert outcomes.count(("SENT", None)) <= len(postman.taken)


async def test_an_absent_server_is_temporary(unused_tcp_port):
    receipts = await SmtpMailer(f"smtp://localhost:{unused_tcp_port}").deliver([mail(), mail()])
    assert told(receipts) == [("TEMPORARY", "SMTP unreachable")] * 2


async def test_a_connection_lost_on_the_way_is_made_again():
    class Rude(Postman):
        async def handle_RCPT(self, server, session, envelope, address, _options):  # noqa: N802 - called by aiosmtpd
            if address == "cut@example.test":
                server.transport.close()
                return "250 OK"
            return await super().handle_RCPT(server, session, envelope, address, _options)

    postman = Rude()
    async with server(postman) as port:
        receipts = await SmtpMailer(f"smtp://localhost:{port}", connections=1).deliver(
            [mail("cut@example.test"), mail()]
        )
    assert told(receipts) == [("TEMPORARY", "SMTP connection lost"), ("SENT", None)]
    assert [to for to, _ in postman.taken] == ["budi@example.test"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cafile=path)


async def test_starttls_is_used_where_the_server_offers_it(certificates):
    serving, trusting = certificates
    postman = Postman()
    async with server(postman, tls_context=serving) as port:
        trusted = await SmtpMailer(f"smtp://localhost:{port}", tls_context=trusting).deliver([mail()])
        stranger = await SmtpMailer(f"smtp://localhost:{port}").deliver([mail("b@example.test")])
    assert told(trusted) == [("SENT", None)]
    assert postman.encrypted == [True]
    assert told(stranger) == [("TEMPORARY", "SMTP unreachable")]
    assert [to for to, _ in postman.taken] == ["budi@example.test"]


async def test_tls_from_the_first_byte(certificates):
    serving, trusting = certificates
    postman = Postman()
    async with server(postman, encrypted=serving) as port:
        receipts = await SmtpMailer(f"smtps://localhost:{port}", tls_context=trusting).deliver([mail()])
    assert told(receipts) == [("SENT", None)]
    assert len(postman.taken) == 1


async def test_a_password_is_never_sent_in_clear(certificates):
    serving, trusting = certificates
    seen = []

    def check(server, session, envelope, mechanism, data):
        seen.append((session.ssl is not None, data.login, data.password))
        return AuthResult(success=True)

    plain, secured = Postman(), Postman()
    async with server(plain, authenticator=check, auth_require_tls=False) as port:
        refused = await SmtpMailer(f"smtp://us%40er:p%3Aw@localhost:{port}").deliver([mail()])
    assert (told(refused), plain.taken, seen) == ([("TEMPORARY", "SMTP unreachable")], [], [])
    async with server(secured, authenticator=check, tls_context=serving) as port:
        taken = await SmtpMailer(f"smtp://us%40er:p%3Aw@localhost:{port}", tls_context=trusting).deliver([mail()])
    assert (told(taken), len(secured.taken), seen) == ([("SENT", None)], 1, [(True, b"us@er", b"p:w")])


async def test_the_sink_keeps_every_delivery_and_reads_it_back(tmp_path):
    sink = Sink(tmp_path / "mail")
    link = "https://wiyata.test/account/invitation?token=a-b_c"
    assert await sink.deliver([mail("a@example.test", text=f"Buka {link}"), mail("b@example.test")]) == [SENT, SENT]
    await sink.deliver([mail("b@example.test")])
    kept = list(sink.newest_first())
    assert [each.to for each in kept] == ["b@example.test", "b@example.test", "a@example.test"]
    assert len({each.id for each in kept}) == 3
    first = kept[-1]
    assert first.links == [link]
    assert (first.subject, first.text.strip()) == ("Undangan", f"Buka {link}")
    assert first.html.strip() == f"<p>Buka {link}</p>"
    assert sink.find(first.id) == first
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []


@pytest.mark.parametrize("mail_id", ["", "..", "../new", "x", "1782864000000000000." + "0" * 32])
async def test_the_sink_reads_nothing_but_its_mails(tmp_path, mail_id):
    sink = Sink(tmp_path)
    await sink.deliver([mail()])
    assert sink.find(mail_id) is None


async def test_the_sink_tells_when_it_cannot_write(tmp_path):
    sink = Sink(tmp_path / "mail")
    (tmp_path / "mail" / "tmp").rmdir()
    with pytest.raises(OSError, match="tmp"):
        await sink.deliver([mail()])
