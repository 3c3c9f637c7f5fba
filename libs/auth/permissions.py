"""The catalogue: every permission there is, and what each system role holds.

A permission is `resource:action`. Reads come in three reaches: `read` (the whole school), `read_taught` (the classes a
teacher teaches) and `read_own` (the person's own rows and those of their pupils). Every mutation needs exactly one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

CATALOGUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "graph:adhoc": "Send documents that nobody registered.",
        # identity
        "tenant:read": "Read the own school's entry: name, NPSN, time zone, features, status.",
        "tenant:read_all": "Read every school on the platform.",
        "tenant_usage:read": "Read the school's quotas, and what it uses of them.",
        "tenant:create": "Add a school to the platform.",
        "tenant:import": "Load a school register.",
        "user:read": "Read names, status and roles of the school's accounts.",
        "user:read_own": "Read the own account.",
        "user:read_contact": "Read e-mail addresses and phone numbers of other people's accounts.",
        "user:read_activity": "Read when other people signed in last, and on which devices.",
        "user:invite": "Invite people to an account.",
        "user:create": "Make accounts with a first password.",
        "user:import": "Load accounts from a file.",
        "user:update": "Change names, addresses and languages of other people's accounts.",
        "user:delete": "Delete accounts, find those that were deleted, and take them back.",
        "user:activate": "Let accounts in again, or keep them out.",
        "user:unlock": "Unlock accounts that had too many failed sign-ins.",
        "session:revoke": "End other people's sessions.",
        "second_factor:reset": "Switch off the second factor of somebody who lost it.",
        "role:read": "Read the school's roles and what they permit.",
        "role:create": "Make a role of the school's own.",
        "role:update": "Change what a role is called, inherits and permits.",
        "role:delete": "Delete a role of the school's own.",
        "role:assign": "Give a role to an account.",
        "role:revoke": "Take a role from an account.",
        "tenant:update": "Change the own school's entry, and who may register.",
        "tenant:configure": "Switch features of a school and set its quotas.",
        "tenant:suspend": "Suspend a school and open it again.",
        "password_policy:read": "Read what the school demands of passwords.",
        "password_policy:configure": "Say what the school demands of passwords and of whom a second factor.",
        "api_client:read": "Read the school's integrators and what they may do.",
        "api_client:create": "Give an integrator access.",
        "api_client:rotate": "Give an integrator a new secret.",
        "api_client:revoke": "Take an integrator's access away.",
        # academic
        "holiday:declare": "Declare a holiday of the school.",
        "school:read": "Read the school: name, NPSN, level, time zone.",
        "school_overview:read": "Read the school's figures: pupils, classes, teachers.",
        "academic_year:read": "Read academic years and semesters.",
        "academic_year:create": "Create an academic year with its two semesters.",
        "semester:activate": "Make a semester the active one.",
        "subject:read": "Read the subjects taught at the school.",
        "subject:create": "Add a subject.",
        "class:read": "Read every class with its subjects.",
        "class:read_taught": "Read the classes one teaches or is homeroom teacher of, with their subjects.",
        "class:read_own": "Read the classes of the own pupils, with their subjects.",
        "class:create": "Create a class.",
        "class:assign_homeroom": "Make a teacher the homeroom teacher of a class.",
        "class_subject:create": "Assign a subject and its teacher to a class.",
        "teacher:read": "Read the names of the school's teachers.",
        "teacher:read_nip": "Read the civil service numbers of teachers, which tell their dates of birth.",
        "teacher:create": "Add a teacher.",
        "teacher:update": "Change a teacher's name and number, and say that a teacher left or came back.",
        "student:read": "Read every pupil with guardians.",
        "student:read_taught": "Read the pupils of the classes one teaches.",
        "student:read_own": "Read oneself as a pupil, or one's children.",
        "student:import": "Load pupils and their guardians from a file.",
        "enrollment:read": "Read every enrollment.",
        "enrollment:read_taught": "Read the enrollments of the classes one teaches.",
        "enrollment:read_own": "Read the own pupils' enrollments.",
        "enrollment:create": "Enroll a pupil in a class.",
        "schedule:read": "Read every timetable.",
        "schedule:read_taught": "Read the own timetable and those of the classes one teaches.",
        "schedule:read_own": "Read the timetables of the own pupils' classes.",
        "schedule:create": "Add a lesson to the timetable.",
        # operations
        "attendance:read": "Read every pupil's attendance.",
        "attendance:read_taught": "Read the attendance of the classes one teaches.",
        "attendance:read_own": "Read the own pupils' attendance.",
        "attendance:record": "Record the attendance of classes one leads or teaches.",
        "attendance:record_any": "Record the attendance of any class.",
        "attendance:import": "Load attendance from a file.",
        "assessment:read": "Read every assessment.",
        "assessment:read_taught": "Read the assessments of the classes one teaches.",
        "assessment:read_own": "Read the assessments of the own pupils' classes.",
        "assessment:create": "Set an assessment in a subject one teaches.",
        "grade_category:set": "Say how a subject one teaches is graded.",
        "grade:read": "Read every pupil's grades.",
        "grade:read_taught": "Read the grades of the classes one leads and of the subjects one teaches.",
        "grade:read_own": "Read the own pupils' grades.",
        "grade:record": "Record grades in a subject one teaches.",
        "grade:record_any": "Grade in any subject: set categories and assessments, record grades.",
        "report_card:read": "Read every report card.",
        "report_card:read_taught": "Read the report cards of the classes one leads.",
        "report_card:read_own": "Read the own pupils' report cards.",
        "report_card:generate": "Generate the report cards of the classes one leads.",
        "report_card:generate_any": "Generate the report card of any pupil.",
        # admission
        "admission_period:read": "Read every admission period, drafts too.",
        "admission_period:create": "Plan an admission period.",
        "admission_period:open": "Open an admission period to applicants.",
        "application:read": "Read every application.",
        "application:verify": "Verify applications.",
        # finance
        "billing_config:read": "Read what the school bills.",
        "billing_config:create": "Say what the school bills.",
        "invoice:read": "Read every invoice.",
        "invoice:read_own": "Read the own pupils' invoices.",
        "invoice:generate": "Issue the invoices of a month.",
        "payment:read": "Read every payment.",
        "payment:read_own": "Read the payments for the own pupils.",
        "payment:record": "Record payments.",
        # notification
        "notification:read": "Read every message the school has sent.",
        "notification:read_own": "Read the messages sent to oneself.",
    }
)


@dataclass(frozen=True, slots=True)
class SystemRole:
    """A role that lives in code: tenants may extend it, never take its core away."""

    description: str
    permissions: frozenset[str]


# What everybody who belongs to a school may know of it: who teaches there is no secret.
_SCHOOL_LIFE = frozenset({"tenant:read", "school:read", "academic_year:read", "subject:read", "teacher:read"})
PLATFORM_ONLY: Final = frozenset(
    {"tenant:read_all", "tenant:create", "tenant:import", "tenant:configure", "tenant:suspend"}
)
"""What no role of a school may permit."""
_WHOLE_REACH = frozenset(name for name in CATALOGUE if not name.endswith(("_own", "_taught")))
CLIENT_SCOPES: Final = _WHOLE_REACH - PLATFORM_ONLY - {"graph:adhoc", "api_client:create", "api_client:rotate"}
"""What an integrator's client may be given: it has no pupils and no classes, sends registered documents alone, and
makes no further clients, which would outlive its own end."""

_FAMILY = _SCHOOL_LIFE | {
    "user:read_own",
    "student:read_own",
    "class:read_own",
    "enrollment:read_own",
    "schedule:read_own",
    "attendance:read_own",
    "assessment:read_own",
    "grade:read_own",
    "report_card:read_own",
    "invoice:read_own",
    "payment:read_own",
    "notification:read_own",
}
_OFFICE = _SCHOOL_LIFE | {"student:read", "class:read", "enrollment:read", "user:read", "notification:read_own"}
_FINANCE = frozenset(name for name in _WHOLE_REACH if name.startswith(("billing_config:", "invoice:", "payment:")))
_ADMISSION = frozenset(name for name in _WHOLE_REACH if name.startswith(("admission_period:", "application:")))

SYSTEM_ROLES: Final[Mapping[str, SystemRole]] = MappingProxyType(
    {
        "super_admin": SystemRole("Administers the platform and, when called, any school.", _WHOLE_REACH),
        "school_admin": SystemRole("Administers one school.", _WHOLE_REACH - PLATFORM_ONLY),
        "principal": SystemRole(
            "Leads the school: reads everything, assigns teachers to classes, issues report cards.",
            frozenset(name for name in _WHOLE_REACH - PLATFORM_ONLY if name.endswith(":read"))
            | {"user:read_contact", "teacher:read_nip", "class:assign_homeroom", "class_subject:create"}
            | {"report_card:generate", "report_card:generate_any"},
        ),
        "teacher": SystemRole(
            "Teaches: sees the classes taught and their pupils.",
            _SCHOOL_LIFE
            | {
                "user:read",
                "class:read_taught",
                "student:read_taught",
                "enrollment:read_taught",
                "schedule:read_taught",
                "attendance:read_taught",
                "attendance:record",
                "assessment:read_taught",
                "assessment:create",
                "grade_category:set",
                "grade:read_taught",
                "grade:record",
                "report_card:read_taught",
                "report_card:generate",
                "notification:read_own",
            },
        ),
        "student": SystemRole("Learns here.", _FAMILY),
        "parent": SystemRole("Guardian of one or more pupils.", _FAMILY),
        "finance_staff": SystemRole("Bills and collects.", _OFFICE | {"user:read_contact"} | _FINANCE),
        "admission_staff": SystemRole("Handles applications.", _OFFICE | _ADMISSION),
    }
)


def permissions_of(role_names: Iterable[str]) -> frozenset[str]:
    """What these system roles permit together. Raises KeyError for a name that is none of them."""
    return frozenset().union(*(SYSTEM_ROLES[name].permissions for name in role_names))
