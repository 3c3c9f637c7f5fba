"""The school as academic tells of it: projections, which events rebuild. Ids are academic's own."""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow
from subgraphs.operations.model import Base

_PROJECTION = {"info": {"class": TableClass.PROJECTION}}


class _Told(TenantRow):
    """A row of academic; `sequence` is that of the event applied last."""

    sequence: Mapped[int] = mapped_column(BigInteger, sort_order=-10)


class School(_Told, Base):
    """The school itself; `id` equals `tenant_id`."""

    __tablename__ = "schools"
    __table_args__ = (_PROJECTION,)

    name: Mapped[str]
    npsn: Mapped[str | None]
    level: Mapped[str]
    address: Mapped[str | None]
    principal_name: Mapped[str | None]


class AcademicYear(_Told, Base):
    """A school year."""

    __tablename__ = "academic_years"
    __table_args__ = (_PROJECTION,)

    name: Mapped[str]


class Semester(_Told, Base):
    """A semester. Active is the one activated last: `activated_at` is the time of that event."""

    __tablename__ = "semesters"
    __table_args__ = (_PROJECTION,)

    academic_year_id: Mapped[UUID]
    name: Mapped[str]
    number: Mapped[int]
    start_date: Mapped[dt.date]
    end_date: Mapped[dt.date]
    activated_at: Mapped[dt.datetime | None]
    is_active: Mapped[bool] = mapped_column(server_default="false")


class Holiday(_Told, Base):
    """A day of the school's calendar."""

    __tablename__ = "holidays"
    __table_args__ = (Index(None, "tenant_id", "date"), _PROJECTION)

    date: Mapped[dt.date]
    name: Mapped[str]
    affects_attendance: Mapped[bool]


class Teacher(_Told, Base):
    """A teacher; the name is encrypted with the person's data key. `user_id` is the account."""

    __tablename__ = "teachers"
    __table_args__ = (_PROJECTION,)

    user_id: Mapped[UUID | None]
    name: Mapped[bytes]


class Class(_Told, Base):
    """A class of one academic year, with its homeroom teacher and that teacher's account."""

    __tablename__ = "classes"
    __table_args__ = (Index(None, "tenant_id", "homeroom_user_id"), _PROJECTION)

    academic_year_id: Mapped[UUID]
    name: Mapped[str]
    level: Mapped[int]
    major: Mapped[str | None]
    homeroom_teacher_id: Mapped[UUID | None]
    homeroom_user_id: Mapped[UUID | None]


class Student(_Told, Base):
    """A pupil; the name is encrypted with the person's data key. `user_id` is the pupil's own account."""

    __tablename__ = "students"
    __table_args__ = (Index(None, "tenant_id", "nis"), _PROJECTION)

    user_id: Mapped[UUID | None]
    nis: Mapped[str]
    nisn: Mapped[str | None]
    name: Mapped[bytes]
    status: Mapped[str]


class Enrollment(_Told, Base):
    """A pupil's time in a class; `valid_to` is the first day after it."""

    __tablename__ = "enrollments"
    __table_args__ = (
        Index(None, "tenant_id", "student_id", "valid_from"),
        Index(None, "tenant_id", "class_id", "valid_from", "student_id"),
        _PROJECTION,
    )

    student_id: Mapped[UUID]
    class_id: Mapped[UUID]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]


class Subject(_Told, Base):
    """A subject; `kkm` is the minimum mark, 0 to 100."""

    __tablename__ = "subjects"
    __table_args__ = (_PROJECTION,)

    code: Mapped[str]
    name: Mapped[str]
    kkm: Mapped[int]


class ClassSubject(_Told, Base):
    """A subject that a class has in a semester."""

    __tablename__ = "class_subjects"
    __table_args__ = (Index(None, "tenant_id", "class_id", "semester_id"), _PROJECTION)

    class_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    semester_id: Mapped[UUID]


class Teaching(_Told, Base):
    """Who teaches a class subject from a day on, until `valid_to` or until somebody else does."""

    __tablename__ = "teaching"
    __table_args__ = (
        UniqueConstraint("tenant_id", "class_subject_id", "valid_from"),
        Index(None, "tenant_id", "user_id", "class_subject_id"),
        _PROJECTION,
    )

    class_subject_id: Mapped[UUID]
    teacher_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]


class Schedule(_Told, Base):
    """A slot of the weekly timetable; day 1 is Monday."""

    __tablename__ = "schedules"
    __table_args__ = (Index(None, "tenant_id", "class_id", "day_of_week"), _PROJECTION)

    class_subject_id: Mapped[UUID]
    class_id: Mapped[UUID]
    day_of_week: Mapped[int]
    start_time: Mapped[dt.time]
    end_time: Mapped[dt.time]
    is_active: Mapped[bool]
