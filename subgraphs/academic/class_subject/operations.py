"""Which subjects a class has, and who teaches them."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from libs.db import TenantTransaction
from libs.events.contracts.academic import SubjectAssignedToClass, TeacherAssigned
from subgraphs.academic.academic_year.model import Semester
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.class_subject.queries import teacher_assigned
from subgraphs.academic.class_subject.rules import check_same_year, hand_over, teacher_busy
from subgraphs.academic.schedule.model import Schedule
from subgraphs.academic.schedule.queries import schedules_as_told
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.teacher.model import Teacher


async def assign_subject_to_class(
    tx: TenantTransaction,
    *,
    class_id: UUID,
    subject_id: UUID,
    semester_id: UUID,
    teacher_id: UUID | None,
    today: date,
) -> ClassSubject:
    """Gives a class a subject in a semester, and the subject a teacher; what is so already stays as it is.

    Without `teacher_id` the teacher does not change. Raises NotFound, InvalidInput.
    """
    # Slots of the semester follow its teachers: who changes one waits for who adds the other.
    semester = await tx.get(Semester, semester_id, lock=True)
    class_ = await tx.get(Class, class_id)
    subject = await tx.get(Subject, subject_id)
    # Locked: an account that is just being tied to the teacher is waited for, and told with the rest.
    teacher = None if teacher_id is None else await tx.get(Teacher, teacher_id, lock=True)
    check_same_year(class_year=class_.academic_year_id, semester_year=semester.academic_year_id)
    assigned = await _class_subject(tx, class_, subject, semester)
    if teacher is not None:
        await _let_teach(tx, assigned, semester, teacher, today)
    return assigned


async def _class_subject(tx: TenantTransaction, class_: Class, subject: Subject, semester: Semester) -> ClassSubject:
    inserted = await tx.execute(
        insert(ClassSubject)
        .values(
            id=tx.new_id(),
            class_id=class_.id,
            subject_id=subject.id,
            semester_id=semester.id,
            academic_year_id=semester.academic_year_id,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "class_id", "subject_id", "semester_id"])
        .returning(ClassSubject.id)
    )
    is_new = inserted.scalar_one_or_none() is not None
    wanted = select(ClassSubject).where(
        ClassSubject.tenant_id == tx.tenant_id,
        ClassSubject.class_id == class_.id,
        ClassSubject.subject_id == subject.id,
        ClassSubject.semester_id == semester.id,
    )
    found = (await tx.scalars(wanted)).one()
    if is_new:
        tx.emit(subject_assigned(found))
    return found


async def _let_teach(
    tx: TenantTransaction, assigned: ClassSubject, semester: Semester, teacher: Teacher, today: date
) -> None:
    history = select(Teaching).where(Teaching.tenant_id == tx.tenant_id, Teaching.class_subject_id == assigned.id)
    former = (await tx.scalars(history.order_by(Teaching.valid_from.desc()).limit(1))).one_or_none()
    if former is not None and former.teacher_id == teacher.id:
        return
    change = hand_over(
        today=today,
        semester_start=semester.start_date,
        semester_end=semester.end_date,
        former_from=former.valid_from if former else None,
    )
    if former is not None and change.replaces_from_start:
        teaching = former
        teaching.teacher_id = teacher.id
    else:
        if former is not None:
            former.valid_to = change.valid_from
            await tx.flush()  # the former period ends before the new one may begin
        teaching = Teaching(
            id=tx.new_id(),
            class_subject_id=assigned.id,
            teacher_id=teacher.id,
            valid_from=change.valid_from,
            valid_to=change.valid_to,
        )
        tx.add(teaching)
    async with tx.rejecting({"ex_schedules_teacher": teacher_busy}):
        await tx.execute(
            update(Schedule)
            .where(Schedule.tenant_id == tx.tenant_id, Schedule.class_subject_id == assigned.id)
            .values(teacher_id=teacher.id)
            .execution_options(synchronize_session=False)
        )
    tx.emit(teacher_assigned(assigned, teaching, teacher))
    async for slot in schedules_as_told(tx, Schedule.class_subject_id == assigned.id):
        tx.emit(slot)


def subject_assigned(assigned: ClassSubject) -> SubjectAssignedToClass:
    """The subject of a class as others need it."""
    return SubjectAssignedToClass(
        class_subject_id=assigned.id,
        class_id=assigned.class_id,
        subject_id=assigned.subject_id,
        semester_id=assigned.semester_id,
        academic_year_id=assigned.academic_year_id,
    )


async def tell_class_subjects(
    tx: TenantTransaction,
) -> AsyncGenerator[SubjectAssignedToClass | TeacherAssigned, None]:
    """Each subject of a class and then who taught it, the present teacher last; the rows are held until COMMIT."""
    every = select(ClassSubject).where(ClassSubject.tenant_id == tx.tenant_id).order_by(ClassSubject.id)
    subjects = (await tx.scalars(every.with_for_update(read=True))).all()
    taught = (
        select(Teaching, Teacher)
        .join(Teacher, (Teacher.tenant_id == Teaching.tenant_id) & (Teacher.id == Teaching.teacher_id))
        .where(Teaching.tenant_id == tx.tenant_id)
        .order_by(Teaching.class_subject_id, Teaching.valid_from)
        .with_for_update(read=True)
    )
    periods: dict[UUID, list[tuple[Teaching, Teacher]]] = {}
    for teaching, teacher in await tx.execute(taught):
        periods.setdefault(teaching.class_subject_id, []).append((teaching, teacher))
    for assigned in subjects:
        yield subject_assigned(assigned)
        for teaching, teacher in periods.get(assigned.id, ()):
            yield teacher_assigned(assigned, teaching, teacher)
