"""Who is billed: what academic tells of pupils, classes and enrollments, kept by events in any order."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow
from subgraphs.finance.model import Base


class Student(TenantRow, Base):
    """A pupil; the name is nobody's business here."""

    __tablename__ = "students"

    sequence: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]

    __table_args__ = ({"info": {"class": TableClass.PROJECTION}},)


class Class(TenantRow, Base):
    """A class and the grade level it teaches."""

    __tablename__ = "classes"

    sequence: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[int]

    __table_args__ = ({"info": {"class": TableClass.PROJECTION}},)


class Enrollment(TenantRow, Base):
    """A pupil's time in a class; `valid_to` is the first day after it. Pupil and class may become known later."""

    __tablename__ = "enrollments"

    sequence: Mapped[int] = mapped_column(BigInteger)
    student_id: Mapped[UUID]
    class_id: Mapped[UUID]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    __table_args__ = (
        Index(None, "tenant_id", "student_id", "valid_from"),
        {"info": {"class": TableClass.PROJECTION}},
    )
