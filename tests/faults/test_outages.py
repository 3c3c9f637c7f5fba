"""Engines and processes that go away and come back."""

import asyncio
import time
from typing import Any

import httpx
import pytest
import redis

from libs.events import wait_until_consumed
from libs.kernel import new_id
from tests.faults.test_kills import found, in_thread
from tests.journeys.client import Person
from tests.journeys.school import PASSWORD, School
from tests.journeys.stack import Stack

_LEAKS = ("Traceback", "psycopg", "sqlalchemy", "127.0.0.1", "localhost", "SELECT", "relation ", "connection")
_REACH_ALL = "{ me { name } school { name } notifications { totalCount } }"


def told_nothing(errors: list[dict[str, Any]]) -> bool:
    """Whether errors keep to themselves what is inside the house."""
    text = str(errors)
    return not [leak for leak in _LEAKS if leak in text]


async def sign_in(school: School, who: str = "Admin") -> Person:
    """Another session of somebody."""
    return await Person(school.http, school.tenant).sign_in(school.email(who), PASSWORD)


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.deep)])
async def test_valkey_flushed_lets_nobody_in_and_throws_nobody_out(
    stack: Stack, http: httpx.AsyncClient, seconds: int
) -> None:
    school = await found(stack, http)
    living, ended, rotated = await sign_in(school), await sign_in(school), await sign_in(school)
    successor = await rotated.renew()
    await successor.renew()  # beyond the successor, the first token of the family is a replay
    await ended.read("mutation { logout { ... on LogoutSuccess { sessionId } } }")
    await _until_refused(ended)
    with redis.Redis.from_url(stack.settings.valkey_url) as cache:
        cache.flushall()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert await _refusals(ended) == 3, "a revoked session came back"
        assert (await living.ask(_REACH_ALL)).errors == []
        await asyncio.sleep(0.3)
    assert await _refresh(http, school, rotated) == "InvalidToken"
    assert await _refresh(http, school, ended) == "InvalidToken"
    given = {"code": "FLS", "name": "Setelah hilang", "category": "WAJIB"}
    await living.do("createSubject", given, "subject { id }")
    renewed = await living.renew()
    assert (await renewed.ask(_REACH_ALL)).errors == []
    if seconds > 20:  # said again from PostgreSQL meanwhile, for processes that start now
        with redis.Redis.from_url(stack.settings.valkey_url) as cache:
            assert cache.zcard("wiyata:revocations") > 0


async def _refusals(person: Person) -> int:
    answers = [
        await person.ask(query)
        for query in ("{ me { name } }", "{ school { name } }", "{ notifications { totalCount } }")
    ]
    return sum("UNAUTHENTICATED" in told.codes for told in answers)


async def _until_refused(person: Person) -> None:
    deadline = time.monotonic() + 5
    while await _refusals(person) < 3:
        assert time.monotonic() < deadline, "the session is not over after five seconds"
        await asyncio.sleep(0.1)


async def _refresh(http: httpx.AsyncClient, school: School, person: Person) -> str:
    visitor = Person(http, school.tenant)
    told = await visitor.attempt("refreshToken", {"refreshToken": person.refresh}, "expiresIn")
    return str(told["__typename"])


_BACK_SECONDS = 60
"""How long one change may be tried again and again: PostgreSQL is away for two or three."""


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.deep)])
async def test_database_down_for_a_moment_loses_and_doubles_nothing(
    stack: Stack, http: httpx.AsyncClient, count: int
) -> None:
    school = await found(stack, http)
    admin, codes, gate = school.people["Admin"], set[str](), asyncio.Semaphore(8)

    async def change(number: int) -> None:
        who = f"Guru {number}"
        given = {"fullName": school.name(who), "email": school.email(who)}
        key = {"idempotency-key": str(new_id())}
        document = (
            "mutation($input: CreateTeacherInput!) { createTeacher(input: $input)"
            " { __typename ... on CreateTeacherSuccess { teacher { fullName } } } }"
        )
        async with gate:
            until = time.monotonic() + _BACK_SECONDS
            while time.monotonic() < until:
                told = await admin.ask(document, {"input": given}, key)
                if not told.errors:
                    assert told.data["createTeacher"]["teacher"] == {"fullName": school.name(who)}
                    return
                assert told_nothing(told.errors), told.errors
                codes.update(told.codes)
                await asyncio.sleep(0.1)
        raise AssertionError(f"{who} was never created: {codes}")

    async def fall_and_rise() -> None:
        await asyncio.sleep(0.3)
        await in_thread(stack.kill, "postgres")
        await asyncio.sleep(1)
        refused = await admin.ask("{ school { name } classes { totalCount } }")
        assert set(refused.codes) == {"UNAVAILABLE"}, refused
        assert told_nothing(refused.errors), refused.errors
        await in_thread(stack.start, "postgres")

    async with asyncio.TaskGroup() as group:
        group.create_task(fall_and_rise())
        for number in range(count):
            group.create_task(change(number))
    assert codes <= {"UNAVAILABLE"}
    await wait_until_consumed(stack.settings, timeout_seconds=120)
    check_teachers(stack, school, count)


