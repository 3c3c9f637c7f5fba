"""Subscriptions as everybody, of both schools, to every class of both: what is told is what may be seen."""

import asyncio
from itertools import product
from typing import Any

import nats
import pytest

from libs.crypto import KeyRing
from libs.events import EventMeta
from libs.events.contracts.operations import AttendanceRecorded
from libs.events.envelope import event_type, pack, stream_subject
from libs.events.sealing import seal_event
from libs.kernel import new_id
from libs.testing import owner_rows
from tests.reads.families import OTHER, OWN, Row, tenant_of
from tests.reads.questions import FORBIDDEN, Expected, normal, places
from tests.reads.seen_lessons import followed
from tests.reads.stages import APPS, LAST, WHO, Stage, everybody, person, stages
from tests.reads.ways import schema_of, ways_of

SUBGRAPH, FIELD = "operations", "attendanceRecorded"
WITH_JOBS = ("academic", "identity", "operations")
SECONDS, QUIET_SECONDS, STARTING_SECONDS = 10, 0.2, 0.2

__all__ = ["stages"]


def test_every_subscription_is_walked():
    """One that is new in the graph needs a model of what it tells; of long work the model is the query."""
    found = {name: schema_of(name).subscription_type for name in APPS}
    fields = {name: set(kind.fields) for name, kind in found.items() if kind is not None}
    jobs = {name: {f"{name}JobProgress"} for name in APPS if f"{name}Job" in schema_of(name).query_type.fields}
    assert fields == jobs | {SUBGRAPH: {FIELD} | jobs[SUBGRAPH]}


@pytest.mark.parametrize("subgraph", WITH_JOBS)
def test_long_work_is_told_to_those_who_may_ask_for_it(stages: Any, subgraph: str):
    """Everybody, of both schools, about a job of each: the first that is told is what the query answers."""
    stage, jobs = stages[LAST], {school: new_id() for school in (OWN, OTHER)}
    for school, job_id in jobs.items():
        statement = f"insert into {subgraph}.jobs (tenant_id, id, kind, status, done, run_after) values (%s, %s, 'IMPORT', 'SUCCEEDED', 7, now())"
        owner_rows(stage.settings, subgraph, statement, (tenant_of(school), job_id))
    kept = "{ id kind status progress { done total } errors { code } }"
    told = set()
    for name in WHO:
        for school, job_id in product(jobs, jobs.values()):
            actor, given = person(name, school), {"id": str(job_id)}
            asked = stage.ask(subgraph, f"query($id: ID!) {{ job: {subgraph}Job(id: $id) {kept} }}", actor, given)
            text = f"subscription($id: ID!) {{ job: {subgraph}JobProgress(id: $id) {kept} }}"
            answer = stage.runner.run(first_told(stage, subgraph, text, given, actor))
            assert ((answer.data or {}).get("job"), answer.codes) == (asked.data["job"], asked.codes), (name, school)
            told.add((school, job_id) if answer.data and answer.data["job"] else None)
    assert told - {None} == set(jobs.items())


async def first_told(stage: Stage, subgraph: str, query: str, given: Any, actor: Any) -> Any:
    """The first answer of a subscription."""
    async with asyncio.timeout(SECONDS), stage.graphs[subgraph].following(query, given, actor=actor) as next_answer:
        return await next_answer()


@pytest.mark.parametrize("school", [OWN, OTHER])
@pytest.mark.parametrize(("subgraph", "name"), everybody(SUBGRAPH))
def test_a_subscription_tells_what_may_be_seen(stages: Any, subgraph: str, name: str, school: str):
    stage, actor = stages[LAST], person(name, school)
    seen = stage.seen(actor, subgraph)
    fields = ways_of(seen).documents.fields("Attendance", 0)
    selection = " ".join(map(str, fields))
    classes = [row for rows in seen.schools.values() for row in seen.school_table(rows, "classes")]
    heard_of = 0
    for each in classes:
        rows = [row for row in seen.rows("Attendance") if row["class_id"] == each["id"]]
        marks = [
            row
            for rows_of in seen.schools.values()
            for row in seen.school_table(rows_of, "student_attendance")
            if row["class_id"] == each["id"]
        ]
        if each["id"] not in followed(seen):
            assert stage.runner.run(heard(stage, actor, each["id"], selection, count=0, marks=marks)) == FORBIDDEN
            continue
        told = stage.runner.run(heard(stage, actor, each["id"], selection, count=len(rows), marks=marks))
        expected = Expected(seen, schema_of(subgraph))
        objects = [expected.object("Attendance", row, fields, (FIELD,)) for row in rows]
        assert by_id(told) == by_id(objects), (name, each["name"])
        heard_of += len(told)
    assert heard_of or not (seen.may("attendance") and seen.rows("Attendance"))


def by_id(objects: list[Any]) -> list[Any]:
    """In an order that is no part of what is compared."""
    return sorted((normal(each) for each in objects), key=lambda each: str(each["id"]))


async def heard(stage: Stage, actor: Any, class_id: Any, selection: str, *, count: int, marks: list[Row]) -> Any:
    """What an actor hears of a class when all its marks are told of once more, and nothing else; or the refusal."""
    query = f"subscription($class: ID!) {{ {FIELD}(classId: $class) {{ {selection} }} }}"
    async with stage.graphs[SUBGRAPH].following(query, {"class": class_id}, actor=actor) as next_answer:
        first = asyncio.ensure_future(next_answer())
        await asyncio.wait([first], timeout=STARTING_SECONDS)
        if first.done():
            ((_, code),) = places(first.result().errors)
            return code
        await tell_of(stage, marks)
        answers = []
        for _ in range(count):
            async with asyncio.timeout(SECONDS):
                answers.append((await first).ok()[FIELD])
            first = asyncio.ensure_future(next_answer())
        await asyncio.wait([first], timeout=QUIET_SECONDS)
        assert not first.done(), first.result()
        first.cancel()
    return answers


async def tell_of(stage: Stage, marks: list[Row]) -> None:
    """The events that told of these marks, as the relay publishes them; not a second time for marks of one recording."""
    client, key_ring = await nats.connect(stage.settings.nats_url), KeyRing.from_settings(stage.settings)
    for tenant_id, class_id, day, moment in {
        (row["tenant_id"], row["class_id"], row["date"], row["observed_at"]) for row in marks
    }:
        event = AttendanceRecorded(class_id=class_id, date=day, schedule_id=None, entries=())
        body = pack(
            meta=EventMeta(new_id(), 1, moment, tenant_id),
            subgraph=SUBGRAPH,
            type=event_type(AttendanceRecorded),
            subject_id=class_id,
            traceparent=None,
            data=seal_event(key_ring, tenant_id, event),
        )
        await client.publish(stream_subject(AttendanceRecorded, tenant_id), body)
    await client.flush()
    await client.close()
