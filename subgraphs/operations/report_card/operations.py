"""Generating report cards: what a card shows is written down first, its PDF is made by the worker."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from libs.crypto import DataKey, Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.operations import ReportCardGenerated
from libs.files import Storage
from libs.jobs import JobQueue, RunningJob
from libs.kernel import Forbidden, NotFound
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.model import ReportCard, ReportCardDetail
from subgraphs.operations.report_card.queries import attendance_in, class_in, find_by_code, grades_in, latest_revision
from subgraphs.operations.report_card.rules import (
    Attendance,
    Card,
    Files,
    Heading,
    Line,
    Printer,
    ReportCardStatus,
    Validity,
    check_complete,
    code_of,
    file_of,
    initials,
    not_in_class,
    validity_of,
)
from subgraphs.operations.roster.model import AcademicYear, Class, School, Semester, Student, Teacher

RENDER_REPORT_CARD = "RENDER_REPORT_CARD"
_HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who generates a card; `any_class` without leading the pupil's class."""

    user_id: UUID
    any_class: bool


@dataclass(frozen=True, slots=True)
class Press:
    """What makes the PDF of a card, and where it is kept."""

    vault: Vault
    pages: Pages
    printer: Printer
    files: Files


@dataclass(frozen=True, slots=True)
class Verified:
    """What anybody with the code of a card may know of it."""

    school_name: str
    initials: str
    year_name: str
    semester_name: str
    revision: int
    print_date: date
    validity: Validity


async def generate_report_card(
    tx: TenantTransaction,
    *,
    vault: Vault,
    queue: JobQueue,
    issuer: Issuer,
    student_id: UUID,
    semester_id: UUID,
    chance: bytes,
    today: date,
) -> ReportCard:
    """Freezes what a pupil's report card shows and queues its PDF; one that is there already gets a new revision.

    `chance` are the random bytes of its code. Raises NotFound, InvalidInput for a pupil without a class then,
    Forbidden, IncompleteGrades.
    """
    # Two that generate the same card wait for each other here, and make two revisions.
    student = await tx.get(Student, student_id, lock=True)
    semester = await tx.get(Semester, semester_id)
    class_ = await class_in(tx, student.id, semester)
    if class_ is None:
        raise not_in_class()
    if not issuer.any_class and class_.homeroom_user_id != issuer.user_id:
        raise Forbidden
    grades = await grades_in(tx, student.id, semester.id)
    check_complete([row.missing for row in grades])
    former = await latest_revision(tx, student.id, semester.id)
    heading = await _heading(tx, vault, student=student, semester=semester, class_=class_, today=today)
    card = ReportCard(
        id=tx.new_id(),
        student_id=student.id,
        class_id=class_.id,
        semester_id=semester.id,
        academic_year_id=semester.academic_year_id,
        revision=former.revision + 1 if former else 1,
        supersedes_id=former.id if former else None,
        code=code_of(tx.tenant_id, chance),
        generated_by=issuer.user_id,
    )
    key = await _key_of(tx, vault, student.id)
    card.heading = key.encrypt(orjson.dumps(asdict(heading)).decode(), **_place(tx.tenant_id, card.id))
    tx.add(card)
    await tx.flush()
    tx.add(*(_detail(tx.new_id(), card, position, row) for position, row in enumerate(grades)))
    await queue.enqueue(tx, RENDER_REPORT_CARD, {"report_card_id": str(card.id)}, created_by=issuer.user_id)
    return card


def _detail(detail_id: UUID, card: ReportCard, position: int, row: Any) -> ReportCardDetail:
    return ReportCardDetail(
        id=detail_id,
        report_card_id=card.id,
        student_id=card.student_id,
        position=position,
        subject_id=row.subject_id,
        subject_name=row.name,
        final_score_hundredths=int(row.final_score * _HUNDREDTHS),
        grade_letter=row.grade_letter,
        predicate=row.predicate,
        kkm=row.kkm,
    )


async def _heading(
    tx: TenantTransaction, vault: Vault, *, student: Student, semester: Semester, class_: Class, today: date
) -> Heading:
    school, year = await tx.get(School, tx.tenant_id), await tx.get(AcademicYear, semester.academic_year_id)
    homeroom = class_.homeroom_teacher_id
    teacher = await tx.session.get(Teacher, (tx.tenant_id, homeroom)) if homeroom else None
    return Heading(
        school_name=school.name,
        school_npsn=school.npsn,
        school_address=school.address,
        principal_name=school.principal_name,
        student_name=_name(await _key_of(tx, vault, student.id), "students", student, tx.tenant_id),
        student_nis=student.nis,
        student_nisn=student.nisn,
        class_name=class_.name,
        year_name=year.name,
        semester_name=semester.name,
        homeroom_name=(
            _name(await _key_of(tx, vault, teacher.id), "teachers", teacher, tx.tenant_id) if teacher else None
        ),
        attendance=await attendance_in(tx, student.id, semester.id, today),
        print_date=today,
    )


