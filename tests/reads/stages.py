"""The schools of families.py in databases of four stages, each with a canary more, and who asks there."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine, event, insert

from libs.auth import Actor, permissions_of, system_binding
from libs.crypto import KeyRing
from libs.db import Database
from libs.db.database import ReadTransaction
from libs.events import OutboxWriter
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope, utc_now
from libs.settings import Settings
from libs.testing import GraphAnswer, GraphClient, Template, actor_of, clone_database, owner_rows
from subgraphs.academic.app import create_app as academic_app
from subgraphs.admission.app import create_app as admission_app
from subgraphs.finance.app import create_app as finance_app
from subgraphs.identity.app import create_app as identity_app
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.tenant.operations.create_tenant import ensure_platform
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from subgraphs.notification.app import create_app as notification_app
from subgraphs.operations.app import create_app as operations_app
from tests.reads.families import CLASS, DELETED_AT, FAMILY, HATS_SINCE, MODELS, OTHER, OWN, Row, Rows, tenant_of, uid
from tests.reads.seen import Seen
from tests.reads.signed_in import insert_sessions

APPS = {
    "academic": academic_app,
    "identity": identity_app,
    "notification": notification_app,
    "finance": finance_app,
    "operations": operations_app,
    "admission": admission_app,
}
STAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "alone": {OWN: ()},
    "neighbours": {OWN: (), OTHER: (CLASS, FAMILY)},
    "another class": {OWN: (CLASS,), OTHER: (CLASS, FAMILY)},
    "another family": {OWN: (CLASS, FAMILY), OTHER: (CLASS, FAMILY)},
    "suspended": {OWN: (), OTHER: ()},
}
"""Schools with their canaries; `LAST` holds everything. What happens to the last one is for one test to say."""
LAST = "another family"
ROOT_USER = "platform"
_OWN_PUPILS = {"student": ("ani",), "parent": ("ani", "adi"), "both": ("cinta",), "mixed": ("ani", "adi")}
_MIXTURES = {
    "classes": {"class:read", "student:read_own", "academic_year:read", "teacher:read", "subject:read"},
    "pupils": {"student:read"},
    "sittings": {"enrollment:read", "student:read_own", "class:read_own", "academic_year:read", "user:read_own"},
    "taught": {"class:read_taught", "student:read_own", "schedule:read_own", "enrollment:read_taught", "subject:read"},
    "contacts": {"user:read_own", "user:read_contact", "notification:read"},
    "marks": {"student:read", "attendance:read_own", "grade:read_taught", "assessment:read", "report_card:read_own"},
    "applicants": {"application:read"},
}
"""Permissions together that no system role has."""
_ACCOUNTS = dict.fromkeys(("classes", "pupils", "sittings", "applicants"), "mixed") | {
    "taught": "teacher",
    "contacts": "parent",
    "marks": "both",
}
"""Whose account has such a mixture."""
ROLES = ("school_admin", "principal", "teacher", "student", "parent", "finance_staff", "admission_staff")
WHO = (*ROLES, "super_admin", "super_admin_at_home", "both", *_MIXTURES, "roleless")
"""Everybody who signs in."""
_QUICK = {"principal", "teacher", "parent", "both", "super_admin_at_home", "sittings"}
_QUICK_OF = {
    "finance": {"finance_staff", "teacher", "parent", "super_admin_at_home"},
    "operations": {"principal", "teacher", "parent", "both", "super_admin_at_home", "marks"},
    "admission": {"admission_staff", "teacher", "super_admin_at_home", "applicants"},
}
"""Of a subgraph with other reaches."""


def everybody(*subgraphs: str) -> list[Any]:
    """Subgraph and person: one of each reach, the platform and two mixtures in every run, all others in deep ones."""
    pairs = [(subgraph, name) for subgraph in subgraphs for name in WHO]
    return [
        pytest.param(*pair, marks=() if pair[1] in _QUICK_OF.get(pair[0], _QUICK) else pytest.mark.deep)
        for pair in pairs
    ]


def person(name: str, school: str = OWN) -> Actor:
    """One of WHO, in a school."""
    if name.startswith("super_admin"):
        acting = None if name.endswith("home") else tenant_of(school)
        return actor_of("super_admin", PLATFORM_TENANT_ID, user_id=uid(ROOT_USER, "users", "root"), acting_on=acting)
    account = _ACCOUNTS.get(name, name)
    student_ids = tuple(uid(school, "students", key) for key in _OWN_PUPILS.get(account, ()))
    made = actor_of("parent", tenant_of(school), user_id=uid(school, "users", account), student_ids=student_ids)
    roles = {"both": ("teacher", "parent")}.get(name, (name,) if name in ROLES else ())
    return replace(made, roles=roles, permissions=frozenset(_MIXTURES.get(name, permissions_of(roles))))


@dataclass
class Stage:
    """The subgraphs over one database, and the rows in it."""

    settings: Settings
    schools: dict[UUID, Rows]
    platform_users: list[Row]
    graphs: dict[str, GraphClient]
    runner: asyncio.Runner

    def seen(self, actor: Actor, subgraph: str) -> Seen:
        """The model of what exists for an actor."""
        return Seen(self.schools, self.platform_users, actor, subgraph)

    def ask(self, subgraph: str, document: str, actor: Actor | None, variables: Any = None, **sent: Any) -> GraphAnswer:
        """One operation."""
        answer: GraphAnswer = self.runner.run(self.graphs[subgraph](document, variables, actor=actor, **sent))
        return answer


class Stages:
    """Every stage, made when it is first asked for."""

    def __init__(self, template: Template, runner: asyncio.Runner, mail: str) -> None:
        self._template, self._runner, self._mail = template, runner, mail
        self._made: dict[str, Stage] = {}
        self._databases: list[Any] = []
        self._stack = AsyncExitStack()

    def __getitem__(self, name: str) -> Stage:
        if name not in self._made:
            clone = clone_database(self._template)
            settings = clone.__enter__().model_copy(update={"mail_url": self._mail})
            self._databases.append(clone)
            self._made[name] = self._runner.run(self._make(settings, STAGES[name]))
        return self._made[name]

    async def _make(self, settings: Settings, schools: dict[str, tuple[str, ...]]) -> Stage:
        today = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
        rows = [Rows(school, today, canaries) for school, canaries in schools.items()]
        _load(settings, rows)
        platform = _platform_users()
        await _make_accounts(settings, {PLATFORM_TENANT_ID: platform} | {each.tenant_id: each.users for each in rows})
        graphs = {
            name: await self._stack.enter_async_context(GraphClient(create_app(settings), settings))
            for name, create_app in APPS.items()
        }
        return Stage(settings, {each.tenant_id: each for each in rows}, platform, graphs, self._runner)

    def close(self) -> None:
        """Ends the applications and drops the databases."""
        self._runner.run(self._stack.aclose())
        for clone in self._databases:
            clone.__exit__(None, None, None)


def _platform_users() -> list[Row]:
    root = Rows(OWN, utc_now().date()).users[0]
    own = {"id": uid(ROOT_USER, "users", "root"), "tenant_id": PLATFORM_TENANT_ID, "name": "~platform/users/root/name"}
    others = {"sessions": [], "devices": [], "second_factor": False}
    return [root | own | others | {"email": "root@mail.example", "roles": ("super_admin",), "staff": True}]


def _load(settings: Settings, schools: list[Rows]) -> None:
    admin, name = settings.database_admin_url.get_secret_value(), settings.database_url.rpartition("/")[2]
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: psycopg.connect(admin, dbname=name)
    )
    with engine.begin() as connection:
        for subgraph in APPS:
            for school in schools:
                for model in MODELS[subgraph]:
                    for row in school.by_model[model]:
                        connection.execute(insert(model.__table__), row)
    engine.dispose()


async def _make_accounts(settings: Settings, users: dict[UUID, list[Row]]) -> None:
    writer = OutboxWriter("identity", KeyRing.from_settings(settings))
    database, contacts = Database(settings, "identity", on_flush=writer), Contacts(settings)
    async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
        await ensure_platform(tx)
    for tenant_id, rows in users.items():
        accounts = [
            NewAccount(
                id=row["id"],
                name=row["name"],
                contact=Contact(row["email"], row["phone"]),
                roles=[system_role(role) for role in row["roles"]],
                password_hash="-",
            )
            for row in rows
        ]
        async with database.write(system_binding(tenant_id)) as tx:
            await create_accounts(tx, accounts, contacts=contacts, doer=NOBODY, since=HATS_SINCE)
        made = "update identity.users set created_at = %s where tenant_id = %s"
        owner_rows(settings, "identity", made, (rows[0]["created_at"], tenant_id))
        insert_sessions(settings, rows)
        gone = [row["id"] for row in rows if row["deleted"]]
        deleted = "update identity.users set deleted_at = %s where id = any(%s)"
        owner_rows(settings, "identity", deleted, (DELETED_AT, gone))
    await database.close()


@dataclass(frozen=True)
class Ran:
    """A statement as the engine ran it, and what came of it; other statements have neither binding nor values."""

    sql: str
    binding: Binding | None = None
    values: Sequence[Any] = ()
    rows: str = ""


@contextmanager
def statements() -> Iterator[list[Ran]]:
    """The statements that run meanwhile, without those that bind a transaction or look at the school itself."""
    found: list[Ran] = []
    alone, within = Database.fetch, ReadTransaction.fetch

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("set "):
            found.append(Ran(statement))

    async def fetch(self: Database, binding: Binding, statement: str, values: Any) -> Any:
        rows = await alone(self, binding, statement, values)
        if binding.scope is not Scope.SYSTEM:
            found.append(Ran(statement, binding, values, str(rows)))
        return rows

    async def fetch_within(self: ReadTransaction, statement: str, values: Any) -> Any:
        rows = await within(self, statement, values)
        found.append(Ran(statement, self.binding, values, str(rows)))
        return rows

    event.listen(Engine, "before_cursor_execute", before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "fetch", fetch)
        patch.setattr(ReadTransaction, "fetch", fetch_within)
        yield found
    event.remove(Engine, "before_cursor_execute", before)


@pytest.fixture(scope="session")
def stages(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """Read only, but for the log of who read which contact."""
    with asyncio.Runner() as runner:
        made = Stages(template, runner, f"sink:{tmp_path_factory.mktemp('mail')}")
        yield made
        made.close()
