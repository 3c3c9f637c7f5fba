"""Which event of other domains leads to which operation, and how identity's aggregates are told again."""

from libs.auth import Revocations
from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, Snapshots
from libs.events.contracts.academic import (
    AcademicStorageCounted,
    GuardianLinked,
    StudentCreated,
    StudentUpdated,
    TeacherCreated,
    TeacherUpdated,
)
from libs.events.contracts.identity import IdentityStorageCounted
from libs.events.contracts.operations import OperationsStorageCounted
from subgraphs.identity.tenant.operations.count_people import count_student, count_teacher
from subgraphs.identity.tenant.operations.count_storage import count_storage
from subgraphs.identity.tenant.operations.tell_tenant import tell_tenant
from subgraphs.identity.user.operations.provision_accounts import (
    link_guardian,
    link_student,
    people_of_student,
    people_of_teacher,
    provision_accounts,
)
from subgraphs.identity.user.operations.tell_users import tell_users
from subgraphs.identity.user.queries import Contacts


def consumers(contacts: Contacts, revocations: Revocations) -> Consumers:
    """The table of consumers; accounts are made with these keys, and changes of roles told to these processes."""

    async def student_created(tx: TenantTransaction, event: StudentCreated, meta: EventMeta) -> None:
        await count_student(tx, event, meta)
        await provision_accounts(tx, list(people_of_student(event)), contacts=contacts, revocations=revocations)

    async def student_updated(tx: TenantTransaction, event: StudentUpdated, meta: EventMeta) -> None:
        await count_student(tx, event, meta)
        await link_student(tx, event, meta)
        await provision_accounts(tx, list(people_of_student(event)), contacts=contacts, revocations=revocations)

    async def teacher(tx: TenantTransaction, event: TeacherCreated | TeacherUpdated, meta: EventMeta) -> None:
        await count_teacher(tx, event, meta)
        await provision_accounts(tx, list(people_of_teacher(event)), contacts=contacts, revocations=revocations)

    return {
        StudentCreated: student_created,
        StudentUpdated: student_updated,
        TeacherCreated: teacher,
        TeacherUpdated: teacher,
        GuardianLinked: link_guardian,
        **dict.fromkeys((AcademicStorageCounted, IdentityStorageCounted, OperationsStorageCounted), count_storage),
    }


def snapshots(contacts: Contacts) -> Snapshots:
    """Aggregate -> its state as events; schools come before their people."""
    return {"tenant": tell_tenant, "user": lambda tx: tell_users(tx, contacts=contacts)}
