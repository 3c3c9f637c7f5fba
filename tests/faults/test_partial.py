"""The principal's question crosses six domains; the domain that is gone takes its own fields along and nothing else."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from libs.events import wait_until_consumed
from libs.kernel import new_id, utc_now
from libs.testing import GraphAnswer
from tests.benchmarks.graph import question
from tests.faults.test_kills import in_thread
from tests.faults.test_outages import told_nothing
from tests.journeys.school import School
from tests.journeys.stack import Stack

_SPP = 350_000
_AT_ONCE = 3
_SECONDS = 0.5  # that everybody asks before operations goes
_TRIES = 20
_QUESTION = question("identity", "operations", "finance", "admission", "notification")


async def billing_school(stack: Stack, http: httpx.AsyncClient) -> School:
    """A school of two classes whose pupils have a bill of this month."""
    school = School(f"s{str(new_id())[-12:]}", stack, http)
    await school.open()
    admin, today = school.people["Admin"], utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    fee = {"name": "SPP", "amount": _SPP, "type": "SPP", "frequency": "MONTHLY", "dueDay": 28}
    await admin.do("createBillingConfig", fee | {"validFrom": str(today.replace(day=1))}, "billingConfig { id }")
    await admin.do("generateMonthlyInvoices", {"month": f"{today:%Y-%m}"})
    await wait_until_consumed(stack.settings)
    return school


def pupils_of(data: Any) -> list[dict[str, Any]]:
    """Every pupil of the answer."""
    return [pupil for class_ in data["classes"]["nodes"] for pupil in class_["students"]["nodes"]]


def bereft(data: Any) -> Any:
    """The same answer without what operations contributes to it."""
    classes = [
        class_ | {"students": {"nodes": [pupil | {"attendanceSummary": None, "gradeSummary": None} for pupil in nodes]}}
        for class_ in data["classes"]["nodes"]
        for nodes in (class_["students"]["nodes"],)
    ]
    overview = data["school"]["overview"] | {"presentToday": None}
    return {"school": data["school"] | {"overview": overview}, "classes": {"nodes": classes}}


def missing(data: Any) -> set[tuple[str | int, ...]]:
    """Where the fields stand that operations contributes to the answer."""
    places: set[tuple[str | int, ...]] = {("school", "overview", "presentToday")}
    for number, class_ in enumerate(data["classes"]["nodes"]):
        for seat, _ in enumerate(class_["students"]["nodes"]):
            pupil = ("classes", "nodes", number, "students", "nodes", seat)
            places |= {(*pupil, "attendanceSummary"), (*pupil, "gradeSummary")}
    return places


def told_of(errors: list[dict[str, Any]]) -> set[tuple[str | int, ...]]:
    """Where errors stand; no two in the same place."""
    places = [tuple(error["path"]) for error in errors]
    assert len(set(places)) == len(places), places
    return set(places)


def check(told: GraphAnswer, whole: GraphAnswer) -> None:
    """The answer is whole, or lacks some of operations' fields, each with its error; everything else stands."""
    assert bereft(told.data) == bereft(whole.data)
    assert set(told.codes) <= {"UNAVAILABLE"}
    assert told_nothing(told.errors), told.errors
    assert told_of(told.errors) <= missing(whole.data)
    assert bool(told.errors) == (told.data != whole.data)


async def test_operations_stopped_in_the_middle(stack: Stack, http: httpx.AsyncClient) -> None:
    school = await billing_school(stack, http)
    principal = school.people["Kepala"]
    whole = await principal.ask(_QUESTION)
    assert whole.errors == []
    assert [pupil["outstandingBalance"] for pupil in pupils_of(whole.data)] == [_SPP] * 5
    answers: list[GraphAnswer] = []

    async def ask_on(moves: asyncio.Task[None]) -> None:
        while not moves.done():
            answers.append(await principal.ask(_QUESTION))

    async def fall_and_rise() -> None:
        await asyncio.sleep(_SECONDS)
        await in_thread(stack.stop, "operations")
        told = await principal.ask(_QUESTION)
        assert told.data == bereft(whole.data)
        assert told_of(told.errors) == missing(whole.data)
        assert set(told.codes) == {"UNAVAILABLE"}
        await in_thread(stack.start, "operations")
        for _ in range(_TRIES):  # its circuit is closed by the first call that tries again
            if (told := await principal.ask(_QUESTION)) == whole:
                break
            await asyncio.sleep(_SECONDS)
        assert told == whole

    async with asyncio.TaskGroup() as group:
        moves = group.create_task(fall_and_rise())
        for _ in range(_AT_ONCE):
            group.create_task(ask_on(moves))
    for told in answers:
        check(told, whole)
    assert {bool(told.errors) for told in answers} == {True, False}
