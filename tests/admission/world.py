"""A school that takes applications: its years come by events, the rest through the operations themselves."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from libs.events import Consumers
from libs.events.contracts.academic import AcademicYearCreated
from libs.events.contracts.finance import PaymentReceived
from libs.kernel import Scope, new_id
from libs.testing import ToldSchool
from subgraphs.admission.application.operations import Submitted, submit_application, verify_application
from subgraphs.admission.application.queries import Applicants
from subgraphs.admission.application.rules import ApplicationForm, Gender
from subgraphs.admission.consumers import consumers
from subgraphs.admission.period.model import Period
from subgraphs.admission.period.operations import create_admission_period, open_admission_period

TODAY = date(2026, 11, 25)
YEAR = (date(2027, 7, 12), date(2028, 6, 24))


@dataclass(frozen=True)
class World(ToldSchool):
    """One school."""

    today: date = TODAY

    def consumers(self) -> Consumers:
        return consumers()

    @property
    def applicants(self) -> Applicants:
        return Applicants.from_settings(self.settings)

    def applications(self) -> list[dict]:
        return self.rows("applications", "number")

    async def year(self, dates: tuple[date, date] = YEAR) -> UUID:
        created = year_created(dates=dates)
        await self.receive(created)
        return created.academic_year_id

    async def period(self, year: UUID | None = None, **changes: Any) -> Period:
        """A draft from today on."""
        values = {
            "name": "Gelombang 1",
            "code": "A",
            "academic_year_id": year or await self.year(),
            "start_date": self.today,
            "end_date": self.today.replace(year=self.today.year + 1, month=1, day=31),
            "registration_fee": 150_000,
            "max_applicants": None,
        }
        async with self.write() as tx:
            return await create_admission_period(tx, **values | changes)

    async def open(self, period: Period) -> Period:
        async with self.write() as tx:
            return await open_admission_period(tx, period_id=period.id, today=self.today)

    async def opened(self, **changes: Any) -> Period:
        return await self.open(await self.period(**changes))

    async def apply(
        self, period_id: UUID, *, key: UUID | None = None, today: date | None = None, **changes: Any
    ) -> Submitted:
        async with self.write(Scope.SYSTEM) as tx:
            return await submit_application(
                tx,
                applicants=self.applicants,
                request_key=key or new_id(),
                form=form(period_id, **changes),
                language="id",
                today=today or self.today,
            )

    async def verify(self, application_id: UUID) -> None:
        async with self.write() as tx:
            await verify_application(tx, application_id=application_id, verified_by=new_id())


def form(period_id: UUID, **changes: Any) -> ApplicationForm:
    values = {
        "full_name": "Siti Rahma",
        "gender": Gender.FEMALE,
        "birth_place": "Wonosobo",
        "birth_date": date(2012, 3, 4),
        "nisn": None,
        "nik": None,
        "previous_school": "SMP Negeri 1",
        "parent_name": "Ahmad Rahman",
        "parent_email": "ahmad@example.test",
        "parent_phone": "+6281234567890",
    }
    return ApplicationForm(period_id=period_id, **values | changes)


def year_created(
    year_id: UUID | None = None, *, name: str = "2027/2028", dates: tuple[date, date] = YEAR
) -> AcademicYearCreated:
    return AcademicYearCreated(
        academic_year_id=year_id or new_id(),
        name=name,
        start_date=dates[0],
        end_date=dates[1],
        is_active=False,
        semesters=(),
    )


def payment_received(payer_id: UUID, **changes: Any) -> PaymentReceived:
    values = {
        "payment_id": new_id(),
        "number": "PAY/2026/11/000001",
        "invoice_id": new_id(),
        "invoice_number": "INV/2026/11/000001",
        "payer": "APPLICANT",
        "payer_id": payer_id,
        "type": "REGISTRATION",
        "amount": 150_000,
        "invoice_amount": 150_000,
        "paid": 150_000,
        "status": "PAID",
        "method": "CASH",
        "paid_on": TODAY,
    }
    return PaymentReceived(**values | changes)
