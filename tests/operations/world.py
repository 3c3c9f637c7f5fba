"""A school whose roster comes by events, as academic tells it; the rest goes through the operations themselves."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from libs.crypto import KeyRing, Vault
from libs.events import Consumers
from libs.events.contracts import academic
from libs.kernel import new_id
from libs.testing import ToldSchool
from subgraphs.operations.consumers import consumers
from subgraphs.operations.model import person_keys

TODAY = date(2026, 9, 1)  # a Tuesday
YEAR = (date(2026, 7, 1), date(2027, 7, 1))
ODD, EVEN = (date(2026, 7, 1), date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 6, 30))


@dataclass(frozen=True)
class World(ToldSchool):
    """One school."""

    today: date = TODAY

    def consumers(self) -> Consumers:
        return consumers(Vault(KeyRing.from_settings(self.settings), person_keys))

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
