"""What the benchmarks of events do to the product: real operations, on their own time or all at once.

A load says how many events one of its actions tells and how many effects these have in other subgraphs.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Protocol
from uuid import UUID

from libs.auth import system_binding
from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.settings import Settings
from libs.testing import actor_of
from subgraphs.academic.academic_year.operations import create_academic_year
from subgraphs.academic.contact.queries import Contacts as AcademicContacts
from subgraphs.academic.student.operations import run_import
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.user.operations.invite_user import invite_user
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts

_AT_ONCE = 100


class Load(Protocol):
    """One kind of action, done again and again in several schools."""

    name: ClassVar[str]
    events: ClassVar[int]
    effects: ClassVar[int]

    async def act(self, group: str, number: int) -> None:
        """Does it once; `group` and `number` make the people of this action unlike any other's."""


@dataclass
class Outcome:
    """What became of a steady load; `late` is the worst delay of a start, seconds."""

    actions: int = 0
    late: float = 0.0
    errors: list[BaseException] = field(default_factory=list)


async def steadily(load: Load, group: str, *, per_second: float, seconds: float) -> Outcome:
    """Starts one action after the other, each at its time, whether or not those before are done."""
    outcome, began = Outcome(round(per_second * seconds)), time.monotonic()
    running: list[asyncio.Task[None]] = []
    for number in range(outcome.actions):
        await asyncio.sleep(began + number / per_second - time.monotonic())
        outcome.late = max(outcome.late, time.monotonic() - began - number / per_second)
        running.append(asyncio.create_task(load.act(group, number)))
    ended = await asyncio.gather(*running, return_exceptions=True)
    outcome.errors = [each for each in ended if isinstance(each, BaseException)]
    return outcome


def database_of(settings: Settings, subgraph: str) -> Database:
    """The database of a subgraph as its application has it, with its outbox."""
    return Database(settings, subgraph, on_flush=OutboxWriter(subgraph, KeyRing.from_settings(settings)))


class Pupils:
    """Imports of ten pupils with a guardian each: StudentCreated and GuardianLinked, applied by identity,
    notification, and the pupils by finance and operations too. Nobody has an address, so that nobody is invited.
    """

    name: ClassVar = "pupils of imports"
    pupils: ClassVar = 10
    events: ClassVar = 2 * pupils
    effects: ClassVar = 6 * pupils  # StudentCreated has four consumers, GuardianLinked two

    def __init__(self, settings: Settings, schools: Sequence[UUID]) -> None:
        self._database = database_of(settings, "academic")
        self._contacts = AcademicContacts.from_settings(settings)
        self._schools = schools
        self._years: dict[UUID, UUID] = {}

    async def prepare(self) -> None:
        """Gives each school its year."""
        for school in self._schools:
            async with self._database.write(system_binding(school)) as tx:
                year = await create_academic_year(
                    tx,
                    name="2026/2027",
                    start_date=date(2026, 7, 1),
                    end_date=date(2027, 6, 30),
                    second_semester_start=date(2027, 1, 1),
                )
                self._years[school] = year.id

    async def act(self, group: str, number: int) -> None:
        """One import into one school."""
        school = self._schools[number % len(self._schools)]
        lines = [
            f"{group}-{number}-{each},Murid {each},L,2010-01-01,Wali {number} {each},ayah"
            for each in range(self.pupils)
        ]
        header = "nis,full_name,gender,birth_date,guardian_name,guardian_relation"
        async with self._database.write(system_binding(school)) as tx:
            faults = await run_import(
                tx,
                contacts=self._contacts,
                academic_year_id=self._years[school],
                content="\n".join([header, *lines]),
                dry_run=False,
            )
        if faults:
            raise ValueError(faults[0].code)

    async def close(self) -> None:
        """Closes the connections."""
        await self._database.close()


@dataclass(frozen=True)
class _Office:
    """Where the invitations come from."""

    database: Database
    address: str = "203.0.113.7"
    user_agent: str = "benchmark"


class Invitations:
    """Invitations: UserCreated, applied by academic and notification, and UserInvited, which becomes a mail."""

    name: ClassVar = "invitations, each with its mail"
    events: ClassVar = 2
    effects: ClassVar = 3

    def __init__(self, settings: Settings, schools: Sequence[UUID]) -> None:
        self._database = database_of(settings, "identity")
        self._contacts = Contacts(settings)
        self._schools = schools

    async def act(self, group: str, number: int) -> None:
        """Invites one person."""
        school = self._schools[number % len(self._schools)]
        async with self._database.write(system_binding(school)) as tx:
            await invite_user(
                tx,
                actor=actor_of("school_admin", school),
                name=f"Orang {number}",
                contact=Contact(_address(group, number), "+628111222333"),
                roles=["teacher"],
                language="id",
                today=tx.now.date(),
                contacts=self._contacts,
                origin=_Office(self._database),
            )

    async def at_once(self, group: str, count: int) -> None:
        """Makes many accounts with the write of the same operation, a hundred to a transaction."""
        for start in range(0, count, _AT_ONCE):
            school = self._schools[start // _AT_ONCE % len(self._schools)]
            async with self._database.write(system_binding(school)) as tx:
                accounts = [
                    NewAccount(
                        id=tx.new_id(),
                        name=f"Orang {number}",
                        contact=Contact(_address(group, number)),
                        roles=[system_role("teacher")],
                    )
                    for number in range(start, min(start + _AT_ONCE, count))
                ]
                await create_accounts(tx, accounts, contacts=self._contacts, doer=NOBODY, since=tx.now.date())

    async def close(self) -> None:
        """Closes the connections."""
        await self._database.close()


def _address(group: str, number: int) -> str:
    return f"{group}.{number}@orang.test"
