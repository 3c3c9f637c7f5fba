import asyncio
from datetime import timedelta

import pytest

from libs.kernel import Forbidden, InvalidInput, NotFound, Scope, new_id
from subgraphs.operations.attendance.model import StudentAttendance
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.operations import Press, read_pdf, verify_report_card
from subgraphs.operations.report_card.rules import IncompleteGrades, Validity
from tests.operations.grading.school import TODAY, School, sitting
from tests.operations.report_card.cards import complete, generate, text_of, work


async def _pdf(here: School, press: Press, card_id) -> bytes:
    async with here.write(Scope.SYSTEM) as tx:
        return await read_pdf(tx, vault=press.vault, files=press.files, card_id=card_id)


async def _verified(here: School, code: str):
    async with here.write(Scope.SYSTEM) as tx:
        return await verify_report_card(tx, vault=here.vault, code=code)


ON_THE_CARD = (
    "SCHOOL SCHOOL", "Ani Lestari", "100", "0000000000", "X-1", "2026/2027", "Matematika", "86,4", "Baik", "75",
    "Siti Aminah, S.Pd.", "Kepala sekolah",
)  # fmt: skip


async def test_what_a_card_shows_is_frozen_with_it(here: School, there: School):
    await complete(here)
    async with here.write(Scope.SYSTEM) as tx:  # the pupil came from X-2, and the card is that of the class since
        tx.add(sitting(here.students[0], here.classes[1], TODAY - timedelta(days=90), TODAY - timedelta(days=30)))
    card = await generate(here, here.students[0], actor="homeroom")
    assert (card.status, card.revision, card.supersedes_id) == ("DRAFT", 1, None)
    assert card.class_id == here.classes[0]
    assert await _verified(here, card.code) is None
    await _lower_maths(here)
    rows = here.rows("report_card_details")
    assert [(row["subject_name"], row["final_score_hundredths"], row["grade_letter"]) for row in rows] == [
        ("Biologi", 8640, "B"),
        ("Matematika", 8640, "B"),
    ]
    assert there.rows("report_cards") == []


async def _lower_maths(here: School) -> None:
    for row in here.rows("assessments"):
        if row["class_subject_id"] == here.taught[0, "MAT"]:
            statement = "update operations.grades set score_hundredths = 100 where assessment_id = %s returning id"
            here.as_owner("operations", statement, (row["id"],))


async def test_a_card_is_printed_as_it_was_frozen_and_told_of(here: School, press: Press):
    ani = here.students[0]
    await complete(here)
    async with here.write(Scope.SYSTEM) as tx:
        for schedule in (None, new_id()):  # a mark of the day and one of a lesson: one day
            tx.add(
                StudentAttendance(
                    student_id=ani, class_id=here.classes[0], schedule_id=schedule, date=TODAY, status="SICK",
                    recorded_by=new_id(), source="TEACHER", observed_at=tx.now,
                )
            )  # fmt: skip
    card = await generate(here, ani)
    await _lower_maths(here)
    assert await work(here, press) == 1
    (row,) = here.rows("report_cards")
    assert (row["status"], row["generated_at"] is not None) == ("GENERATED", True)
    text = text_of(await _pdf(here, press, card.id)).replace("\n", " ")
    for part in (*ON_THE_CARD, f"/verify/{card.code}", "0 0 1 0 0"):
        assert part.casefold() in text.casefold(), part
    told = "select data from operations.outbox where type like '%%ReportCardGenerated%%'"
    (event,) = here.as_owner("operations", told)
    assert (event["data"]["report_card_id"], event["data"]["revision"]) == (str(card.id), 1)


async def test_an_address_has_no_ligatures_which_nobody_could_type_again(here: School, press: Press):
    pages = Pages("http://afiliasi-affi-fluktuasi.test")
    await complete(here)
    card = await generate(here, here.students[0])
    assert await work(here, Press(press.vault, pages, press.printer, press.files)) == 1
    assert "http://afiliasi-affi-fluktuasi.test/verify/" in text_of(await _pdf(here, press, card.id))


