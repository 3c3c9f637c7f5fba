"""The figures of a school, and whether there is room in it."""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, func, literal, select

from libs.db import TenantTransaction
from libs.kernel import Quota, QuotaExceeded
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.model import Tenant
from subgraphs.academic.school.model import School
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


_COUNTED: Final = {
    Quota.STUDENTS: ("max_students", pupils_at_school),
    Quota.TEACHERS: ("max_teachers", active_teachers),
}


async def check_quota(tx: TenantTransaction, quota: Quota, *, added: int) -> None:
    """Whether the school may have so many more pupils who go there, or teachers.

    The school's row is held until COMMIT: of two who take the last place at once, the second one is refused. Whoever
    makes a pupil or a teacher ACTIVE asks here first. Raises QuotaExceeded.
    """
    limit, counted = _COUNTED[quota]
    quotas = await tx.scalar(select(Tenant.quotas).where(Tenant.tenant_id == tx.tenant_id))
    allowed = (quotas or {}).get(limit)
    if allowed is None or not added:
        return
    await tx.execute(select(School.id).where(School.tenant_id == tx.tenant_id).with_for_update())
    used = await tx.scalar(select(counted(literal(tx.tenant_id, Uuid()))))
    if (used or 0) + added > allowed:
        raise QuotaExceeded(quota=quota, used=used, allowed=allowed)
