"""What a school changes of itself, and what the platform says of it."""

import asyncio

import pytest

from libs.auth import system_binding
from libs.events import EventMeta
from libs.events.contracts.academic import (
    AcademicStorageCounted,
    StudentCreated,
    StudentUpdated,
    TeacherCreated,
    TeacherUpdated,
)
from libs.events.contracts.identity import IdentityStorageCounted
from libs.events.contracts.operations import OperationsStorageCounted
from libs.kernel import PLATFORM_TENANT_ID, Conflict, InvalidInput, NotFound, new_id, utc_now
from libs.testing import actor_of
from subgraphs.identity.tenant.operations.configure_tenant import configure_tenant
from subgraphs.identity.tenant.operations.count_people import count_student, count_teacher
from subgraphs.identity.tenant.operations.count_storage import count_storage
from subgraphs.identity.tenant.operations.suspend_tenant import resume_tenant, suspend_tenant
from subgraphs.identity.tenant.operations.update_tenant import update_tenant
from subgraphs.identity.tenant.rules import Feature

PLATFORM = system_binding(PLATFORM_TENANT_ID)
ADMIN = actor_of("super_admin", PLATFORM_TENANT_ID)
ALL = ["ATTENDANCE", "GRADING", "FINANCE", "ADMISSION"]
CHANGES = {"name": "SMA Baru", "npsn": "20300001", "timezone": "Asia/Jayapura", "registration_role": "parent"}


class Register:
    """The register of schools, as the platform's transactions change it and as its owner sees it."""

    def __init__(self, database, visitor, as_owner, events) -> None:
        self._database, self._visitor, self._as_owner = database, visitor, as_owner
        self.events = events

    async def do(self, operation, *, actor=ADMIN, **arguments):
        async with self._database.write(PLATFORM) as tx:
            return await operation(tx, actor=actor, origin=self._visitor, **arguments)

    def row_of(self, tenant_id):
        (row,) = self._as_owner("identity", "select * from identity.tenants where id = %s", (tenant_id,))
        return row

    def log(self, tenant_id):
        """The last entry of a tenant's log."""
        statement = "select * from identity.audit_logs where tenant_id = %s order by created_at desc, id desc limit 1"
        (entry,) = self._as_owner("identity", statement, (tenant_id,))
        return entry


@pytest.fixture
def register(database, visitor, as_owner, events):
    return Register(database, visitor, as_owner, events)


async def test_a_school_changes_its_own_entry_and_no_other(register, school, other_school):
    before = register.row_of(other_school)
    admin = actor_of("school_admin", school)
    assert await register.do(update_tenant, actor=admin, changes=CHANGES, expected_version=1) == school
    after = register.row_of(school)
    assert {name: after[name] for name in CHANGES} == CHANGES
    assert (after["version"], after["slug"], after["name_key"]) == (2, "school", "sma baru")
    assert after["updated_at"] > after["created_at"]
    (told,) = register.events("TenantUpdated")
    assert (told["tenant_id"], told["data"]["name"], told["data"]["features"]) == (school, "SMA Baru", ALL)
    entry = register.log(school)
    assert (entry["action"], entry["user_id"], entry["about_tenant_id"]) == ("tenant.updated", admin.user_id, None)
    assert entry["old_values"] == {
        "name": "School school",
        "npsn": None,
        "timezone": "Asia/Jakarta",
        "registration_role": None,
    }
    assert entry["new_values"] == CHANGES
    assert register.row_of(other_school) == before
    assert (
        register.log(PLATFORM_TENANT_ID)["action"] == "tenant.created"
    )  # the platform's own; the school's deed is its own