async def test_generating_again_makes_a_revision_that_supersedes_once_it_is_printed(here: School, press: Press):
    ani = here.students[0]
    await complete(here)
    first = await generate(here, ani)
    await work(here, press)
    told = await _verified(here, first.code)
    assert (told.validity, told.initials, told.school_name, told.revision) == (
        Validity.VALID,
        "A. L.",
        "School school",
        1,
    )
    second = await generate(here, ani)
    assert (second.revision, second.supersedes_id) == (2, first.id)
    assert (await _verified(here, first.code)).validity is Validity.VALID
    await work(here, press)
    assert (await _verified(here, first.code)).validity is Validity.SUPERSEDED
    assert (await _verified(here, second.code)).validity is Validity.VALID
    assert "Revisi 2" in text_of(await _pdf(here, press, second.id))
    assert "Revisi 1" in text_of(await _pdf(here, press, first.id))
    altered = second.code[:-2] + ("A" if second.code[-2] != "A" else "B") + second.code[-1]
    assert await _verified(here, altered) is None


async def test_of_two_at_once_each_makes_a_revision(here: School):
    ani = here.students[0]
    await complete(here)
    made = await asyncio.gather(generate(here, ani), generate(here, ani))
    assert sorted(card.revision for card in made) == [1, 2]
    assert len({row["supersedes_id"] for row in here.rows("report_cards")}) == 2


async def test_who_may_and_what_must_be_there(here: School, there: School):
    ani, _, citra = here.students
    for actor in ("homeroom", "school_admin"):
        with pytest.raises(IncompleteGrades) as refused:
            await generate(here, ani, actor=actor)
        assert refused.value.data == {"missing": 2}
    await complete(here)
    await here.assessment(here.taught[0, "MAT"], "Tugas")
    with pytest.raises(IncompleteGrades) as one:
        await generate(here, ani)
    assert one.value.data == {"missing": 1}
    for pupil, actor in ((ani, "teacher"), (citra, "homeroom")):
        with pytest.raises(Forbidden):
            await generate(here, pupil, actor=actor)
    with pytest.raises(NotFound):
        await generate(here, there.students[0])
    here.as_owner("operations", "delete from operations.enrollments where student_id = %s returning id", (ani,))
    with pytest.raises(InvalidInput):
        await generate(here, ani)
    assert here.rows("report_cards") == []


async def test_markup_in_a_name_stays_a_name(here: School, press: Press):
    citra = here.students[2]
    for code in ("MAT", "BIO"):
        subject = here.taught[1, code]
        await here.categories(subject, [("UAS", 100)])
        await here.record(await here.assessment(subject, "UAS"), {citra: 100})
    card = await generate(here, citra)
    await work(here, press)
    assert "Citra <b>Ayu</b>" in text_of(await _pdf(here, press, card.id))


async def test_an_erased_pupil_is_known_no_more(here: School, press: Press):
    ani = here.students[0]
    await complete(here)
    card = await generate(here, ani)
    await work(here, press)
    async with here.write(Scope.SYSTEM) as tx:
        await here.vault.shred(tx, ani)
    with pytest.raises(NotFound):
        await _pdf(here, press, card.id)
    assert await _verified(here, card.code) is None


async def _told(here: School) -> list[int]:
    statement = "select data from operations.outbox where tenant_id = %s and subject like %s order by sequence"
    rows = here.as_owner("operations", statement, (here.tenant_id, "%StorageCounted"))
    return [row["data"]["kept_bytes"] for row in rows]


async def test_a_card_counts_against_the_schools_storage(here: School, there: School, press: Press):
    ani, budi, _ = here.students
    await complete(here)
    await generate(here, ani)
    await work(here, press)
    (row,) = here.rows("report_cards")
    kept = await press.files.get(row["file"])
    assert row["file_bytes"] == len(kept)
    assert await _told(here) == [len(kept)]
    quotas = "update operations.tenants set quotas = '{\"storage_gb\": 0}' where id = %s"
    here.as_owner("operations", quotas, (here.tenant_id,))
    refused = await generate(here, budi)
    await work(here, press)
    (job,) = here.as_owner("operations", "select * from operations.jobs where status <> 'SUCCEEDED'")
    assert (job["status"], job["attempts"], [fault["code"] for fault in job["errors"]]) == (
        "FAILED",
        1,
        ["QUOTA_EXCEEDED"],
    )
    assert "berkas" in job["errors"][0]["texts"]["id"]
    (row,) = [row for row in here.rows("report_cards") if row["id"] == refused.id]
    assert (row["status"], row["file_bytes"]) == ("DRAFT", None)
    assert await _told(here) == [len(kept)]
    assert await _told(there) == []
