"""Admission's graph in process, and a school with people in every role."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.auth import Actor
from libs.kernel import utc_now
from libs.testing import GraphAnswer, GraphClient, actor_of
from subgraphs.admission.application.operations import Submitted
from subgraphs.admission.period.model import Period
from tests.admission.world import World

ROLES = (
    "school_admin", "principal", "teacher", "student", "parent", "finance_staff", "admission_staff",
)  # fmt: skip
FORM = {
    "fullName": "Budi Santoso",
    "gender": "MALE",
    "birthPlace": "Semarang",
    "birthDate": "2012-05-06",
    "nisn": "0123456789",
    "nik": "3307010605120001",
    "previousSchool": "SMP Negeri 2",
    "parentName": "Sri Santoso",
    "parentEmail": "sri@example.test",
    "parentPhone": "0812-9876-5432",
}


@dataclass
class Scene:
    """A period that is open today, for 150,000, in which Siti Rahma has applied, and a draft."""

    world: World
    graph: GraphClient
    year: UUID
    period: Period
    draft: Period
    applied: Submitted
    actors: dict[str, Actor] = field(default_factory=dict)

    @property
    def application_id(self) -> UUID:
        return next(row["id"] for row in self.world.applications() if row["number"] == self.applied.number)

    async def ask(self, query: str, actor: str | None = "admission_staff", **variables: Any) -> GraphAnswer:
        """As one of the actors, or as nobody who names the school."""
        if actor is None:
            return await self.graph(query, variables, tenant_id=self.world.tenant_id)
        return await self.graph(query, variables, actor=self.actors[actor])

    async def change(
        self,
        field_: str,
        answer: str,
        actor: str | None = "admission_staff",
        *,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """Runs a mutation; `answer` selects from its success. Answers the union member."""
        return (await self.send(field_, answer, actor, headers=headers, **values)).ok()[field_]

    async def send(
        self, field_: str, answer: str, actor: str | None, *, headers: dict[str, str] | None = None, **values: Any
    ) -> GraphAnswer:
        kind = field_[0].upper() + field_[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {field_}(input: $input) {{ __typename "
            f"... on UserError {{ code message }} ... on InvalidInput {{ fields {{ path code }} }} {answer} }} }}"
        )
        who = {"actor": self.actors[actor]} if actor else {"tenant_id": self.world.tenant_id}
        return await self.graph(document, {"input": values}, headers=headers, **who)

    async def submit(self, *, headers: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """As nobody."""
        answer = (
            "... on SubmitApplicationSuccess { number secret } ... on PeriodNotOpen { startDate endDate }"
            " ... on PeriodFull { maxApplicants }"
        )
        values = {"periodId": str(self.period.id)} | FORM | changes
        return await self.change("submitApplication", answer, None, headers=headers, **values)


async def scene(world: World, graph: GraphClient) -> Scene:
    """See Scene; the school's clock is the graph's own."""
    today = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    here = World(world.settings, world.database, world.tenant_id, world.as_owner, today)
    year = await here.year((today + timedelta(days=200), today + timedelta(days=550)))
    dates = {"start_date": today - timedelta(days=10), "end_date": today + timedelta(days=30)}
    period = await here.opened(year=year, **dates)
    draft = await here.period(year, name="Gelombang 2", code="B", **dates)
    made = Scene(here, graph, year, period, draft, await here.apply(period.id))
    for role in ROLES:
        made.actors[role] = actor_of(role, here.tenant_id)
    return made
