"""What academic does about events, and how its aggregates are told again."""

from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Snapshots, StorageCounted, keep_storage
from libs.events.contracts.identity import TENANT_EVENTS, IdentityStorageCounted, UserCreated
from libs.events.contracts.operations import OperationsStorageCounted
from subgraphs.academic.academic_year.operations import tell_academic_years
from subgraphs.academic.class_.operations import tell_classes
from subgraphs.academic.class_subject.operations import tell_class_subjects
from subgraphs.academic.contact.operations import link_account
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.enrollment.operations import tell_enrollments
from subgraphs.academic.holiday.operations import tell_holidays
from subgraphs.academic.model import CountedStorage
from subgraphs.academic.schedule.operations import tell_schedules
from subgraphs.academic.school.operations import keep_school, tell_school
from subgraphs.academic.student.operations import tell_students
from subgraphs.academic.subject.operations import tell_subjects
from subgraphs.academic.teacher.operations import tell_teachers


def consumers(contacts: Contacts) -> Consumers:
    """Event -> operation."""

    async def link(tx: TenantTransaction, event: UserCreated, _: EventMeta) -> None:
        if event.record_id is not None:
            await link_account(tx, contacts=contacts, record_id=event.record_id, user_id=event.user_id)

    async def storage(tx: TenantTransaction, event: StorageCounted, meta: EventMeta) -> None:
        await keep_storage(tx, CountedStorage, event, meta)

    return {
        **dict.fromkeys(TENANT_EVENTS, keep_school),
        UserCreated: link,
        **dict.fromkeys((IdentityStorageCounted, OperationsStorageCounted), storage),
    }


def snapshots(contacts: Contacts) -> Snapshots:
    """Aggregate -> its state as events; what others refer to comes first."""
    return {
        "school": tell_school,
        "academic_year": tell_academic_years,
        "holiday": tell_holidays,
        "subject": tell_subjects,
        "teacher": lambda tx: tell_teachers(tx, contacts=contacts),
        "class": tell_classes,
        "class_subject": tell_class_subjects,
        "schedule": tell_schedules,
        "student": lambda tx: tell_students(tx, contacts=contacts),
        "enrollment": tell_enrollments,
    }
