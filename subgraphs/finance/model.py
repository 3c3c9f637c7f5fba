"""What every table of finance stands on, and the tables that belong to no aggregate."""

from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint

from libs.crypto import data_keys
from libs.db import TenantProjection, one_of, subgraph_base
from libs.events import queue_tables
from libs.jobs import job_tables

SCHEMA = "finance"

LARGEST_AMOUNT: Final = 1_000_000_000_000
"""Rupiah of one bill or payment at most: a school's sums stay far below 2^53, which JSON tells exactly."""


class BillingType(StrEnum):
    """What money is asked for; which of these a school may charge is the law's business (README, 'Decisions')."""

    SPP = "SPP"
    CONTRIBUTION = "CONTRIBUTION"
    REGISTRATION = "REGISTRATION"
    EXAM = "EXAM"
    UNIFORM = "UNIFORM"
    OTHER = "OTHER"


class Base(subgraph_base(SCHEMA)):  # type: ignore[misc]  # the base is made per schema
    """The declarative base of the schema `finance`."""

    __abstract__ = True


class Tenant(TenantProjection, Base):
    """The schools, from identity's events."""


queues = queue_tables(Base.metadata)
jobs = job_tables(Base.metadata)
person_keys = data_keys(Base.metadata)


def payer_checks() -> tuple[CheckConstraint, CheckConstraint]:
    """Of whom money is asked or taken: a pupil's row names the pupil, for row-level security; an applicant's nobody."""
    same = "student_id is not distinct from case when payer = 'STUDENT' then payer_id end"
    return one_of("payer", "STUDENT", "APPLICANT"), CheckConstraint(same, name="student_id")
