"""Academic's graph in process, and a school with people in every role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.auth import Actor
from libs.kernel import Scope, new_id, utc_now
from libs.testing import GraphAnswer, GraphClient, actor_of
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.academic_year.operations import activate_semester
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_subject.model import ClassSubject
from subgraphs.academic.contact.operations import link_account
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.teacher.model import Teacher
from tests.academic.world import World

UPPER = {"from_": "from"}


@dataclass
class Scene:
    """Two classes: X-1 (led and taught by `teacher`) with Ani (1) and Budi (2), X-2 with Citra (3). Ani and Citra
    each have a guardian; `parent` is Ani's, `student` is Ani."""

    world: World
    graph: GraphClient
    year: AcademicYear
    semester: UUID
    classes: list[Class]
    teacher_row: Teacher
    subject: Subject
    taught: ClassSubject
    students: dict[str, UUID]
    actors: dict[str, Actor] = field(default_factory=dict)

    async def ask(self, query: str, actor: str = "principal", **variables: Any) -> GraphAnswer:
        return await self.graph(query, variables, actor=self.actors[actor])

    async def change(self, field_: str, answer: str, actor: str = "school_admin", **values: Any) -> dict[str, Any]:
        """Runs a mutation; `answer` selects from its success. Answers the union member."""
        kind = field_[0].upper() + field_[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {field_}(input: $input) {{ __typename "
            f"... on UserError {{ code message }} ... on InvalidInput {{ fields {{ path code message }} }} {answer} }} }}"
        )
        sent = await self.graph(document, {"input": _plain(values)}, actor=self.actors[actor])
        return sent.ok()[field_]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {UPPER.get(name, name): value for name, value in values.items()}


async def scene(world: World, graph: GraphClient) -> Scene:
    """A year around today, so that today's classes are those of the graph's own clock."""
    today = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    dates = (today - timedelta(days=60), today + timedelta(days=240), today + timedelta(days=90))
    here = World(world.database, world.contacts, world.tenant_id, world.as_owner, today)
    year = await here.year(dates=dates)
    semester = here.semester(year)
    async with here.write() as tx:
        await activate_semester(tx, semester_id=semester)
    classes = [await here.class_(year, name) for name in ("X-1", "X-2")]
    teacher, subject = await here.teacher("Guru Satu"), await here.subject("MAT")
    await here.homeroom(classes[0], teacher)
    taught = await here.assign(classes[0], subject, semester, teacher)
    faults = await here.import_(
        year,
        "1,0000000001,Ani Lestari,P,2010-01-01,X-1,Ibu Ani,ibu,ani@example.test,",
        "2,,Budi Santoso,L,2010-02-01,X-1,,,,",
        "3,,Citra Ayu,P,2010-03-01,X-2,Ayah Citra,ayah,citra@example.test,",
    )
    assert faults == []
    students = {row["nis"]: row["id"] for row in here.rows("students")}
    made = Scene(here, graph, year, semester, classes, teacher, subject, taught, students)
    mother = next(row["id"] for row in here.rows("guardians") if row["name"] == "Ibu Ani")
    accounts = {"teacher": teacher.id, "student": students["1"], "parent": mother}
    for role in ("principal", "school_admin", "teacher", "student", "parent", "finance_staff"):
        own = (students["1"],) if role in ("student", "parent") else ()
        made.actors[role] = actor_of(role, here.tenant_id, user_id=new_id(), student_ids=own)
        if role in accounts:
            async with here.write(Scope.SYSTEM) as tx:
                await link_account(
                    tx, contacts=here.contacts, record_id=accounts[role], user_id=made.actors[role].user_id
                )
    return made
