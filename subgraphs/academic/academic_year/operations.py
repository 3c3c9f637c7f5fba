"""Years, their semesters, and which of them runs."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from libs.db import TenantTransaction
from libs.events.contracts.academic import AcademicYearCreated, SemesterActivated, SemesterOfYear
from subgraphs.academic.academic_year.model import AcademicYear, Semester
from subgraphs.academic.academic_year.rules import AcademicYearOverlaps, name_taken, plan_semesters
from subgraphs.academic.school.model import School


async def create_academic_year(
    tx: TenantTransaction, *, name: str, start_date: date, end_date: date, second_semester_start: date
) -> AcademicYear:
    """A year with both semesters; the second one's first day ends the first.

    Raises InvalidInput, AcademicYearOverlaps, NotFound (the school is not known yet).
    """
    plans = plan_semesters(start_date=start_date, end_date=end_date, second_semester_start=second_semester_start)
    # Two years inserted at once would wait for each other in the exclusion constraint until one dies as a deadlock.
    await tx.get(School, tx.tenant_id, lock=True)
    year = AcademicYear(id=tx.new_id(), name=name, start_date=start_date, end_date=end_date)
    try:
        async with tx.rejecting(
            {"uq_academic_years_tenant_id_name": name_taken, "ex_academic_years_dates": AcademicYearOverlaps}
        ):
            tx.add(year)
    except AcademicYearOverlaps:
        raise await _overlap_with(tx, start_date, end_date) from None
    semesters = [
        Semester(
            id=tx.new_id(),
            academic_year_id=year.id,
            name=plan.name,
            number=plan.number,
            start_date=plan.start_date,
            end_date=plan.end_date,
        )
        for plan in plans
    ]
    tx.add(*semesters)
    await tx.flush()
    tx.emit(year_created(year, semesters))
    return year


async def activate_semester(tx: TenantTransaction, *, semester_id: UUID) -> Semester:
    """Makes a semester the active one of the school, and its year the active year. Raises NotFound."""
    await tx.get(School, tx.tenant_id, lock=True)
    semester = await tx.get(Semester, semester_id)
    year = await tx.get(AcademicYear, semester.academic_year_id)
    if semester.is_active and year.is_active:
        return semester
    # The partial unique indexes admit one active row at any moment: the former one goes first.
    for model, chosen in ((Semester, semester), (AcademicYear, year)):
        await tx.execute(
            update(model)
            .where(model.tenant_id == tx.tenant_id, model.is_active, model.id != chosen.id)
            .values(is_active=False, version=model.version + 1)
        )
        if not chosen.is_active:
            chosen.is_active = True
            chosen.version += 1
    await tx.flush()
    tx.emit(semester_activated(semester))
    return semester


def semester_activated(semester: Semester) -> SemesterActivated:
    """The running semester as others need it."""
    return SemesterActivated(
        semester_id=semester.id,
        academic_year_id=semester.academic_year_id,
        name=semester.name,
        number=semester.number,
        start_date=semester.start_date,
        end_date=semester.end_date,
    )


async def tell_academic_years(
    tx: TenantTransaction,
) -> AsyncGenerator[AcademicYearCreated | SemesterActivated, None]:
    """One event for each year of the tenant, then which semester runs."""
    # Whoever makes a year or lets a semester run locks the school: it is held until COMMIT.
    await tx.execute(select(School.id).where(School.tenant_id == tx.tenant_id).with_for_update(read=True))
    halves = select(Semester).where(Semester.tenant_id == tx.tenant_id).order_by(Semester.number)
    semesters = (await tx.scalars(halves)).all()
    years = select(AcademicYear).where(AcademicYear.tenant_id == tx.tenant_id).order_by(AcademicYear.start_date)
    for year in await tx.scalars(years):
        yield year_created(year, [half for half in semesters if half.academic_year_id == year.id])
    for semester in semesters:
        if semester.is_active:
            yield semester_activated(semester)


def year_created(year: AcademicYear, semesters: list[Semester]) -> AcademicYearCreated:
    """The year's full state as others need it."""
    return AcademicYearCreated(
        academic_year_id=year.id,
        name=year.name,
        start_date=year.start_date,
        end_date=year.end_date,
        is_active=bool(year.is_active),
        semesters=tuple(
            SemesterOfYear(
                semester_id=semester.id,
                name=semester.name,
                number=semester.number,
                start_date=semester.start_date,
                end_date=semester.end_date,
            )
            for semester in semesters
        ),
    )


async def _overlap_with(tx: TenantTransaction, start_date: date, end_date: date) -> AcademicYearOverlaps:
    others = select(AcademicYear).where(
        AcademicYear.tenant_id == tx.tenant_id,
        AcademicYear.start_date <= end_date,
        AcademicYear.end_date >= start_date,
    )
    other = (await tx.scalars(others.order_by(AcademicYear.start_date).limit(1))).one()
    return AcademicYearOverlaps(other_id=other.id, name=other.name)
