"""Two schools in academic and identity, with everything that a mutation may name."""

import importlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from libs.auth import Actor, system_binding
from libs.crypto import KeyRing
from libs.db import Database
from libs.events.contracts.identity import PasswordResetRequested, UserInvited
from libs.events.sealing import unseal_event
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows
from subgraphs.academic.contact.queries import Contacts
from subgraphs.identity.tenant.operations.create_tenant import ensure_platform
from tests.academic.world import HEADER, World
from tests.admission.world import World as AdmissionWorld
from tests.badinput.accounts import add_accounts, add_registrations
from tests.badinput.cases import Path, told_path
from tests.badinput.credentials import RightNow, credential_inputs, session_of
from tests.badinput.domains import admission_inputs, client_inputs, finance_inputs, operations_inputs
from tests.badinput.roles import role_inputs, role_places
from tests.badinput.schools import school_inputs
from tests.badinput.sessions import session_inputs
from tests.finance.world import World as FinanceWorld
from tests.operations.world import World as OperationsWorld

PASSWORD = "Melati-putih-7"
STACK_FIXTURES = "tests.journeys.fixtures"


def pytest_configure(config: pytest.Config) -> None:
    """The running processes are shared with journeys and faults."""
    if not config.pluginmanager.has_plugin(STACK_FIXTURES):
        config.pluginmanager.import_plugin(STACK_FIXTURES)


@dataclass
class Setting:
    """A subgraph with two schools: right inputs by mutation, and other schools' ids by mutation and path."""

    graph: GraphClient
    settings: Settings
    subgraph: str
    school: UUID
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    foreign: dict[str, dict[str, str]] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)

    def actor(self, role: str) -> Actor:
        """Someone of the school, who is signed in where a session is open; the platform's administrator, called to it."""
        acting = self.school if role == "super_admin" and self.subgraph != "identity" else None
        signed_in = self.session if role != "super_admin" else {}
        return replace(actor_of(role, self.school, acting_on=acting), **signed_in)


@pytest.fixture
async def setting(  # noqa: PLR0917 - pytest gives fixtures by name
    subgraph: str,
    database_for: Callable[[str], Database],
    settings: Settings,
    school: UUID,
    other_school: UUID,
    as_owner: OwnerRows,
) -> AsyncIterator[Setting]:
    """The subgraph that the test is parametrized with."""
    async with client_of(subgraph, settings) as graph:
        made = Setting(graph, settings, subgraph, school)
        if subgraph == "academic":
            world = World(database_for("academic"), Contacts.from_settings(settings), school, as_owner)
            await prepare_academic(made, world, world.of(other_school))
        elif subgraph == "identity":
            async with database_for("identity").write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await ensure_platform(tx)
            await prepare_identity(made, other_school, as_owner)
            await add_accounts(made, other_school, PASSWORD)
            await add_registrations(made, as_owner, PASSWORD)
        elif subgraph in _WORLDS:
            await prepare_domain(made, database_for(subgraph), other_school, as_owner)
        yield made


_WORLDS: dict[str, Any] = {"operations": OperationsWorld, "admission": AdmissionWorld, "finance": FinanceWorld}


async def prepare_domain(setting: Setting, database: Database, other_school: UUID, as_owner: OwnerRows) -> None:
    """Fills both schools of a domain; what stands at the same place of the other one's input is its id."""
    found = []
    for tenant in (setting.school, other_school):
        world = _WORLDS[setting.subgraph](setting.settings, database, tenant, as_owner)
        if setting.subgraph == "operations":
            found.append(await operations_inputs(world, setting.graph))
        elif setting.subgraph == "admission":
            found.append(await admission_inputs(world))
        else:
            found.append(await finance_inputs(world))
    setting.inputs, theirs = found
    setting.foreign = {
        name: {path: value for path, value in _leaves(theirs[name], ()) if path.endswith("Id")}
        for name in setting.inputs
    }


