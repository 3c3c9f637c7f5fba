"""Two schools and their people as events tell of them, and what notification made of it."""

import email
import email.policy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import Event, EventMeta, Inbox, OutboxWriter
from libs.events.contracts.academic import GuardianContact, GuardianLinked, StudentCreated
from libs.events.contracts.admission import ApplicantContact, ApplicationSubmitted, ApplicationVerified
from libs.events.contracts.finance import PaymentReceived
from libs.events.contracts.identity import UserActivated, UserCreated, UserInvited
from libs.events.contracts.operations import AbsenceNotified
from libs.events.envelope import Envelope, event_type, pack, unpack
from libs.events.sealing import seal_event
from libs.kernel import new_id
from libs.settings import Settings
from subgraphs.notification.channel.rules import SENT, Mail, Outcome, Receipt
from subgraphs.notification.consumers import consumers
from subgraphs.notification.model import person_keys
from subgraphs.notification.notification.operations import Sender

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
TODAY = START.date()
SECRET = "r4h4s14-p3nd4ft4r4n"
TOKEN = "dG9rZW4tb2YtYW4taW52aXRhdGlvbg"
EMAIL = "siti.aminah@keluarga.example"
HOLD = 120.0
_sequences = itertools.count(10)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Recorder:
    """A mailer that keeps what it is given and answers what it is told to, in order; then it takes everything."""

    answers: list[Receipt | OSError] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    async def deliver(self, mails: Sequence[Mail]) -> Sequence[Receipt]:
        receipts = []
        for mail in mails:
            answer = self.answers.pop(0) if self.answers else SENT
            if isinstance(answer, OSError):
                raise answer
            receipts.append(answer)
            if answer.outcome is Outcome.SENT:
                self.mails.append(mail)
        return receipts


@dataclass(frozen=True)
class World:
    """One school's notification; `of` gives the same for another school."""

    settings: Settings
    database: Database
    tenant_id: UUID
    as_owner: Callable[..., list[dict[str, Any]]]
    clock: Clock
    mailer: Recorder
    vault: Vault
    inbox: Inbox

    @classmethod
    def make(cls, settings: Settings, tenant_id: UUID, as_owner: Callable[..., list[dict[str, Any]]]) -> "World":
        key_ring, clock = KeyRing.from_settings(settings), Clock()
        database = Database(settings, "notification", on_flush=OutboxWriter("notification", key_ring), clock=clock)
        vault = Vault(key_ring, person_keys)
        inbox = Inbox(database, consumers(vault, absence_notice_seconds=HOLD), key_ring)
        return cls(settings, database, tenant_id, as_owner, clock, Recorder(), vault, inbox)

    def of(self, tenant_id: UUID) -> "World":
        return World(
            self.settings, self.database, tenant_id, self.as_owner, self.clock, self.mailer, self.vault, self.inbox
        )

    def sender(self, mailer: Any = None) -> Sender:
        return Sender(
            self.database,
            self.vault,
            mailer or self.mailer,
            public_url="https://wiyata.test",
            mail_from="Wiyata <noreply@wiyata.test>",
        )

    def envelope(self, event: Event, *, sequence: int | None = None, event_id: UUID | None = None) -> Envelope:
        """The event as it comes out of the stream."""
        contract = type(event)
        key_ring = KeyRing.from_settings(self.settings)
        body = pack(
            meta=EventMeta(event_id or new_id(), sequence or next(_sequences), self.clock.now, self.tenant_id),
            subgraph=contract.domain,
            type=event_type(contract),
            subject_id=event.aggregate_id,
            traceparent=None,
            data=seal_event(key_ring, self.tenant_id, event),
        )
        return unpack(body)

    async def receive(self, *events: Event | Envelope) -> None:
        """Applies events as the consumer does; whatever one of them raises comes out."""
        envelopes = [each if isinstance(each, Envelope) else self.envelope(each) for each in events]
        for error in (await self.inbox.apply(envelopes)).values():
            raise error

    async def send_all(self) -> int:
        """Sends what is due, in batches; answers how many messages it was."""
        total = 0
        while sent := await self.sender().send_due():
            total += sent
        return total

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        """This school's rows as the tables' owner sees them."""
        order = {"deliveries": "notification_id", "outbox": "sequence"}.get(table, "id")
        statement = f"select {columns} from notification.{table} where tenant_id = %s order by {order}"
        return self.as_owner("notification", statement, (self.tenant_id,))

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and data of the events of this school, in order."""
        return [(row["type"].split(".")[-2], row["data"]) for row in self.rows("outbox")]


def text_of(mail: Mail) -> str:
    """The text part of a mail."""
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def invited(*, user_id: UUID | None = None, about: UUID | None = None, **changes: Any) -> UserInvited:
    values: dict[str, Any] = {
        "user_id": user_id or new_id(),
        "roles": ("parent",),
        "language": "id",
        "expires_at": START + timedelta(days=7),
        "about": about,
        "personal": {"name": "Siti Aminah", "email": EMAIL, "phone": "+628123456789"},
        "secret": {"token": TOKEN},
    }
    return UserInvited(**(values | changes))


def created(*, user_id: UUID, **changes: Any) -> UserCreated:
    values: dict[str, Any] = {
        "user_id": user_id,
        "status": "INVITED",
        "roles": ("parent",),
        "language": "id",
        "personal": {"name": "Siti Aminah", "email": EMAIL},
    }
    return UserCreated(**(values | changes))


def activated(*, user_id: UUID, **changes: Any) -> UserActivated:
    values: dict[str, Any] = {
        "user_id": user_id,
        "status": "ACTIVE",
        "roles": ("parent",),
        "language": "id",
        "personal": {"name": "Siti Aminah", "email": EMAIL},
    }
    return UserActivated(**(values | changes))


def student(*guardian_ids: UUID, student_id: UUID | None = None, name: str = "Ahmad") -> StudentCreated:
    return StudentCreated(
        student_id=student_id or new_id(),
        nis="1001",
        nisn=None,
        gender="MALE",
        status="ACTIVE",
        guardians=tuple(
            GuardianContact(
                guardian_id=each,
                relation="MOTHER",
                is_primary=number == 0,
                personal={"name": "Siti Aminah", "email": EMAIL},
            )
            for number, each in enumerate(guardian_ids)
        ),
        personal={"name": name},
    )


def linked(
    *, student_id: UUID, guardian_id: UUID, user_id: UUID | None = None, is_primary: bool = False
) -> GuardianLinked:
    return GuardianLinked(
        student_id=student_id, guardian_id=guardian_id, relation="MOTHER", user_id=user_id, is_primary=is_primary
    )


def absent(student_id: UUID, status: str = "ABSENT", *, day: date = TODAY, in_class: str = "X-1") -> AbsenceNotified:
    """What operations tells of a pupil's day; the same pupil and day are always the same mark."""
    return AbsenceNotified(
        absence_id=uuid5(student_id, day.isoformat()),
        student_id=student_id,
        class_id=new_id(),
        class_name=in_class,
        date=day,
        status=status,
    )


