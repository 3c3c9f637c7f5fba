"""Finance's graph in process, and a school with people in every role."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.auth import Actor
from libs.kernel import utc_now
from libs.testing import GraphAnswer, GraphClient, actor_of
from tests.finance.world import World, applied

ROLES = (
    "school_admin", "principal", "teacher", "student", "parent", "finance_staff", "admission_staff",
)  # fmt: skip


@dataclass
class Scene:
    """Two pupils in one class and one in another, each with an SPP invoice of August over 250,000; `student` and
    `parent` are those of the first. Somebody has applied, for 100,000."""

    world: World
    graph: GraphClient
    classes: list[UUID]
    students: list[UUID]
    invoices: list[UUID]
    actors: dict[str, Actor] = field(default_factory=dict)

    async def ask(self, query: str, actor: str = "finance_staff", **variables: Any) -> GraphAnswer:
        return await self.graph(query, variables, actor=self.actors[actor])

    async def entities(self, kind: str, keys: list[UUID], selection: str, actor: str) -> GraphAnswer:
        query = f"query($keys: [_Any!]!) {{ _entities(representations: $keys) {{ ... on {kind} {{ {selection} }} }} }}"
        return await self.ask(query, actor, keys=[{"__typename": kind, "id": str(key)} for key in keys])

    async def change(self, field_: str, answer: str, actor: str = "finance_staff", **values: Any) -> dict[str, Any]:
        """Runs a mutation; `answer` selects from its success. Answers the union member."""
        kind = field_[0].upper() + field_[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {field_}(input: $input) {{ __typename "
            f"... on UserError {{ code message }} ... on InvalidInput {{ fields {{ path code }} }} {answer} }} }}"
        )
        return (await self.graph(document, {"input": values}, actor=self.actors[actor])).ok()[field_]


async def scene(world: World, graph: GraphClient) -> Scene:
    """See Scene; the school's clock is the graph's own."""
    today = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    here = World(world.settings, world.database, world.tenant_id, world.as_owner, today)
    classes = [await here.class_(), await here.class_(11)]
    students = [*await here.pupils(2, class_id=classes[0]), *await here.pupils(1, class_id=classes[1])]
    await here.config()
    await here.generate()
    await here.receive(applied(100_000))
    by_payer = {row["payer_id"]: row["id"] for row in here.invoices()}
    made = Scene(here, graph, classes, students, [by_payer.pop(each) for each in students] + list(by_payer.values()))
    for role in ROLES:
        own = (students[0],) if role in ("student", "parent") else ()
        made.actors[role] = actor_of(role, here.tenant_id, student_ids=own)
    return made
