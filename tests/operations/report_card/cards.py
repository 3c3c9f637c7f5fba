"""Pupils who have all their grades, and the worker's part of a report card."""

import asyncio
from io import BytesIO
from uuid import UUID

from pypdf import PdfReader

from libs.jobs import JobQueue
from libs.jobs.runner import JobRunner
from libs.kernel import new_id
from subgraphs.operations.app import open_uploads
from subgraphs.operations.jobs import jobs
from subgraphs.operations.model import SCHEMA
from subgraphs.operations.report_card.model import ReportCard
from subgraphs.operations.report_card.operations import Issuer, Press, generate_report_card
from subgraphs.operations.report_card.rules import CODE_BYTES
from tests.operations.grading.school import TODAY, WEIGHTS, School


async def complete(school: School, students: dict[UUID, tuple[int, ...]] | None = None) -> None:
    """Every score of X-1; those of Matematika as given, 85 90 80 88 without."""
    ani, budi, _ = school.students
    given = students or {ani: (85, 90, 80, 88), budi: (60, 70, 80, 90)}
    for code in ("MAT", "BIO"):
        scores = {name: {pupil: marks[n] for pupil, marks in given.items()} for n, (name, _) in enumerate(WEIGHTS)}
        await school.graded(school.taught[0, code], scores)


async def generate(school: School, student_id: UUID, *, actor: str = "school_admin") -> ReportCard:
    """The operation, as that actor."""
    whole = actor in ("school_admin", "principal")
    async with school.write() as tx:
        return await generate_report_card(
            tx,
            vault=school.vault,
            queue=JobQueue(SCHEMA, school.vault),
            issuer=Issuer(school.actors[actor].user_id, any_class=whole),
            student_id=student_id,
            semester_id=school.semester,
            chance=new_id().bytes[:CODE_BYTES],
            today=TODAY,
        )


async def work(school: School, press: Press) -> int:
    """Runs the jobs that wait, as the worker does; answers how many."""
    uploads = open_uploads(school.database._settings, press.vault)
    operations = jobs(press.vault, press.pages, press.printer, press.files, uploads)
    runner = JobRunner(school.database, JobQueue(SCHEMA, school.vault), operations)
    done = 0
    while await runner.run_next(asyncio.Event()):
        done += 1
    return done


def text_of(pdf: bytes) -> str:
    """The text of all pages."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