def check_teachers(stack: Stack, school: School, count: int) -> None:
    """Every teacher once in every subgraph."""
    for subgraph, what in (
        ("academic", "count(*) from academic.teachers where user_id is not null and"),
        ("academic", "count(*) from academic.teachers where"),
        ("identity", "count(*) - 1 from identity.users where"),
        ("notification", "count(*) - 1 from notification.contacts where"),
    ):
        assert stack.count(subgraph, f"select {what} tenant_id = %s", (school.tenant,)) == count, what


async def until_counted(stack: Stack, statement: str, parameters: tuple[str], count: int) -> None:
    """Returns when the notification subgraph counts as many; fails after ten seconds."""
    for _ in range(100):
        if stack.count("notification", statement, parameters) == count:
            return
        await asyncio.sleep(0.1)
    assert stack.count("notification", statement, parameters) == count


@pytest.mark.parametrize("hasten", [True, pytest.param(False, marks=pytest.mark.deep)])
async def test_mails_wait_for_their_server(stack: Stack, http: httpx.AsyncClient, hasten: bool) -> None:
    school = await found(stack, http)
    tenant = (school.tenant,)
    # The founder's own invitation has arrived; that it was sent must be written down too before the server goes.
    await until_counted(
        stack, "select count(*) from notification.notifications where status <> 'SENT' and tenant_id = %s", tenant, 0
    )
    stack.mail.stop()
    addresses = [school.email(f"Staf {number}") for number in range(3)]
    for address in addresses:
        given = {"name": "Staf", "email": address, "roles": ["finance_staff"]}
        await school.people["Admin"].do("inviteUser", given, "user { id }")
    await wait_until_consumed(stack.settings)
    retrying = "select count(*) from notification.notifications where status = 'RETRY' and tenant_id = %s"
    await until_counted(stack, retrying, tenant, len(addresses))
    stack.mail.start()
    if hasten:  # the second attempt is due after half a minute: the clock is moved on by hand
        stack.rows("notification", "update notification.deliveries set due_at = now() where tenant_id = %s", tenant)
    for address in addresses:
        assert (await stack.mail.invitation(address, seconds=60)).token
    await asyncio.sleep(1)
    assert [len(stack.mail.to(address)) for address in addresses] == [1, 1, 1]
    sent = "select status, attempts from notification.notifications where attempts > 1 and tenant_id = %s"
    assert stack.rows("notification", sent, tenant) == [{"status": "SENT", "attempts": 2}] * 3


async def test_a_dead_subgraph_takes_only_its_own_fields_along(stack: Stack, http: httpx.AsyncClient) -> None:
    school = await found(stack, http)
    await school.import_pupils([f"1,,{school.name('Murid 1')},L,2010-01-01,,,,,,"])
    admin = school.people["Admin"]
    document = """{ me { name } school { name }
      students { nodes { fullName user { name } notifications { totalCount } } } }"""
    whole = await admin.ask(document)
    assert whole.errors == []

    stack.kill("notification")
    told = await admin.ask(document)
    (pupil,) = told.data["students"]["nodes"]
    assert pupil == {"fullName": school.name("Murid 1"), "user": None, "notifications": None}
    assert (told.data["me"], told.data["school"]) == (whole.data["me"], whole.data["school"])
    assert set(told.codes) == {"UNAVAILABLE"}
    assert told_nothing(told.errors), told.errors
    stack.start("notification")
    assert (await admin.ask(document)).data == whole.data

    stack.kill("identity")
    told = await admin.ask(document)  # tokens are verified by keys that each process knows already
    assert told.data["school"] == whole.data["school"]
    (pupil,) = told.data["students"]["nodes"]
    assert (pupil["fullName"], pupil["notifications"]) == (school.name("Murid 1"), {"totalCount": 0})
    assert set(told.codes) == {"UNAVAILABLE"}
    assert told.data["me"] is None
    assert told_nothing(told.errors), told.errors
    stack.start("identity")

    stack.kill("academic")
    told = await admin.ask("{ me { name } school { name } notifications { totalCount } }")
    assert (told.data["me"], told.data["school"]) == (whole.data["me"], None)
    assert set(told.codes) == {"UNAVAILABLE"}
    assert [error["path"] for error in told.errors] == [["school"]]
    stack.start("academic")
    assert (await admin.ask(document)).data == whole.data
