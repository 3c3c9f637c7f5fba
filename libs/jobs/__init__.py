"""Long work, timed work, and the worker that runs both beside a subgraph's relay and consumer."""

from libs.jobs.progress import JobProgressFeed
from libs.jobs.queue import Claim, Job, JobQueue
from libs.jobs.runner import JobOperation, JobOperations, JobRunner, JobStopped, RunningJob
from libs.jobs.schedules import Schedule, Scheduler, Schedules, add_schedule, first_run
from libs.jobs.tables import JobTables, create_job_tables, job_tables
from libs.jobs.worker import SubgraphWorker

__all__ = [
    "Claim",
    "Job",
    "JobOperation",
    "JobOperations",
    "JobProgressFeed",
    "JobQueue",
    "JobRunner",
    "JobStopped",
    "JobTables",
    "RunningJob",
    "Schedule",
    "Scheduler",
    "Schedules",
    "SubgraphWorker",
    "add_schedule",
    "create_job_tables",
    "first_run",
    "job_tables",
]
