"""The catalogue and the system roles, written down a second time on purpose: who reads what, who may do what."""

import re

import pytest

from libs.auth import CATALOGUE, SYSTEM_ROLES, permissions_of

MUTATIONS = {
    "createTenant": "tenant:create",
    "importTenants": "tenant:import",
    "inviteUser": "user:invite",
    "createUser": "user:create",
    "importUsers": "user:import",
    "requestIdentityUpload": "user:import",
    "updateUser": "user:update",
    "deleteUser": "user:delete",
    "restoreUser": "user:delete",
    "activateUser": "user:activate",
    "deactivateUser": "user:activate",
    "unlockUser": "user:unlock",
    "resetSecondFactor": "second_factor:reset",
    "createRole": "role:create",
    "updateRole": "role:update",
    "deleteRole": "role:delete",
    "grantPermissions": "role:update",
    "revokePermissions": "role:update",
    "assignRole": "role:assign",
    "revokeRole": "role:revoke",
    "updateTenant": "tenant:update",
    "configureTenant": "tenant:configure",
    "suspendTenant": "tenant:suspend",
    "resumeTenant": "tenant:suspend",
    "configurePasswordPolicy": "password_policy:configure",
    "createApiClient": "api_client:create",
    "rotateApiClientSecret": "api_client:rotate",
    "revokeApiClient": "api_client:revoke",
    "createAcademicYear": "academic_year:create",
    "activateSemester": "semester:activate",
    "createSubject": "subject:create",
    "createClass": "class:create",
    "createTeacher": "teacher:create",
    "updateTeacher": "teacher:update",
    "assignHomeroomTeacher": "class:assign_homeroom",
    "assignSubjectToClass": "class_subject:create",
    "importStudents": "student:import",
    "requestAcademicUpload": "student:import",
    "enrollStudent": "enrollment:create",
    "createSchedule": "schedule:create",
    "declareHoliday": "holiday:declare",
    "recordClassAttendance": "attendance:record",
    "importAttendance": "attendance:import",
    "requestOperationsUpload": "attendance:import",
    "setGradeCategories": "grade_category:set",
    "createAssessment": "assessment:create",
    "recordGrades": "grade:record",
    "generateReportCard": "report_card:generate",
    "createAdmissionPeriod": "admission_period:create",
    "openAdmissionPeriod": "admission_period:open",
    "verifyApplication": "application:verify",
    "createBillingConfig": "billing_config:create",
    "generateMonthlyInvoices": "invoice:generate",
    "recordPayment": "payment:record",
}
FURTHER = {
    "class:assign_homeroom": {"principal"},
    "class_subject:create": {"principal"},
    "report_card:generate": {"principal", "teacher"},
    "attendance:record": {"teacher"},
    "assessment:create": {"teacher"},
    "grade_category:set": {"teacher"},
    "grade:record": {"teacher"},
    "admission_period:create": {"admission_staff"},
    "admission_period:open": {"admission_staff"},
    "application:verify": {"admission_staff"},
    "billing_config:create": {"finance_staff"},
    "invoice:generate": {"finance_staff"},
    "payment:record": {"finance_staff"},
}
"""Who changes what beside the administrators."""
PLATFORM = {"tenant:read_all", "tenant:create", "tenant:import", "tenant:configure", "tenant:suspend"}
SCHOOL_ROLES = SYSTEM_ROLES.keys() - {"super_admin"}
EVERYBODY_READS = {"tenant:read", "school:read", "academic_year:read", "subject:read", "teacher:read"}
FAMILY = EVERYBODY_READS | {
    "user:read_own",
    "student:read_own",
    "class:read_own",
    "enrollment:read_own",
    "schedule:read_own",
    "notification:read_own",
    *("attendance:read_own", "assessment:read_own", "grade:read_own", "report_card:read_own"),
    *("invoice:read_own", "payment:read_own"),
}
LESSONS = {"attendance", "assessment", "grade", "report_card"}
MONEY = {"billing_config:read", "invoice:read", "payment:read"}
ADMISSION = {"admission_period:read", "application:read"}
PUPILS = {"student:read", "class:read", "enrollment:read"}


def test_the_catalogue_speaks_resource_and_action():
    for name, description in CATALOGUE.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*:[a-z]+(_[a-z]+)*", name)
        assert re.fullmatch(r"[A-Z].+\.", description)


def test_the_system_roles_are_these():
    assert set(SYSTEM_ROLES) == {
        "super_admin",
        "school_admin",
        "principal",
        "teacher",
        "student",
        "parent",
        "finance_staff",
        "admission_staff",
    }


@pytest.mark.parametrize("role", SYSTEM_ROLES)
def test_a_role_holds_only_what_the_catalogue_knows(role):
    assert SYSTEM_ROLES[role].permissions <= CATALOGUE.keys()


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (
            "teacher",
            EVERYBODY_READS
            | {
                "user:read",
                "class:read_taught",
                "student:read_taught",
                "enrollment:read_taught",
                "schedule:read_taught",
                "notification:read_own",
            }
            | {f"{resource}:read_taught" for resource in LESSONS}
            | {"attendance:record", "assessment:create", "grade_category:set", "grade:record", "report_card:generate"},
        ),
        ("student", FAMILY),
        ("parent", FAMILY),
        (
            "finance_staff",
            EVERYBODY_READS
            | PUPILS
            | MONEY
            | {"user:read", "user:read_contact", "notification:read_own"}
            | {"billing_config:create", "invoice:generate", "payment:record"},
        ),
        (
            "admission_staff",
            EVERYBODY_READS
            | PUPILS
            | ADMISSION
            | {"user:read", "notification:read_own"}
            | {"admission_period:create", "admission_period:open", "application:verify"},
        ),
        (
            "principal",
            EVERYBODY_READS
            | PUPILS
            | {"user:read", "user:read_contact", "role:read", "schedule:read", "notification:read"}
            | {"password_policy:read", "api_client:read", "tenant_usage:read"}
            | {"class:assign_homeroom", "class_subject:create", "school_overview:read"}
            | {f"{resource}:read" for resource in LESSONS}
            | MONEY
            | ADMISSION
            | {"teacher:read_nip", "report_card:generate", "report_card:generate_any"},
        ),
    ],
)
def test_a_role_holds_exactly_this(role, permissions):
    assert permissions_of([role]) == permissions


@pytest.mark.parametrize(("mutation", "permission"), MUTATIONS.items())
def test_every_mutation_has_a_permission_and_somebody_who_holds_it(mutation, permission):
    holders = {role for role in SYSTEM_ROLES if permission in SYSTEM_ROLES[role].permissions}
    platform = {"super_admin"} if permission in PLATFORM else {"super_admin", "school_admin"}
    assert holders == platform | FURTHER.get(permission, set())


def test_what_is_the_platforms_no_school_holds():
    schools = permissions_of(SCHOOL_ROLES)
    assert permissions_of(["super_admin"]) - schools == PLATFORM


def test_a_school_admin_reaches_the_whole_school():
    held = permissions_of(["school_admin"])
    assert {name for name in CATALOGUE if name not in held} == {
        name for name in CATALOGUE if name.endswith(("_own", "_taught"))
    } | PLATFORM


def test_hats_add_up():
    both = permissions_of(["teacher", "parent"])
    assert both == permissions_of(["teacher"]) | permissions_of(["parent"])
    assert permissions_of([]) == frozenset()


def test_an_unknown_role_is_refused():
    with pytest.raises(KeyError, match="janitor"):
        permissions_of(["teacher", "janitor"])
