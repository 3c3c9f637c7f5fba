"""Attendance as it is recorded and long work as it goes on, told over WebSocket and as an event stream through the router, to those who see it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from libs.kernel import Binding, Scope, utc_now
from subgraphs.operations.app import open_database
from subgraphs.operations.attendance.operations import Mark, Recorder, keep_marks
from subgraphs.operations.attendance.rules import AttendanceStatus
from tests.journeys.client import Person
from tests.journeys.school import School
from tests.journeys.stack import Stack
from tests.sockets import Socket, asking

RECORDED = "subscription($class: ID!) { attendanceRecorded(classId: $class) { date status notes } }"
FOLLOWED = "subscription($id: ID!) { identityJobProgress(id: $id) { id status progress { done } } }"
SUNDAY = 7
PUPILS = ("student 1", "student 2", "student 3")


@pytest.fixture(scope="session")
def flamboyan(running: Stack) -> School:
    """A school of its own, and the administrator of another one."""

    async def open_it() -> School:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            school, other = School("flamboyan", running, client, "20304104"), School("seroja", running, client)
            await asyncio.gather(school.open(), other.found())
            school.people["Admin elsewhere"] = other.people["Admin"]
        return school

    running.heal()
    return asyncio.run(open_it())


@pytest.fixture
def school(flamboyan: School, http: httpx.AsyncClient) -> School:
    return flamboyan.over(http)


@asynccontextmanager
async def following(person: Person, class_id: str) -> AsyncIterator[Socket]:
    """Somebody who has subscribed to a class."""
    async with asking(f"{str(person.http.base_url).replace('http', 'ws', 1)}/graphql", person.headers) as socket:
        await socket.subscribe(RECORDED, **{"class": class_id})
        await asyncio.sleep(1)  # nothing says that it has begun
        yield socket


async def record(school: School, statuses: str) -> None:
    """The office marks pupils 1 to 3 today, by the first letter of each status."""
    day = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    told = [next(each for each in AttendanceStatus if each.startswith(letter)) for letter in statuses]
    if day.isoweekday() == SUNDAY:  # when nobody is marked through the graph
        await _keep(school, day, told)
        return
    entries = [{"studentId": school.ids[who], "status": status} for who, status in zip(PUPILS, told, strict=True)]
    given = {"classId": school.ids["class 1"], "date": str(day), "entries": entries}
    await school.people["Admin"].do("recordClassAttendance", given, "recorded updated")


async def _keep(school: School, day: date, told: list[AttendanceStatus]) -> None:
    class_id = UUID(school.ids["class 1"])
    marks = [Mark(UUID(school.ids[who]), class_id, day, status, None) for who, status in zip(PUPILS, told, strict=True)]
    database = open_database(school.stack.settings)
    async with database.write(Binding(UUID(school.tenant), Scope.TENANT)) as tx:
        recorder = Recorder(UUID(school.ids["Admin"]), any_class=True)
        await keep_marks(tx, marks, recorder=recorder, schedule_id=None, today=day)
    await database.close()


async def told(socket: Socket, count: int) -> str:
    """The first letters of the next statuses, sorted; and no other mark follows."""
    marks = [(await socket.told())["attendanceRecorded"]["status"] for _ in range(count)]
    assert await socket.is_silent(1)
    return "".join(sorted(status[0] for status in marks))


async def test_what_is_recorded_is_told_to_those_who_see_it(school: School) -> None:
    class_id = school.ids["class 1"]
    async with AsyncExitStack() as stack:

        async def follow(who: str) -> Socket:
            return await stack.enter_async_context(following(school.people[who], class_id))

        teacher, principal, siblings, third = [await follow(who) for who in ("Guru 1", "Kepala", "Wali 1", "Wali 3")]
        nobody = [await follow(who) for who in ("Guru 2", "Wali 4", "Admin elsewhere")]
        assert [await socket.ending() for socket in nobody] == ["FORBIDDEN"] * 3
        await record(school, "SAL")
        seen = ((teacher, 3, "ALS"), (principal, 3, "ALS"), (siblings, 2, "AS"), (third, 1, "L"))
        assert [await told(socket, count) for socket, count, _ in seen] == [letters for *_, letters in seen]
        assert [await socket.is_silent(0.5) for socket in nobody] == [True] * 3
        await record(school, "SAP")
        assert [await told(socket, count) for socket, count in ((teacher, 1), (siblings, 0), (third, 1))] == [
            "P",
            "",
            "P",
        ]


async def test_an_event_stream_tells_the_same(school: School) -> None:
    body = {"query": RECORDED, "variables": {"class": school.ids["class 1"]}}
    person = school.people["Guru 1"]
    headers = person.headers | {"accept": "text/event-stream"}
    async with person.http.stream("POST", "/graphql", json=body, headers=headers) as answer:
        await asyncio.sleep(1)
        await record(school, "EEE")
        lines = answer.aiter_lines()
        async with asyncio.timeout(10):
            data = [json.loads(line[6:]) async for line in _first(lines, 3)]
    assert [each["data"]["attendanceRecorded"]["status"] for each in data] == ["EXCUSED"] * 3


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("data: {"):
            yield line
            count -= 1
        if count == 0:
            return


async def subscribe_until_it_goes_on(socket: Socket, class_id: str) -> None:
    """As a client does that is told UNAVAILABLE: with pauses, for the subgraph finds the broker again by itself."""
    for _ in range(20):
        await socket.subscribe(RECORDED, **{"class": class_id})
        try:
            assert await socket.ending(1) == "UNAVAILABLE"
        except TimeoutError:
            return
        await asyncio.sleep(0.5)
    raise AssertionError("it does not go on")


async def test_restarts_are_told_and_who_subscribes_again_goes_on(school: School, stack: Stack) -> None:
    class_id, teacher = school.ids["class 1"], school.people["Guru 1"]
    async with following(teacher, class_id) as socket:
        await asyncio.to_thread(stack.kill, "operations")
        assert await socket.ending() == "UNAVAILABLE"
        await asyncio.to_thread(stack.start, "operations")
        await socket.subscribe(RECORDED, **{"class": class_id})
        await asyncio.sleep(1)
        await record(school, "PSA")
        assert await told(socket, 3) == "APS"
        await asyncio.to_thread(stack.stop, "router")
        assert await socket.end() == (1012, "SERVICE_RESTART")
    await asyncio.to_thread(stack.start, "router")
    async with following(teacher, class_id) as socket:
        await asyncio.to_thread(stack.kill, "nats")
        assert await socket.ending() == "UNAVAILABLE"
        await asyncio.to_thread(stack.start, "nats")
        await subscribe_until_it_goes_on(socket, class_id)
        await record(school, "LLL")
        assert await told(socket, 3) == "LLL"


async def test_long_work_is_followed_to_its_end(school: School, stack: Stack) -> None:
    admin, address = school.people["Admin"], f"{stack.url.replace('http', 'ws', 1)}/graphql"
    lines = [
        f"{school.name('Staf')} {number},staf-{number}@{school.slug}.test,,finance_staff,id" for number in range(9)
    ]
    text = "\n".join(("name,email,phone,roles,language", *lines))
    await asyncio.to_thread(stack.kill, "worker")
    job = (await admin.do("importUsers", {"file": {"text": text}}, "job { id status }"))["job"]
    assert job["status"] == "QUEUED"
    async with asking(address, admin.headers) as socket, asking(address, admin.headers) as other:
        for each in (socket, other):
            await each.subscribe(FOLLOWED, id=job["id"])
            assert await each.told() == {
                "identityJobProgress": {"id": job["id"], "status": "QUEUED", "progress": {"done": 0}}
            }
        async with asking(address, school.people["Guru 1"].headers) as teacher:
            await teacher.subscribe(FOLLOWED, id=job["id"])
            assert await teacher.refusal() == "FORBIDDEN"
        async with asking(address, school.people["Admin elsewhere"].headers) as stranger:
            await stranger.subscribe(FOLLOWED, id=job["id"])
            assert await stranger.told() == {"identityJobProgress": None}
            assert (await stranger.receive())["type"] == "complete"
        assert await socket.is_silent(0.5)
        await asyncio.to_thread(stack.start, "worker")
        told = [await following_to_the_end(each) for each in (socket, other)]
        for each in told:
            assert each[-1] == {"id": job["id"], "status": "SUCCEEDED", "progress": {"done": 9}}
            assert all(one != another for one, another in pairwise(each))
        await socket.subscribe(FOLLOWED, id=job["id"])  # who comes too late is told the end all the same
        assert await following_to_the_end(socket) == [told[0][-1]]


async def following_to_the_end(socket: Socket) -> list[Any]:
    """What is told of a job until it has ended."""
    told = []
    while (message := await socket.receive(30))["type"] == "next":
        told.append(message["payload"]["data"]["identityJobProgress"])
    assert message["type"] == "complete", message
    return told


async def test_who_signs_out_is_told_nothing_more(school: School) -> None:
    leaving: Any = await Person(school.http, school.tenant).sign_in(school.email("Kepala"), "Melati-putih-7")
    async with following(leaving, school.ids["class 1"]) as socket:
        await leaving.do("logoutEverywhere", {"exceptThis": False}, "ended")
        assert await socket.ending(5) == "UNAUTHENTICATED"
        await record(school, "SSS")
        assert await socket.is_silent(1)
