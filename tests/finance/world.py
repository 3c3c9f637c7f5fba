"""A school that bills: its roster comes by events, the rest through the operations themselves."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from libs.events import Consumers
from libs.events.contracts.academic import ClassCreated, StudentCreated, StudentEnrolled, StudentUpdated
from libs.events.contracts.admission import ApplicantContact, ApplicationSubmitted
from libs.kernel import new_id
from libs.testing import ToldSchool
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


@dataclass(frozen=True)
class World(ToldSchool):
    """One school."""

    today: date = TODAY

    def consumers(self) -> Consumers:
        return consumers()

    def invoices(self) -> list[dict]:
        return self.rows("invoices", "number")

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
