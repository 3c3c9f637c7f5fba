"""A school whose roster comes by events, as academic tells it; the rest goes through the operations themselves."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from libs.crypto import KeyRing, Vault
from libs.db import Database, TenantTransaction
from libs.events import Event, EventMeta, Inbox
from libs.events.contracts import academic
from libs.events.envelope import Envelope, event_type, pack, unpack
from libs.events.sealing import seal_event
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings
from subgraphs.operations.consumers import consumers
from subgraphs.operations.model import person_keys

TODAY = date(2026, 9, 1)  # a Tuesday
YEAR = (date(2026, 7, 1), date(2027, 7, 1))
ODD, EVEN = (date(2026, 7, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 6, 30))
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
        statement = f"select * from operations.{table} where tenant_id = %s order by {order}"
        return self.as_owner("operations", statement, (self.tenant_id,))

    def events(self, name: str) -> list[dict]:
        """The data of this school's outbox rows of one type, in order."""
        statement = "select type, data from operations.outbox where tenant_id = %s order by sequence"
        rows = self.as_owner("operations", statement, (self.tenant_id,))
        return [row["data"] for row in rows if f".{name}." in row["type"]]

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
        key_ring = KeyRing.from_settings(self.settings)
        inbox = Inbox(self.database, consumers(Vault(key_ring, person_keys)), key_ring)
        envelopes = [each if isinstance(each, Envelope) else self.envelope(each) for each in events]
        for start in range(0, len(envelopes), 500):
            for error in (await inbox.apply(envelopes[start : start + 500])).values():
                raise error

    async def year(self, first: tuple[date, date] = ODD, second: tuple[date, date] = EVEN) -> tuple[UUID, UUID]:
        """A school year; answers its semesters, of which the first is active."""
        year, odd, even = new_id(), new_id(), new_id()
        semesters = (semester(odd, 1, first), semester(even, 2, second))
        await self.receive(year_created(year, semesters), activated(year, semesters[0]))
        return odd, even

    async def class_(self, *, homeroom: UUID | None = None, name: str = "X-1") -> UUID:
        """A class; `homeroom` is the account of the teacher who leads it."""
        class_id = new_id()
        about = {"class_id": class_id, "academic_year_id": new_id(), "name": name, "level": 10}
        await self.receive(academic.ClassCreated(**about))
        if homeroom is not None:
            await self.receive(academic.HomeroomTeacherAssigned(**about, teacher_id=new_id(), user_id=homeroom))
        return class_id

    async def pupils(self, count: int, *, class_id: UUID, days: tuple[date, date | None] = YEAR) -> list[UUID]:
        """Pupils who sit in a class."""
        ids = [new_id() for _ in range(count)]
        for number, each in enumerate(ids):
            await self.receive(student(each, nis=f"{number:04d}"), enrolled(each, class_id, days=days))
        return ids

    async def subject(
        self, class_id: UUID, semester_id: UUID, *, teacher: UUID | None = None, name: str = "Matematika", kkm: int = 75
    ) -> UUID:
        """A subject of a class; `teacher` is the account of who teaches it."""
        subject_id, class_subject_id = new_id(), new_id()
        about = {"class_subject_id": class_subject_id, "class_id": class_id, "subject_id": subject_id}
        await self.receive(
            academic.SubjectCreated(subject_id=subject_id, code=name[:3], name=name, category="WAJIB", kkm=kkm),
            academic.SubjectAssignedToClass(**about, semester_id=semester_id, academic_year_id=new_id()),
        )
        if teacher is not None:
            taught = academic.TeacherAssigned(
                **about, semester_id=semester_id, teacher_id=new_id(), user_id=teacher, valid_from=YEAR[0]
            )
            await self.receive(taught)
        return class_subject_id


def semester(semester_id: UUID, number: int, days: tuple[date, date]) -> academic.SemesterOfYear:
    return academic.SemesterOfYear(
        semester_id=semester_id, name=f"Semester {number}", number=number, start_date=days[0], end_date=days[1]
    )


def year_created(
    year_id: UUID, semesters: tuple[academic.SemesterOfYear, ...], *, name: str = "2026/2027"
) -> academic.AcademicYearCreated:
    return academic.AcademicYearCreated(
        academic_year_id=year_id,
        name=name,
        start_date=YEAR[0],
        end_date=YEAR[1],
        is_active=True,
        semesters=semesters,
    )


def activated(year_id: UUID, told: academic.SemesterOfYear) -> academic.SemesterActivated:
    return academic.SemesterActivated(
        semester_id=told.semester_id,
        academic_year_id=year_id,
        name=told.name,
        number=told.number,
        start_date=told.start_date,
        end_date=told.end_date,
    )


def student(student_id: UUID, *, nis: str = "0001", name: str = "Ani Lestari") -> academic.StudentCreated:
    return academic.StudentCreated(
        student_id=student_id, nis=nis, nisn=None, gender="FEMALE", status="ACTIVE", personal={"name": name}
    )


def enrolled(
    student_id: UUID, class_id: UUID, *, days: tuple[date, date | None] = YEAR, enrollment_id: UUID | None = None
) -> academic.StudentEnrolled:
    return academic.StudentEnrolled(
        enrollment_id=enrollment_id or new_id(),
        student_id=student_id,
        class_id=class_id,
        academic_year_id=new_id(),
        valid_from=days[0],
        valid_to=days[1],
        status="ACTIVE",
    )