def _leaves(given: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Everything that an input says, by path."""
    if isinstance(given, dict | list):
        steps = given.items() if isinstance(given, dict) else enumerate(given)
        for step, each in steps:
            yield from _leaves(each, (*path, step))
    else:
        yield told_path(path), given


async def prepare_academic(setting: Setting, world: World, other_world: World) -> None:
    """Fills both schools with one of everything."""
    own, theirs = await ids_of(world), await ids_of(other_world)
    setting.inputs = academic_inputs(own)
    by_value = {value: theirs[name] for name, value in own.items()}
    setting.foreign = {
        mutation: {f"input.{name}": by_value[value] for name, value in given.items() if _is_id(value, by_value)}
        for mutation, given in setting.inputs.items()
    }


def _is_id(value: Any, known: Mapping[str, str]) -> bool:
    return isinstance(value, str) and value in known


def client_of(subgraph: str, settings: Settings) -> GraphClient:
    """The graph of a subgraph in process."""
    return GraphClient(importlib.import_module(f"subgraphs.{subgraph}.app").create_app(settings), settings)


async def ids_of(world: World) -> dict[str, str]:
    """One of everything in a school, and a second class subject's worth of free places."""
    year = await world.year()
    class_ = await world.class_(year)
    subject, second = await world.subject("MAT"), await world.subject("BIO")
    teacher = await world.teacher()
    (student,) = await world.students(year, 1)
    semester = world.semester(year)
    taught = await world.assign(class_, subject, semester, teacher)
    made = {
        "year": year.id,
        "class": class_.id,
        "subject": second.id,
        "teacher": teacher.id,
        "student": student,
        "semester": semester,
        "class subject": taught.id,
    }
    return {name: str(id) for name, id in made.items()}


def academic_inputs(ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """A right input for every mutation of academic."""
    return {
        "createAcademicYear": {
            "name": "2027/2028",
            "startDate": "2027-07-12",
            "endDate": "2028-06-24",
            "secondSemesterStart": "2028-01-03",
        },
        "activateSemester": {"semesterId": ids["semester"]},
        "declareHoliday": {"date": "2026-12-25", "name": "Natal", "affectsAttendance": True},
        "createSubject": {"code": "FIS", "name": "Fisika", "category": "WAJIB", "creditHours": 4, "kkm": 70},
        "createClass": {"academicYearId": ids["year"], "name": "X-9", "level": 10, "major": "IPA", "maxStudents": 36},
        "assignHomeroomTeacher": {"classId": ids["class"], "teacherId": ids["teacher"]},
        "createTeacher": {"fullName": "Siti Aminah", "nip": "198001012005011001", "email": "siti@example.test"},
        "updateTeacher": {"teacherId": ids["teacher"], "fullName": "Siti", "nip": "1" * 18, "status": "INACTIVE"},
        "assignSubjectToClass": {
            "classId": ids["class"],
            "subjectId": ids["subject"],
            "semesterId": ids["semester"],
            "teacherId": ids["teacher"],
        },
        "requestAcademicUpload": {"name": "siswa.xlsx", "size": 1000, "type": "XLSX"},
        "importStudents": {
            "file": {"text": f"{HEADER}\n77,,Murid Baru,L,2010-01-01,,,,,"},
            "academicYearId": ids["year"],
            "dryRun": False,
        },
        "enrollStudent": {"classId": ids["class"], "studentId": ids["student"], "from": "2026-09-01"},
        "createSchedule": {
            "classSubjectId": ids["class subject"],
            "dayOfWeek": 1,
            "startTime": "07:15",
            "endTime": "08:45",
            "room": "R1",
        },
    }


async def prepare_identity(setting: Setting, other_school: UUID, as_owner: OwnerRows) -> None:
    """An invited person in each school, and one of the first who has an account and a session."""
    invited = {tenant: await _invite(setting, tenant, "budi") for tenant in (setting.school, other_school)}
    active = await _invite(setting, setting.school, "sari")
    await setting.graph(_ACCEPT, {"input": {"token": _token(setting.settings, as_owner, active), "password": PASSWORD}})
    login = _SARI | {"device": "Laptop"}
    opened = (await setting.graph(_LOGIN, {"input": login}, tenant_id=setting.school)).ok()["login"]
    setting.session = session_of(opened["accessToken"])
    setting.inputs = {
        "login": login,
        "refreshToken": {"refreshToken": opened["refreshToken"]},
        "inviteUser": {
            "name": "Dewi Lestari",
            "email": "dewi@example.test",
            "phone": "08123456789",
            "roles": ["teacher"],
            "language": "id",
        },
        "acceptInvitation": {
            "token": _token(setting.settings, as_owner, invited[setting.school]),
            "password": PASSWORD,
        },
        "assignRole": {
            "userId": invited[setting.school],
            "role": "teacher",
            "validFrom": "2026-09-01",
            "validUntil": "2090-01-01",
        },
        "resetSecondFactor": {"userId": invited[setting.school]},
        "requestIdentityUpload": {"name": "sekolah.xlsx", "size": 1000, "type": "XLSX"},
    }
    secured = "insert into identity.second_factors (tenant_id, id, user_id, secret, confirmed_at)"
    place = (setting.school, new_id(), invited[setting.school])
    as_owner("identity", f"{secured} values (%s, %s, %s, '', now())", place)
    setting.inputs |= await school_inputs(setting.graph, setting.actor("super_admin"), setting.school)
    setting.inputs = RightNow(setting.inputs | await _own_inputs(setting, as_owner))
    setting.foreign = {name: {"input.userId": invited[other_school]} for name in _ABOUT_PEOPLE}
    await _add_clients_and_roles(setting, invited)


async def _own_inputs(setting: Setting, as_owner: OwnerRows) -> dict[str, Any]:
    """Right inputs about what is one's own, for whoever is signed in."""
    person = setting.actor("teacher")
    own = await session_inputs(setting.graph, person)

    def link() -> str:
        return _token(setting.settings, as_owner, str(person.user_id), PasswordResetRequested)

    return own | await credential_inputs(setting.graph, person, _SARI, link, as_owner)


async def _add_clients_and_roles(setting: Setting, people: Mapping[UUID, str]) -> None:
    """`people`: somebody of each school, the own one first."""
    ours, theirs = [await client_inputs(setting.graph, tenant) for tenant in people]
    client = {"input.apiClientId": theirs["revokeApiClient"]["apiClientId"]}
    setting.inputs |= ours
    setting.foreign |= {"rotateApiClientSecret": client, "revokeApiClient": client}
    ours, theirs = [await role_inputs(setting.graph, tenant, person) for tenant, person in people.items()]
    setting.inputs |= ours
    setting.foreign |= role_places(theirs)


_ABOUT_PEOPLE = ("assignRole", "unlockUser", "resetSecondFactor")
_SARI = {"email": "sari@example.test", "password": PASSWORD}
_ACCEPT = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { __typename } }"
_LOGIN = """mutation($input: LoginInput!) { login(input: $input) {
  ... on LoginSuccess { accessToken refreshToken } } }"""


async def _invite(setting: Setting, tenant: UUID, name: str) -> str:
    document = (
        "mutation($input: InviteUserInput!) { inviteUser(input: $input) { ... on InviteUserSuccess { user { id } } } }"
    )
    given = {"name": name.title(), "email": f"{name}@example.test", "roles": ["finance_staff"]}
    answer = await setting.graph(document, {"input": given}, actor=actor_of("school_admin", tenant))
    return str(answer.ok()["inviteUser"]["user"]["id"])


def _token(
    settings: Settings,
    as_owner: OwnerRows,
    user_id: str,
    contract: type[UserInvited | PasswordResetRequested] = UserInvited,
) -> str:
    """The token of a mail, an invitation as a rule, which travels sealed in its event."""
    statement = "select tenant_id, data from identity.outbox where type = %s and aggregate_id = %s"
    (row,) = as_owner("identity", statement, (f"id.wiyata.identity.{contract.__name__}.v1", user_id))
    event = unseal_event(KeyRing.from_settings(settings), row["tenant_id"], contract, row["data"])
    return str(event.secret["token"])