async def test_what_is_left_out_stays_and_what_does_not_differ_is_not_told(register, school):
    admin = actor_of("school_admin", school)
    await register.do(update_tenant, actor=admin, changes={"npsn": "20300001"}, expected_version=1)
    await register.do(update_tenant, actor=admin, changes={"npsn": "20300001"}, expected_version=2)
    await register.do(update_tenant, actor=admin, changes={}, expected_version=2)
    assert (register.row_of(school)["name"], register.row_of(school)["version"]) == ("School school", 2)
    assert len(register.events("TenantUpdated")) == 1
    await register.do(update_tenant, actor=admin, changes={"npsn": None}, expected_version=2)
    assert register.row_of(school)["npsn"] is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " "}, ("input.name", "REQUIRED")),
        ({"npsn": "1"}, ("input.npsn", "NPSN")),
        ({"npsn": "20300009"}, ("input.npsn", "TAKEN")),
        ({"timezone": "Europe/Berlin"}, ("input.timezone", "TIMEZONE")),
    ],
)
async def test_an_entry_that_cannot_be_is_refused(register, school, other_school, changes, told):
    other = actor_of("school_admin", other_school)
    await register.do(update_tenant, actor=other, changes={"npsn": "20300009"}, expected_version=1)
    before = register.row_of(school)
    with pytest.raises(InvalidInput) as refused:
        await register.do(update_tenant, actor=actor_of("school_admin", school), changes=changes, expected_version=1)
    assert [(each.path, each.code) for each in refused.value.faults] == [told]
    assert register.row_of(school) == before


async def test_of_two_changes_of_one_version_one_wins(register, school):
    admin = actor_of("school_admin", school)
    changes = [{"name": f"SMA {number}"} for number in range(4)]
    done = await asyncio.gather(
        *(register.do(update_tenant, actor=admin, changes=each, expected_version=1) for each in changes),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, Conflict) for each in done) == [False, True, True, True]
    assert [each.data for each in done if isinstance(each, Conflict)] == [{"current_version": 2}] * 3
    assert (register.row_of(school)["version"], len(register.events("TenantUpdated"))) == (2, 1)


async def test_the_platform_is_no_school(register):
    before = register.row_of(PLATFORM_TENANT_ID)
    with pytest.raises(NotFound):
        await register.do(update_tenant, changes={"name": "x"}, expected_version=1)
    for operation in (suspend_tenant, resume_tenant):
        for nobody in (PLATFORM_TENANT_ID, new_id()):
            with pytest.raises(NotFound):
                await register.do(operation, tenant_id=nobody, reason="x")
    with pytest.raises(NotFound):
        await register.do(configure_tenant, tenant_id=PLATFORM_TENANT_ID, features=[], quotas={}, expected_version=1)
    assert register.row_of(PLATFORM_TENANT_ID) == before


async def test_the_platform_says_what_a_school_may_use(register, school, other_school):
    before = register.row_of(other_school)
    quotas = {"max_students": 300, "max_teachers": None, "storage_gb": 0}
    features = [Feature.GRADING, Feature.ATTENDANCE, Feature.GRADING]
    await register.do(configure_tenant, tenant_id=school, features=features, quotas=quotas, expected_version=1)
    assert register.row_of(school)["features"] == ["ATTENDANCE", "GRADING"]
    assert register.row_of(school)["quotas"] == {"max_students": 300, "storage_gb": 0}
    (told,) = register.events("TenantUpdated")
    assert (told["tenant_id"], told["data"]["quotas"]) == (school, {"max_students": 300, "storage_gb": 0})
    for tenant, about in ((school, None), (PLATFORM_TENANT_ID, school)):
        entry = register.log(tenant)
        assert (entry["action"], entry["user_id"]) == ("tenant.configured", ADMIN.user_id)
        assert (entry["about_tenant_id"], entry["resource_id"]) == (about, school)
    await register.do(configure_tenant, tenant_id=school, features=None, quotas={}, expected_version=2)
    await register.do(
        configure_tenant,
        tenant_id=school,
        features=None,
        quotas={"max_students": None, "storage_gb": None},
        expected_version=2,
    )
    assert (register.row_of(school)["features"], register.row_of(school)["quotas"]) == (["ATTENDANCE", "GRADING"], {})
    with pytest.raises(Conflict):
        await register.do(configure_tenant, tenant_id=school, features=[], quotas={}, expected_version=2)
    assert register.row_of(other_school) == before


