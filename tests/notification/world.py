"""Two schools and their people as events tell of them, and what notification made of it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import Event, EventMeta, Inbox, OutboxWriter
from libs.events.contracts.academic import GuardianContact, GuardianLinked, StudentCreated
from libs.events.contracts.identity import UserActivated, UserCreated, UserInvited
from libs.events.envelope import Envelope, event_type, pack, unpack
from libs.events.sealing import seal_event
from libs.kernel import new_id
from libs.settings import Settings
from subgraphs.notification.channel.rules import SENT, Mail, Outcome, Receipt
from subgraphs.notification.consumers import consumers
from subgraphs.notification.model import person_keys
from subgraphs.notification.notification.operations import Sender

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
TOKEN = "dG9rZW4tb2YtYW4taW52aXRhdGlvbg"
EMAIL = "siti.aminah@keluarga.example"
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
        inbox = Inbox(database, consumers(vault), key_ring)
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

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        """This school's rows as the tables' owner sees them."""
        order = {"deliveries": "notification_id", "outbox": "sequence"}.get(table, "id")
        statement = f"select {columns} from notification.{table} where tenant_id = %s order by {order}"
        return self.as_owner("notification", statement, (self.tenant_id,))

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and data of the events of this school, in order."""
        return [(row["type"].split(".")[-2], row["data"]) for row in self.rows("outbox")]


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


def student(*guardian_ids: UUID, student_id: UUID | None = None) -> StudentCreated:
    return StudentCreated(
        student_id=student_id or new_id(),
        nis="1001",
        nisn=None,
        gender="MALE",
        status="ACTIVE",
        guardians=tuple(
            GuardianContact(guardian_id=each, relation="MOTHER", personal={"name": "Siti Aminah", "email": EMAIL})
            for each in guardian_ids
        ),
        personal={"name": "Ahmad"},
    )


def linked(*, student_id: UUID, guardian_id: UUID, user_id: UUID | None = None) -> GuardianLinked:
    return GuardianLinked(student_id=student_id, guardian_id=guardian_id, relation="MOTHER", user_id=user_id)
