"""Attendance in the graph, whose clock is the real one: all days are counted from the day on which a test begins."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from libs.auth import Actor
from libs.kernel import new_id
from libs.testing import GraphAnswer, GraphClient
from subgraphs.operations.attendance.operations import Mark, Recorder, keep_marks
from subgraphs.operations.attendance.rules import AttendanceStatus
from tests.operations.world import World


@dataclass
class Scene:
    """X-1, led by `homeroom`, with pupils 0 and 1; X-2 with pupil 2. `student` and `parent` are those of pupil 0.

    The running semester began sixty days ago; `world.today` is the school's day.
    """

    world: World
    graph: GraphClient
    classes: list[UUID]
    students: list[UUID]
    actors: dict[str, Actor]
    semesters: tuple[UUID, UUID]

    def day(self, ago: int) -> date:
        return self.world.today - timedelta(days=ago)

    async def ask(self, query: str, actor: str, **variables: Any) -> GraphAnswer:
        return await self.graph(query, variables, actor=self.actors[actor])

    async def pupils(self, selection: str, actor: str) -> list[Any]:
        query = f"query($keys: [_Any!]!) {{ _entities(representations: $keys) {{ ... on Student {{ {selection} }} }} }}"
        keys = [{"__typename": "Student", "id": str(each)} for each in self.students]
        return (await self.ask(query, actor, keys=keys)).ok()["_entities"]

    async def record(self, actor: str, day: date | None = None, **values: Any) -> dict[str, Any]:
        given = {"classId": str(self.classes[0]), "date": str(day or self.day(0)), "entries": []} | values
        query = (
            "mutation($input: RecordClassAttendanceInput!) { recordClassAttendance(input: $input) { __typename"
            " ... on RecordClassAttendanceSuccess { recorded updated unchanged } ... on Holiday { name }"
            " ... on UserError { code } ... on InvalidInput { fields { path code } } } }"
        )
        return (await self.ask(query, actor, input=given)).ok()["recordClassAttendance"]

    async def mark(self, *marks: tuple[int, int, AttendanceStatus], by_office: bool = True) -> None:
        """Pupil, days ago, status."""
        async with self.world.write() as tx:
            wanted = [
                Mark(self.students[at], self.classes[at // 2], self.day(ago), status, None) for at, ago, status in marks
            ]
            recorder = Recorder(new_id(), any_class=by_office)
            await keep_marks(tx, wanted, recorder=recorder, schedule_id=None, today=self.day(0))


def terms(today: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """The first and the last day of the running semester and of the coming one."""
    begin, middle, end = (today + timedelta(days=days) for days in (-60, 60, 120))
    return (begin, middle), (middle + timedelta(days=1), end)
