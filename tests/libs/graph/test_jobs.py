"""Long work as the graph tells of it."""

from libs.graph import FieldError, Job, JobProgress, JobStatus
from libs.jobs import Job as KeptJob
from libs.jobs.tables import JOB_STATUSES
from libs.kernel import FieldFault, new_id, utc_now


def kept(status: str, *errors: FieldFault) -> KeptJob:
    return KeptJob(
        id=new_id(),
        kind="IMPORT",
        status=status,
        done=3,
        total=None,
        errors=errors,
        created_by=None,
        created_at=utc_now(),
    )


def test_every_status_of_the_queue_is_one_of_the_graph():
    assert [Job.of(kept(status), "id").status for status in JOB_STATUSES] == list(JobStatus)


def test_a_job_tells_its_errors_in_the_language_asked_for():
    job = kept("FAILED", FieldFault("input.file.text[2].nis", "TAKEN", {"id": "Sudah ada.", "en": "Is taken."}))
    for language, message in (("id", "Sudah ada."), ("en", "Is taken.")):
        told = Job.of(job, language)
        assert (told.id, told.kind, told.progress) == (job.id, "IMPORT", JobProgress(done=3, total=None))
        assert told.errors == [FieldError(path="input.file.text[2].nis", code="TAKEN", message=message)]
