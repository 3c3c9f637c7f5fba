"""Events of academic: the school, its years, classes, people, subjects and timetable."""

from dataclasses import dataclass
from datetime import date, time
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event, PersonalPart


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolUpdated(Event):
    """The school's own page changed."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "school"
    aggregate_key: ClassVar[str] = "school_id"

    school_id: UUID
    name: str
    npsn: str | None
    level: str
    timezone: str
    is_active: bool = True
    address: str | None = None
    principal_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SemesterOfYear:
    """A semester as its year carries it."""

    semester_id: UUID
    name: str
    number: int
    start_date: date
    end_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AcademicYearCreated(Event):
    """A school year with its semesters."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "academic_year"
    aggregate_key: ClassVar[str] = "academic_year_id"

    academic_year_id: UUID
    name: str
    start_date: date
    end_date: date
    is_active: bool
    semesters: tuple[SemesterOfYear, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SemesterActivated(Event):
    """This semester, and with it its year, is the running one."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "semester"
    aggregate_key: ClassVar[str] = "semester_id"

    semester_id: UUID
    academic_year_id: UUID
    name: str
    number: int
    start_date: date
    end_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayDeclared(Event):
    """A day of the school's calendar; with `affects_attendance` nobody is expected at school."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "holiday"
    aggregate_key: ClassVar[str] = "holiday_id"

    holiday_id: UUID
    date: date
    name: str
    affects_attendance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutClass(Event):
    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "class"
    aggregate_key: ClassVar[str] = "class_id"

    class_id: UUID
    academic_year_id: UUID
    name: str
    level: int
    major: str | None = None
    max_students: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCreated(_AboutClass):
    """A class of one academic year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeroomTeacherAssigned(_AboutClass):
    """The class has a homeroom teacher; `user_id` is the teacher's account, if there is one."""

    teacher_id: UUID
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianContact(PersonalPart):
    """A guardian within a pupil's event. Personal: name, email and phone if known. Relation as the graph's enum."""

    person: ClassVar[str | None] = "guardian_id"

    guardian_id: UUID
    relation: str
    is_primary: bool = False
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _StudentState(Event):
    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "student"
    aggregate_key: ClassVar[str] = "student_id"
    person: ClassVar[str | None] = "student_id"

    student_id: UUID
    nis: str
    nisn: str | None
    gender: str
    status: str
    user_id: UUID | None = None
    entry_year: int | None = None
    guardians: tuple[GuardianContact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentCreated(_StudentState):
    """A pupil is on the books. Personal: name, birth_date, email if known.

    A guardian or a pupil with an email and no `user_id` gets an invitation from identity, which answers with
    UserCreated(record_id = guardian_id or student_id).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentUpdated(_StudentState):
    """A pupil's record changed; also when it was linked to the pupil's own account (`user_id`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianLinked(Event):
    """A guardian answers for a pupil; again once the guardian's account is known.

    With a `user_id` the pupil is among that account's `students`. A pupil's own account comes with StudentUpdated.
    """

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "student"
    aggregate_key: ClassVar[str] = "student_id"

    student_id: UUID
    guardian_id: UUID
    relation: str
    user_id: UUID | None = None
    is_primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentEnrolled(Event):
    """A pupil sits in a class from a day on; `valid_to` is the first day after, null while it lasts."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "enrollment"
    aggregate_key: ClassVar[str] = "enrollment_id"

    enrollment_id: UUID
    student_id: UUID
    class_id: UUID
    academic_year_id: UUID
    valid_from: date
    valid_to: date | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _TeacherState(Event):
    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "teacher"
    aggregate_key: ClassVar[str] = "teacher_id"
    person: ClassVar[str | None] = "teacher_id"

    teacher_id: UUID
    user_id: UUID | None = None
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherCreated(_TeacherState):
    """A teacher is on the books. Personal: name, email if known.

    A teacher who works at the school, with an email and no `user_id`, gets an invitation from identity:
    UserCreated(record_id = teacher_id).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherUpdated(_TeacherState):
    """A teacher's record changed; also when the teacher left the school (INACTIVE) or came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectCreated(Event):
    """A subject taught at the school. Category as the graph's enum; `kkm` is the minimum mark, 0 to 100."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "subject"
    aggregate_key: ClassVar[str] = "subject_id"

    subject_id: UUID
    code: str
    name: str
    category: str
    credit_hours: int | None = None
    is_active: bool = True
    kkm: int = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutClassSubject(Event):
    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "class_subject"
    aggregate_key: ClassVar[str] = "class_subject_id"

    class_subject_id: UUID
    class_id: UUID
    subject_id: UUID
    semester_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAssignedToClass(_AboutClassSubject):
    """A class has a subject in a semester; its teacher, if any, comes with TeacherAssigned."""

    academic_year_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherAssigned(_AboutClassSubject):
    """A teacher teaches a subject to a class from a day on; `user_id` is the teacher's account, if there is one."""

    teacher_id: UUID
    user_id: UUID | None = None
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleUpdated(Event):
    """A slot of the timetable was made, moved or ended. `day_of_week`: 1 is Monday; times are the school's own."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "schedule"
    aggregate_key: ClassVar[str] = "schedule_id"

    schedule_id: UUID
    class_subject_id: UUID
    class_id: UUID
    subject_id: UUID
    semester_id: UUID
    teacher_id: UUID | None
    day_of_week: int
    start_time: time
    end_time: time
    room: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AcademicStorageCounted(Event):
    """What academic keeps of a school's files in all, bytes, announced uploads with them."""

    domain: ClassVar[str] = "academic"
    aggregate: ClassVar[str] = "storage"
    aggregate_key: ClassVar[str] = "tenant_id"

    tenant_id: UUID
    kept_bytes: int


EVENTS: tuple[type[Event], ...] = (
    SchoolUpdated,
    AcademicYearCreated,
    SemesterActivated,
    HolidayDeclared,
    ClassCreated,
    HomeroomTeacherAssigned,
    StudentCreated,
    StudentUpdated,
    GuardianLinked,
    StudentEnrolled,
    TeacherCreated,
    TeacherUpdated,
    SubjectCreated,
    SubjectAssignedToClass,
    TeacherAssigned,
    ScheduleUpdated,
    AcademicStorageCounted,
)