async def _key_of(tx: ReadTransaction, vault: Vault, person_id: UUID) -> DataKey:
    """The key of a person. Raises NotFound for one who was erased."""
    keys = await vault.person_keys(tx, [person_id])
    if person_id not in keys:
        raise NotFound
    return keys[person_id]


def _name(key: DataKey, table: str, person: Student | Teacher, tenant_id: UUID) -> str:
    return key.decrypt(person.name, table=table, column="name", row_id=person.id, tenant_id=tenant_id)


def _place(tenant_id: UUID, card_id: UUID) -> dict[str, Any]:
    return {"table": "report_cards", "column": "heading", "row_id": card_id, "tenant_id": tenant_id}


def _sealed_file(tenant_id: UUID, card_id: UUID) -> bytes:
    return b"report card file" + tenant_id.bytes + card_id.bytes


async def render_report_card(tx: TenantTransaction, job: RunningJob, *, press: Press, storage: Storage[Any]) -> None:
    """The job: makes the PDF of a card, keeps it encrypted with the pupil's key, and says that it is there.

    Whatever keeps Chromium from it comes out, so that the job is tried again; a card that has its PDF keeps it.
    Raises QuotaExceeded, which ends the job: the school has no room for the file.
    """
    card = await tx.get(ReportCard, UUID(job.payload["report_card_id"]), lock=True)
    if card.status != ReportCardStatus.DRAFT:
        return
    key = await _key_of(tx, press.vault, card.student_id)
    html = press.pages.report_card(Card(_opened(key, card), await _lines(tx, card), card.revision, card.code))
    pdf = await press.printer.print(html)
    name = file_of(tx.tenant_id, card.id)
    sealed = key.wrap(pdf, _sealed_file(tx.tenant_id, card.id))
    await storage.reserve(tx, len(sealed))  # no sooner: whoever else needs room waits until this is committed
    await press.files.put(name, sealed)
    card.file, card.file_bytes = name, len(sealed)
    card.status = ReportCardStatus.GENERATED
    card.generated_at = tx.now
    tx.emit(
        ReportCardGenerated(
            report_card_id=card.id,
            student_id=card.student_id,
            semester_id=card.semester_id,
            revision=card.revision,
        )
    )


def _opened(key: DataKey, card: ReportCard) -> Heading:
    kept = orjson.loads(key.decrypt(card.heading, **_place(card.tenant_id, card.id)))
    printed = date.fromisoformat(kept.pop("print_date"))
    return Heading(**{**kept, "attendance": Attendance(**kept["attendance"]), "print_date": printed})


async def _lines(tx: ReadTransaction, card: ReportCard) -> Sequence[Line]:
    details = (
        select(ReportCardDetail)
        .where(ReportCardDetail.tenant_id == tx.tenant_id, ReportCardDetail.report_card_id == card.id)
        .order_by(ReportCardDetail.position)
    )
    return [
        Line(
            row.subject_name,
            Decimal(row.final_score_hundredths) / _HUNDREDTHS,
            row.grade_letter,
            row.predicate,
            row.kkm,
        )
        for row in await tx.scalars(details)
    ]


async def read_pdf(tx: ReadTransaction, *, vault: Vault, files: Files, card_id: UUID) -> bytes:
    """The PDF of a card. Raises NotFound."""
    card = await tx.get(ReportCard, card_id)
    content = await files.get(card.file) if card.file else None
    if content is None:
        raise NotFound
    key = await _key_of(tx, vault, card.student_id)
    return key.unwrap(content, _sealed_file(tx.tenant_id, card.id))


async def verify_report_card(tx: ReadTransaction, *, vault: Vault, code: str) -> Verified | None:
    """What the page behind a code says; None for a code that no card has, and for a pupil who was erased."""
    known = await find_by_code(tx, code)
    if known is None:
        return None
    try:
        heading = _opened(await _key_of(tx, vault, known.card.student_id), known.card)
    except NotFound:
        return None
    return Verified(
        school_name=heading.school_name,
        initials=initials(heading.student_name),
        year_name=heading.year_name,
        semester_name=heading.semester_name,
        revision=known.card.revision,
        print_date=heading.print_date,
        validity=validity_of(known.card.status, is_superseded=known.is_superseded),
    )
