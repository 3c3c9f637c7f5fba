"""Importing pupils: all rows of a file or none, matched by NIS."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Select, Text, any_, bindparam, or_, select

from libs.db import TenantTransaction
from libs.files import Content
from libs.kernel import FieldFault, Quota, QuotaExceeded
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.school.model import School
from subgraphs.academic.school.queries import check_quota
from subgraphs.academic.student.imports import GuardianRow, StudentRow, parse_students
from subgraphs.academic.student.model import Guardian, Student, StudentGuardian
from subgraphs.academic.student.operations.plan_import import REGULAR, Known, KnownClass, KnownStudent, plan_import
from subgraphs.academic.student.operations.write_import import write_import


async def run_import(
    tx: TenantTransaction, *, contacts: Contacts, academic_year_id: UUID, content: Content, dry_run: bool
) -> list[FieldFault]:
    """Reads a file and, unless something in it is wrong or it is a dry run, writes what is missing.

    Answers every fault. Enrollments last the whole year. Raises NotFound for an unknown year or school.
    """
    rows, faults = parse_students(content)
    # Imports of a school wait for each other: guardians are matched by addresses that no constraint makes unique.
    await tx.get(School, tx.tenant_id, lock=True)
    year = await tx.get(AcademicYear, academic_year_id)

    def blind_of(guardian: GuardianRow) -> list[bytes]:
        return contacts.blinds(tx.tenant_id, {"email": guardian.email, "phone": guardian.phone})

    blinds = [blind for row in rows if row.guardian is not None for blind in blind_of(row.guardian)]
    plan = plan_import(rows, await _known(tx, rows, year, blinds), blind_of=blind_of, make_id=tx.new_id)
    faults = [*faults, *plan.faults, *await _quota_faults(tx, added=len(plan.students))]
    faults = sorted(faults, key=lambda each: (_line(each), each.path))
    if not faults and not dry_run:
        await write_import(tx, contacts, plan, year)
    return faults


async def _quota_faults(tx: TenantTransaction, *, added: int) -> list[FieldFault]:
    """That the school may not have so many more pupils, with how many it has and may have."""
    try:
        await check_quota(tx, Quota.STUDENTS, added=added)
    except QuotaExceeded as exceeded:
        texts = {language: exceeded.message(language) for language in exceeded.texts}
        return [FieldFault("input.file.text", exceeded.code, texts)]
    return []


def _line(each: FieldFault) -> int:
    """The line in `input.file.text[12].nisn`."""
    _, _, rest = each.path.partition("[")
    line = rest.partition("]")[0]
    return int(line) if line else 0


async def _known(tx: TenantTransaction, rows: Sequence[StudentRow], year: AcademicYear, blinds: list[bytes]) -> Known:
    """Locks pupils, then classes, each in the order of their ids: the order in which `enroll_student` locks."""
    known = Known()
    nis = any_(bindparam("nis", [row.nis for row in rows], ARRAY(Text)))
    nisn = any_(bindparam("nisn", [row.nisn for row in rows if row.nisn], ARRAY(Text)))
    students = select(Student).where(Student.tenant_id == tx.tenant_id, or_(Student.nis == nis, Student.nisn == nisn))
    for student in (await tx.execute(students.order_by(Student.id).with_for_update())).scalars():
        known.students[student.nis] = KnownStudent(student.id, student.nisn, student.status)
        if student.nisn is not None:
            known.nisn_owners[student.nisn] = student.nis
    classes = select(Class).where(Class.tenant_id == tx.tenant_id, Class.academic_year_id == year.id)
    for class_ in (await tx.execute(classes.order_by(Class.id).with_for_update())).scalars():
        free = class_.max_students - class_.enrolled_count
        known.classes[class_.name] = KnownClass(class_.id, class_.kind, free)
    by_id = {student.id: student for student in known.students.values()}
    for student_id, class_id, kind in await tx.execute(_sitting(tx, year, nis)):
        by_id[student_id].classes[class_id] = kind == REGULAR
    await _know_guardians(tx, known, by_id, blinds, nis)
    return known


def _sitting(tx: TenantTransaction, year: AcademicYear, nis: object) -> Select[UUID, UUID, str]:
    """The enrollments of the file's pupils that share a day with the year."""
    return (
        select(Enrollment.student_id, Enrollment.class_id, Enrollment.kind)
        .join(Student, (Student.tenant_id == Enrollment.tenant_id) & (Student.id == Enrollment.student_id))
        .where(
            Enrollment.tenant_id == tx.tenant_id,
            Student.nis == nis,
            Enrollment.valid_from <= year.end_date,
            Enrollment.valid_to > year.start_date,
        )
    )


async def _know_guardians(
    tx: TenantTransaction, known: Known, by_id: dict[UUID, KnownStudent], blinds: list[bytes], nis: object
) -> None:
    wanted = any_(bindparam("blinds", blinds, ARRAY(LargeBinary)))
    reached = select(Guardian.id, Guardian.email_blind, Guardian.phone_blind).where(
        Guardian.tenant_id == tx.tenant_id, or_(Guardian.email_blind == wanted, Guardian.phone_blind == wanted)
    )
    for guardian_id, *addresses in await tx.execute(reached.order_by(Guardian.id)):
        for blind in addresses:
            if blind is not None:
                known.addresses.setdefault(blind, guardian_id)
    link = StudentGuardian
    links = (
        select(link.student_id, link.guardian_id, link.relation, link.is_primary, Guardian.name)
        .join(Guardian, (Guardian.tenant_id == link.tenant_id) & (Guardian.id == link.guardian_id))
        .join(Student, (Student.tenant_id == link.tenant_id) & (Student.id == link.student_id))
        .where(link.tenant_id == tx.tenant_id, Student.nis == nis)
    )
    for student_id, guardian_id, relation, is_primary, name in await tx.execute(links):
        known.links.add((student_id, guardian_id))
        known.named.setdefault((student_id, name.casefold(), relation), guardian_id)
        by_id[student_id].has_primary |= is_primary