def submitted(*, application_id: UUID | None = None, **changes: Any) -> ApplicationSubmitted:
    address = changes.pop("email", EMAIL)
    values: dict[str, Any] = {
        "application_id": application_id or new_id(),
        "period_id": new_id(),
        "period_name": "Gelombang 1",
        "number": "20306577-2026A-0001",
        "registration_fee": 150_000,
        "contact": ApplicantContact(
            contact_id=new_id(), personal={"name": "Siti Aminah"} | ({"email": address} if address else {})
        ),
        "personal": {"name": "Ahmad Calon", "birth_date": "2014-03-02"},
        "secret": {"secret": SECRET},
    }
    return ApplicationSubmitted(**(values | changes))


def verified(application: ApplicationSubmitted) -> ApplicationVerified:
    return ApplicationVerified(
        application_id=application.application_id, period_id=application.period_id, number=application.number
    )


def paid(payer: str, payer_id: UUID, **changes: Any) -> PaymentReceived:
    values: dict[str, Any] = {
        "payment_id": new_id(),
        "number": "PAY/2026/07/0001",
        "invoice_id": new_id(),
        "invoice_number": "INV/2026/07/0001",
        "payer": payer,
        "payer_id": payer_id,
        "type": "SPP",
        "amount": 1_500_000,
        "invoice_amount": 2_000_000,
        "paid": 1_500_000,
        "status": "PARTIALLY_PAID",
        "method": "CASH",
        "paid_on": TODAY,
    }
    return PaymentReceived(**(values | changes))


@dataclass(frozen=True)
class Family:
    """A mother with an account and her pupils, by name; the first is the eldest."""

    user_id: UUID
    guardian_id: UUID
    pupils: dict[str, UUID]

    @classmethod
    async def of(cls, world: World, *names: str, address: str | None = EMAIL, language: str = "id") -> "Family":
        guardian, user_id = new_id(), new_id()
        pupils = {name: student(guardian, name=name) for name in names}
        personal = {"name": "Siti Aminah"} | ({"email": address} if address else {})
        await world.receive(
            *pupils.values(),
            created(user_id=user_id, record_id=guardian, language=language, personal=personal),
            *(
                linked(student_id=each.student_id, guardian_id=guardian, user_id=user_id, is_primary=True)
                for each in pupils.values()
            ),
        )
        return cls(user_id, guardian, {name: each.student_id for name, each in pupils.items()})
