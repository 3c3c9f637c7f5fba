"""Writing an import: one statement per table, whatever the number of rows, and the events of every change."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, column, func, insert, select, update

from libs.db import TenantTransaction
from libs.events.contracts.academic import GuardianLinked, StudentCreated, StudentEnrolled, StudentUpdated
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.student.model import Guardian, Student, StudentGuardian, StudentName
from subgraphs.academic.student.operations.plan_import import Plan
from subgraphs.academic.student.queries import student_states
from subgraphs.academic.student.rules import name_words


async def write_import(tx: TenantTransaction, contacts: Contacts, plan: Plan, year: AcademicYear) -> None:
    """Carries out a plan without faults."""
    await _write_people(tx, contacts, plan)
    await _write_seats(tx, plan, year)
    created = {student_id for student_id, _ in plan.students}
    touched = created | {link.student_id for link in plan.links}
    for state in await student_states(tx, contacts, touched):
        contract = StudentCreated if state.fields["student_id"] in created else StudentUpdated
        tx.emit(contract(**state.fields))
    await _tell_links(tx, plan)


async def _write_people(tx: TenantTransaction, contacts: Contacts, plan: Plan) -> None:
    reachable = await contacts.protect(tx, "students", {key: {"email": row.email} for key, row in plan.students})
    await _insert(
        tx,
        Student,
        [
            {
                "id": key,
                "nis": row.nis,
                "nisn": row.nisn,
                "full_name": row.full_name,
                "gender": row.gender.value,
                "birth_date": row.birth_date,
                "email": reachable.get(key, {}).get("email"),
                "email_blind": reachable.get(key, {}).get("email_blind"),
            }
            for key, row in plan.students
        ],
    )
    words = [(key, word) for key, row in plan.students for word in name_words(row.full_name)]
    await _insert(tx, StudentName, [{"id": tx.new_id(), "student_id": key, "token": word} for key, word in words])
    await _write_guardians(tx, contacts, plan)


async def _write_guardians(tx: TenantTransaction, contacts: Contacts, plan: Plan) -> None:
    addresses = await contacts.protect(
        tx, "guardians", {key: {"email": row.email, "phone": row.phone} for key, row in plan.guardians}
    )
    columns = ("email", "email_blind", "phone", "phone_blind")
    await _insert(
        tx,
        Guardian,
        [
            {"id": key, "name": row.name} | {name: addresses.get(key, {}).get(name) for name in columns}
            for key, row in plan.guardians
        ],
    )
    await _insert(
        tx,
        StudentGuardian,
        [
            {
                "id": tx.new_id(),
                "student_id": link.student_id,
                "guardian_id": link.guardian_id,
                "relation": str(link.relation),
                "is_primary": link.is_primary,
            }
            for link in plan.links
        ],
    )


async def _write_seats(tx: TenantTransaction, plan: Plan, year: AcademicYear) -> None:
    until = year.end_date + timedelta(days=1)
    seats = [(tx.new_id(), student_id, class_) for student_id, class_ in plan.seats]
    await _insert(
        tx,
        Enrollment,
        [
            {
                "id": enrollment_id,
                "student_id": student_id,
                "class_id": class_.id,
                "academic_year_id": year.id,
                "kind": class_.kind,
                "valid_from": year.start_date,
                "valid_to": until,
            }
            for enrollment_id, student_id, class_ in seats
        ],
    )
    for class_id, added in Counter(class_.id for _, class_ in plan.seats).items():
        await tx.execute(
            update(Class)
            .where(Class.tenant_id == tx.tenant_id, Class.id == class_id)
            .values(enrolled_count=Class.enrolled_count + added)
            .execution_options(synchronize_session=False)
        )
    for enrollment_id, student_id, class_ in seats:
        tx.emit(
            StudentEnrolled(
                enrollment_id=enrollment_id,
                student_id=student_id,
                class_id=class_.id,
                academic_year_id=year.id,
                valid_from=year.start_date,
                valid_to=until,
                status="ACTIVE",
            )
        )


async def _tell_links(tx: TenantTransaction, plan: Plan) -> None:
    """A link to a guardian who has an account already makes the pupil one of that account's."""
    wanted = any_(bindparam("guardians", [link.guardian_id for link in plan.links], ARRAY(Uuid)))
    # Locked: an account that is just being tied to a guardian is waited for, and told.
    found = (
        select(Guardian.id, Guardian.user_id)
        .where(Guardian.tenant_id == tx.tenant_id, Guardian.id == wanted)
        .order_by(Guardian.id)
        .with_for_update(key_share=True)
    )
    accounts: dict[UUID, UUID | None] = {row.id: row.user_id for row in await tx.execute(found)}
    for link in plan.links:
        tx.emit(
            GuardianLinked(
                student_id=link.student_id,
                guardian_id=link.guardian_id,
                relation=str(link.relation),
                user_id=accounts.get(link.guardian_id),
                is_primary=link.is_primary,
            )
        )


async def _insert(tx: TenantTransaction, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """INSERT … SELECT FROM unnest: COPY is refused under row-level security."""
    if not rows:
        return
    table = model.__table__
    names = list(rows[0])
    arrays = [bindparam(f"all_{name}", [row[name] for row in rows], ARRAY(table.c[name].type)) for name in names]
    source = func.unnest(*arrays).table_valued(*(column(name, table.c[name].type) for name in names)).render_derived()
    await tx.execute(insert(table).from_select(names, select(*source.c), include_defaults=False))
