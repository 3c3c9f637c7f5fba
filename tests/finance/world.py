"""A school that bills: its roster comes by events, the rest through the operations themselves."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import Event, EventMeta, Inbox
from libs.events.contracts.academic import ClassCreated, StudentCreated, StudentEnrolled, StudentUpdated
from libs.events.contracts.admission import ApplicantContact, ApplicationSubmitted
from libs.events.envelope import Envelope, event_type, pack, unpack
from libs.events.sealing import seal_event
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings
from subgraphs.finance.billing_config.model import BillingConfiguration
from subgraphs.finance.billing_config.operations import create_billing_config
from subgraphs.finance.billing_config.rules import BillingFrequency
from subgraphs.finance.consumers import consumers
from subgraphs.finance.invoice.operations import Generated, generate_monthly_invoices
from subgraphs.finance.invoice.rules import parse_month
from subgraphs.finance.model import BillingType
from subgraphs.finance.payment.model import Payment
from subgraphs.finance.payment.operations import record_payment
from subgraphs.finance.payment.rules import PaymentMethod

TODAY = date(2026, 9, 1)
YEAR = (date(2026, 7, 13), date(2027, 6, 27))
AUGUST = "2026-08"
_sequences = itertools.count(10)


@dataclass(frozen=True)
class World:
    """One school; `today` is what its clock shows."""

    settings: Settings
    database: Database
    tenant_id: UUID
    as_owner: Callable[..., list[dict]]
    today: date = TODAY

    @asynccontextmanager
    async def write(self, scope: Scope = Scope.TENANT) -> AsyncIterator[TenantTransaction]:
        async with self.database.write(Binding(self.tenant_id, scope)) as tx:
            yield tx

    def of(self, tenant_id: UUID) -> "World":
        """The same for another school."""
        return World(self.settings, self.database, tenant_id, self.as_owner, self.today)

    def rows(self, table: str, order: str = "created_at, id") -> list[dict]:
        """This school's rows as the owner sees them."""
        statement = f"select * from finance.{table} where tenant_id = %s order by {order}"
        return self.as_owner("finance", statement, (self.tenant_id,))

    def invoices(self) -> list[dict]:
        return self.rows("invoices", "number")

    def events(self, name: str | None = None) -> list[dict]:
        """The data of this school's outbox rows, in order: all of them, or those of one type."""
        statement = "select type, data from finance.outbox where tenant_id = %s order by sequence"
        rows = self.as_owner("finance", statement, (self.tenant_id,))
        return [row["data"] for row in rows if name is None or f".{name}." in row["type"]]

    def envelope(self, event: Event, *, sequence: int | None = None, time: datetime | None = None) -> Envelope:
        """The event as it comes out of the stream."""
        at = time or datetime(2026, 8, 31, 17, 30, tzinfo=UTC)  # 1 September in Jakarta
        body = pack(
            meta=EventMeta(new_id(), sequence or next(_sequences), at, self.tenant_id),
            subgraph=event.domain,
            type=event_type(type(event)),
            subject_id=event.aggregate_id,
            traceparent=None,
            data=seal_event(KeyRing.from_settings(self.settings), self.tenant_id, event),
        )
        return unpack(body)

    async def receive(self, *events: Event | Envelope) -> None:
        """Applies events as the consumer does; whatever one of them raises comes out."""
        inbox = Inbox(self.database, consumers(), KeyRing.from_settings(self.settings))
        envelopes = [each if isinstance(each, Envelope) else self.envelope(each) for each in events]
        for start in range(0, len(envelopes), 500):
            for error in (await inbox.apply(envelopes[start : start + 500])).values():
                raise error

    async def class_(self, level: int = 10) -> UUID:
        created = class_created(new_id(), level=level)
        await self.receive(created)
        return created.class_id

    async def pupils(self, count: int, *, class_id: UUID, days: tuple[date, date | None] = YEAR) -> list[UUID]:
        """Pupils who sit in a class."""
        ids = [new_id() for _ in range(count)]
        events = [each for id_ in ids for each in (student_created(id_), enrolled(id_, class_id, days=days))]
        await self.receive(*events)
        return ids

    async def config(
        self,
        name: str = "SPP",
        *,
        amount: int = 250_000,
        type: BillingType = BillingType.SPP,
        frequency: BillingFrequency = BillingFrequency.MONTHLY,
        due_day: int = 10,
        class_level: int | None = None,
        valid_from: date = date(2026, 7, 1),
    ) -> BillingConfiguration:
        async with self.write() as tx:
            return await create_billing_config(
                tx,
                name=name,
                amount=amount,
                type=type,
                frequency=frequency,
                due_day=due_day,
                class_level=class_level,
                valid_from=valid_from,
            )

    async def generate(self, month: str = AUGUST) -> Generated:
        async with self.write() as tx:
            return await generate_monthly_invoices(tx, month=parse_month(month), today=self.today)

    async def pay(self, invoice_id: UUID, amount: int, *, paid_on: date | None = None) -> Payment:
        async with self.write() as tx:
            return await record_payment(
                tx,
                invoice_id=invoice_id,
                amount=amount,
                method=PaymentMethod.CASH,
                paid_on=paid_on or self.today,
                reference_number=None,
                received_by=new_id(),
                today=self.today,
            )


def class_created(class_id: UUID, *, level: int = 10) -> ClassCreated:
    return ClassCreated(class_id=class_id, academic_year_id=new_id(), name="X-1", level=level)


def student_created(student_id: UUID) -> StudentCreated:
    personal = {"name": "Ani Lestari"}
    return StudentCreated(
        student_id=student_id, nis="1", nisn=None, gender="FEMALE", status="ACTIVE", personal=personal
    )


def student_updated(student_id: UUID, status: str) -> StudentUpdated:
    return StudentUpdated(student_id=student_id, nis="1", nisn=None, gender="FEMALE", status=status)


def enrolled(
    student_id: UUID, class_id: UUID, *, days: tuple[date, date | None] = YEAR, enrollment_id: UUID | None = None
) -> StudentEnrolled:
    return StudentEnrolled(
        enrollment_id=enrollment_id or new_id(),
        student_id=student_id,
        class_id=class_id,
        academic_year_id=new_id(),
        valid_from=days[0],
        valid_to=days[1],
        status="ACTIVE",
    )


def applied(fee: int | None, *, application_id: UUID | None = None) -> ApplicationSubmitted:
    return ApplicationSubmitted(
        application_id=application_id or new_id(),
        period_id=new_id(),
        period_name="PPDB 2027",
        number="PPDB-2027-0001",
        registration_fee=fee,
        contact=ApplicantContact(contact_id=new_id()),
    )