async def test_a_school_is_suspended_once_and_resumed_once(register, school, other_school):
    before = register.row_of(other_school)
    for _ in range(2):
        await register.do(suspend_tenant, tenant_id=school, reason="Kontrak berakhir")
    assert register.row_of(school)["status"] == "SUSPENDED"
    (told,) = register.events("TenantSuspended")
    assert (told["tenant_id"], told["data"]["status"]) == (school, "SUSPENDED")
    for tenant in (school, PLATFORM_TENANT_ID):
        assert register.log(tenant)["action"] == "tenant.suspended"
        assert register.log(tenant)["new_values"] == {"status": "SUSPENDED", "reason": "Kontrak berakhir"}
    for _ in range(2):
        await register.do(resume_tenant, tenant_id=school, reason="Diperpanjang")
    assert register.row_of(school)["status"] == "ACTIVE"
    assert [row["data"]["status"] for row in register.events("TenantResumed")] == ["ACTIVE"]
    assert register.log(school)["action"] == "tenant.resumed"
    assert register.row_of(other_school) == before


async def test_two_who_suspend_at_once_tell_it_once(register, school):
    await asyncio.gather(*(register.do(suspend_tenant, tenant_id=school, reason="x") for _ in range(4)))
    assert len(register.events("TenantSuspended")) == 1


def _student(student_id, status, contract=StudentUpdated):
    return contract(student_id=student_id, nis="1", nisn=None, gender="MALE", status=status)


async def test_people_count_while_they_are_at_school_whatever_the_order(database, school, other_school, as_owner):
    pupil, teacher, gone = new_id(), new_id(), new_id()
    steps = [
        (count_student, _student(pupil, "ACTIVE", StudentCreated), 1),
        (count_student, _student(pupil, "GRADUATED"), 5),
        (count_student, _student(pupil, "ACTIVE"), 3),
        (count_student, _student(new_id(), "ACTIVE", StudentCreated), 6),
        (count_teacher, TeacherCreated(teacher_id=teacher), 7),
        (count_teacher, TeacherUpdated(teacher_id=teacher, status="INACTIVE"), 8),
        (count_teacher, TeacherUpdated(teacher_id=teacher), 9),
        (count_teacher, TeacherCreated(teacher_id=gone), 10),
        (count_teacher, TeacherUpdated(teacher_id=gone, status="INACTIVE"), 11),
    ]
    for tenant in (school, other_school):
        for operation, event, sequence in [*steps, *reversed(steps)]:
            meta = EventMeta(id=new_id(), time=utc_now(), sequence=sequence, tenant_id=tenant)
            async with database.write(system_binding(tenant)) as tx:
                await operation(tx, event, meta)
    statement = """select tenant_id, kind, count(*) filter (where counts) as n, count(*) as rows
      from identity.counted_people group by tenant_id, kind"""
    found = {(row["tenant_id"], row["kind"]): (row["n"], row["rows"]) for row in as_owner("identity", statement)}
    assert found == {
        (tenant, kind): counts
        for tenant in (school, other_school)
        for kind, counts in (("STUDENT", (1, 2)), ("TEACHER", (1, 2)))
    }


async def test_what_each_domain_said_last_is_kept_whatever_the_order(database, school, other_school, as_owner):
    told = [
        (AcademicStorageCounted, 100, 3),
        (OperationsStorageCounted, 2**40, 1),  # sequences of two subgraphs say nothing of each other
        (AcademicStorageCounted, 40, 9),
        (AcademicStorageCounted, 70, 5),
        (IdentityStorageCounted, 0, 2),
    ]
    for tenant, more in ((school, 0), (other_school, 1)):
        for contract, kept, sequence in [*told, *reversed(told)]:
            meta = EventMeta(id=new_id(), time=utc_now(), sequence=sequence, tenant_id=tenant)
            async with database.write(system_binding(tenant)) as tx:
                await count_storage(tx, contract(tenant_id=tenant, kept_bytes=kept + more), meta)
    rows = as_owner("identity", "select tenant_id, domain, kept_bytes, sequence from identity.counted_storage")
    found = {(row["tenant_id"], row["domain"]): (row["kept_bytes"], row["sequence"]) for row in rows}
    assert found == {
        (tenant, domain): (kept + more, sequence)
        for tenant, more in ((school, 0), (other_school, 1))
        for domain, kept, sequence in (("academic", 40, 9), ("operations", 2**40, 1), ("identity", 0, 2))
    }
