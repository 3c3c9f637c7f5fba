"""What operations does about events."""

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, StorageCounted, keep_storage, keep_tenant
from libs.events.contracts.academic import (
    AcademicStorageCounted,
    AcademicYearCreated,
    ClassCreated,
    HolidayDeclared,
    HomeroomTeacherAssigned,
    ScheduleUpdated,
    SchoolUpdated,
    SemesterActivated,
    StudentCreated,
    StudentEnrolled,
    StudentUpdated,
    SubjectAssignedToClass,
    SubjectCreated,
    TeacherAssigned,
    TeacherCreated,
    TeacherUpdated,
)
from libs.events.contracts.identity import TENANT_EVENTS, IdentityStorageCounted, TenantEvent
from subgraphs.operations.model import CountedStorage, Tenant
from subgraphs.operations.roster import operations as roster


def consumers(vault: Vault) -> Consumers:
    """Event -> operation."""

    async def tenant(tx: TenantTransaction, event: TenantEvent, meta: EventMeta) -> None:
        await keep_tenant(tx, Tenant, event, meta)

    async def storage(tx: TenantTransaction, event: StorageCounted, meta: EventMeta) -> None:
        await keep_storage(tx, CountedStorage, event, meta)

    async def student(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
        await roster.keep_student(tx, event, meta, vault=vault)

    async def teacher(tx: TenantTransaction, event: TeacherCreated | TeacherUpdated, meta: EventMeta) -> None:
        await roster.keep_teacher(tx, event, meta, vault=vault)

    return {
        **dict.fromkeys(TENANT_EVENTS, tenant),
        **dict.fromkeys((AcademicStorageCounted, IdentityStorageCounted), storage),
        SchoolUpdated: roster.keep_school,
        AcademicYearCreated: roster.keep_academic_year,
        SemesterActivated: roster.keep_active_semester,
        HolidayDeclared: roster.keep_holiday,
        ClassCreated: roster.keep_class,
        HomeroomTeacherAssigned: roster.keep_homeroom_teacher,
        StudentCreated: student,
        StudentUpdated: student,
        StudentEnrolled: roster.keep_enrollment,
        TeacherCreated: teacher,
        TeacherUpdated: teacher,
        SubjectCreated: roster.keep_subject,
        SubjectAssignedToClass: roster.keep_class_subject,
        TeacherAssigned: roster.keep_teaching,
        ScheduleUpdated: roster.keep_schedule,
    }
