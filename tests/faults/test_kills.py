"""Processes die in the middle of the work: afterwards every change has exactly one effect, everywhere."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from libs.events import wait_until_consumed
from libs.kernel import new_id
from libs.settings import SUBGRAPHS
from tests.journeys.school import School
from tests.journeys.stack import Stack

SOME = 100
MANY = pytest.param(500, marks=pytest.mark.deep)
_AT_ONCE = 8
_CATCH_UP_SECONDS = 240


@dataclass
class Changes:
    """A fifth of pupils with a guardian each, in one import; the rest teachers and invitations, one by one."""

    school: School
    count: int
    done: int = 0
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def pupils(self) -> int:
        return self.count // 5

    @property
    def teachers(self) -> int:
        return (self.count - self.pupils) // 2

    @property
    def invited(self) -> int:
        return self.count - self.pupils - self.teachers

    async def make(self) -> None:
        """Makes all of them."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pupils())
            for number in range(self.teachers):
                group.create_task(
                    self._one("createTeacher", self._named(f"Guru {number}", "fullName"), "teacher { id }")
                )
            for number in range(self.invited):
                given = {**self._named(f"Staf {number}", "name"), "roles": ["finance_staff"]}
                group.create_task(self._one("inviteUser", given, "user { id }"))

    def _named(self, who: str, name: str) -> dict[str, Any]:
        return {name: self.school.name(who), "email": self.school.email(who)}

    async def until(self, share: float) -> None:
        """Returns when this share of the changes is made."""
        while self.done < share * self.count:  # noqa: ASYNC110 - a count, not an event
            await asyncio.sleep(0.01)

    async def _one(self, name: str, given: dict[str, Any], selection: str) -> None:
        async with self._gate:
            await self.school.people["Admin"].do(name, given, selection)
            self.done += 1

    async def _pupils(self) -> None:
        lines = []
        for number in range(self.pupils):
            pupil, wali = f"Murid {number}", f"Wali {number}"
            guardian = f"{self.school.name(wali)},ayah,{self.school.email(wali)},"
            lines.append(f"{number},,{self.school.name(pupil)},L,2010-01-01,,{guardian},{self.school.email(pupil)}")
        await self.school.import_pupils(lines)
        self.done += self.pupils


async def found(stack: Stack, http: httpx.AsyncClient) -> School:
    """A new school with an administrator and a year."""
    school = School(f"s{str(new_id())[-12:]}", stack, http)
    await school.found()
    await school.begin_year()
    return school


async def in_thread(call: Any, *names: str) -> None:
    """Kills or starts processes while the changes go on."""
    await asyncio.to_thread(call, *names)


@pytest.mark.parametrize("count", [SOME, MANY])
async def test_worker_and_broker_killed_during_changes(stack: Stack, http: httpx.AsyncClient, count: int) -> None:
    school = await found(stack, http)
    changes = Changes(school, count)

    async def kill_and_start() -> None:
        await changes.until(0.1)
        await in_thread(stack.kill, "worker")
        await in_thread(stack.start, "worker")
        await changes.until(0.3)
        await in_thread(stack.kill, "nats")
        await in_thread(stack.start, "nats")
        await changes.until(0.5)
        await in_thread(stack.kill, "worker", "nats")
        await in_thread(stack.start, "nats", "worker")

    async with asyncio.TaskGroup() as group:
        group.create_task(kill_and_start())
        group.create_task(changes.make())
    await wait_until_consumed(stack.settings, timeout_seconds=_CATCH_UP_SECONDS)
    check_rows(stack, changes)
    await check_mails(stack, changes)


def check_rows(stack: Stack, changes: Changes) -> None:
    """Every change once in every subgraph, linked to one another, and nobody given up."""
    tenant = (changes.school.tenant,)
    people = changes.teachers + changes.invited + 2 * changes.pupils

    def count(subgraph: str, what: str) -> int:
        return stack.count(subgraph, f"select count(*) from {subgraph}.{what}", tenant)

    assert count("academic", "teachers where tenant_id = %s and user_id is not null") == changes.teachers
    assert count("academic", "teachers where tenant_id = %s") == changes.teachers
    for table in ("students", "guardians"):
        assert count("academic", f"{table} where tenant_id = %s and user_id is not null") == changes.pupils, table
        assert count("academic", f"{table} where tenant_id = %s") == changes.pupils, table
    assert count("identity", "users where tenant_id = %s") == people + 1
    assert count("identity", "user_records where tenant_id = %s") == changes.teachers + 2 * changes.pupils
    assert count("identity", "user_students where tenant_id = %s") == 2 * changes.pupils
    assert count("identity", "user_roles where tenant_id = %s") == people + 1
    assert count("identity", "audit_logs where action = 'user.created' and tenant_id = %s") == people + 1
    assert count("notification", "contacts where tenant_id = %s") == people + 1
    assert count("notification", "notifications where event_type = 'user.created' and tenant_id = %s") == people + 1
    for subgraph in SUBGRAPHS:
        assert count(subgraph, "dead_letters where tenant_id = %s") == 0, subgraph
        assert count(subgraph, "outbox where published_at is null and tenant_id = %s") == 0, subgraph


async def check_mails(stack: Stack, changes: Changes) -> None:
    """Everybody is written to once. A mail whose sender died with it comes again under the same Message-ID."""
    tenant = (changes.school.tenant,)
    unsent = "select count(*) from notification.notifications where status <> 'SENT' and tenant_id = %s"
    for _ in range(300):
        if stack.count("notification", unsent, tenant) == 0:
            break
        # A claim of the killed sender is left alone for 90 seconds: the clock is moved on by hand.
        moved = "update notification.deliveries set due_at = now() where tenant_id = %s and due_at > now() + interval '1 minute'"
        stack.rows("notification", moved, tenant)
        await asyncio.sleep(0.2)
    assert stack.count("notification", unsent, tenant) == 0
    ours = [mail for mail in stack.mail.received if mail.recipient.endswith(f"@{changes.school.slug}.test")]
    invitations = {mail.message["message-id"]: mail.recipient for mail in ours if mail.token}
    people = changes.teachers + changes.invited + 2 * changes.pupils + 1
    assert len(invitations) == len(set(invitations.values())) == people
    attempts = "select id, attempts from notification.notifications where tenant_id = %s"
    tried = {str(row["id"]): row["attempts"] for row in stack.rows("notification", attempts, tenant)}
    for message_id, times in Counter(mail.message["message-id"] for mail in ours).items():
        assert times <= tried[str(message_id).strip("<>").partition("@")[0]], "sent twice by one attempt"
