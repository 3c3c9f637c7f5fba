"""The figures of a school."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.student.model import Student
from subgraphs.academic.teacher.model import Teacher


def pupils_at_school(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """How many pupils are at the school."""
    student = Student.__table__.alias()
    wanted = (student.c.tenant_id == tenant_id, student.c.status == "ACTIVE")
    return select(func.count()).select_from(student).where(*wanted).scalar_subquery()


def classes_of_active_year(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """How many classes the active year has; none without one."""
    class_, year = Class.__table__.alias(), AcademicYear.__table__.alias()
    same = (year.c.tenant_id == class_.c.tenant_id) & (year.c.id == class_.c.academic_year_id)
    wanted = (class_.c.tenant_id == tenant_id, class_.c.is_active, year.c.is_active)
    return select(func.count()).select_from(class_.join(year, same)).where(*wanted).scalar_subquery()


def active_teachers(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """How many teachers work at the school."""
    teacher = Teacher.__table__.alias()
    wanted = (teacher.c.tenant_id == tenant_id, teacher.c.status == "ACTIVE")
    return select(func.count()).select_from(teacher).where(*wanted).scalar_subquery()
