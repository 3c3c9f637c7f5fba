"""Classes and their homeroom teachers."""

from collections.abc import AsyncGenerator
from uuid import UUID

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.academic import ClassCreated, HomeroomTeacherAssigned
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_.queries import homeroom_teacher_assigned
from subgraphs.academic.class_.rules import DEFAULT_CAPACITY, NameTaken, check_level
from subgraphs.academic.school.model import School
from subgraphs.academic.school.rules import SchoolLevel, grades_of
from subgraphs.academic.teacher.model import Teacher


async def create_class(
    tx: TenantTransaction,
    *,
    academic_year_id: UUID,
    name: str,
    level: int,
    major: str | None = None,
    max_students: int | None = None,
) -> Class:
    """A regular class of a year, with 40 seats unless told otherwise. Raises NotFound, InvalidInput, NameTaken."""
    year = await tx.get(AcademicYear, academic_year_id)
    school = await tx.get(School, tx.tenant_id)
    check_level(level, grades=grades_of(SchoolLevel(school.level)))
    created = Class(
        id=tx.new_id(),
        academic_year_id=year.id,
        name=name,
        level=level,
        major=major,
        max_students=DEFAULT_CAPACITY if max_students is None else max_students,
    )
    async with tx.rejecting({"uq_classes_tenant_id_academic_year_id_name": lambda: NameTaken(name=name)}):
        tx.add(created)
    tx.emit(class_created(created))
    return created


async def assign_homeroom_teacher(tx: TenantTransaction, *, class_id: UUID, teacher_id: UUID) -> Class:
    """Makes a teacher the homeroom teacher of a class, in place of the former one. Raises NotFound."""
    assigned = await tx.get(Class, class_id, lock=True)
    # Locked: an account that is just being tied to the teacher is waited for, and told with the rest.
    teacher = await tx.get(Teacher, teacher_id, lock=True)
    if assigned.homeroom_teacher_id == teacher.id:
        return assigned
    assigned.homeroom_teacher_id = teacher.id
    assigned.version += 1
    await tx.flush()
    tx.emit(homeroom_teacher_assigned(assigned, teacher))
    return assigned


def class_created(created: Class) -> ClassCreated:
    """The class's full state as others need it."""
    return ClassCreated(
        class_id=created.id,
        academic_year_id=created.academic_year_id,
        name=created.name,
        level=created.level,
        major=created.major,
        max_students=created.max_students,
    )


async def tell_classes(tx: TenantTransaction) -> AsyncGenerator[ClassCreated | HomeroomTeacherAssigned, None]:
    """Each class of the tenant and who leads it; the rows, the teacher's too, are held until COMMIT."""
    every = select(Class).where(Class.tenant_id == tx.tenant_id).order_by(Class.id).with_for_update(read=True)
    classes = (await tx.scalars(every)).all()
    leading = select(Teacher).where(
        Teacher.tenant_id == tx.tenant_id,
        Teacher.id.in_(select(Class.homeroom_teacher_id).where(Class.tenant_id == tx.tenant_id)),
    )
    locked = leading.order_by(Teacher.id).with_for_update(read=True)
    teachers = {teacher.id: teacher for teacher in await tx.scalars(locked)}
    for class_ in classes:
        yield class_created(class_)
        if class_.homeroom_teacher_id is not None:
            yield homeroom_teacher_assigned(class_, teachers[class_.homeroom_teacher_id])
