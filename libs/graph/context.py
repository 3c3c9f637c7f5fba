"""What one request knows: who asks, for which school, and how rows are read for it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from starlette.requests import Request
from strawberry.dataloader import DataLoader

from libs.auth import Actor, Reach, Revocations
from libs.db import Database
from libs.graph.errors import RequestRefused
from libs.graph.tenants import TenantState
from libs.kernel import Clock, Forbidden, utc_now


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a predicate or an expression of a declaration may depend on."""

    actor: Actor
    reach: Reach
    tenant_id: UUID
    now: datetime
    today: date


@dataclass(slots=True)
class RequestContext:
    """One request to one subgraph."""

    subgraph: str
    request: Request
    database: Database
    revocations: Revocations
    actor: Actor | None
    tenant: TenantState | None
    language: str
    address: str
    clock: Clock = utc_now
    extras: Any = None
    loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)
    computed_rows: defaultdict[Any, dict[UUID, Any]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def signed_in(self) -> Actor:
        """The actor. Raises RequestRefused UNAUTHENTICATED when nobody is signed in."""
        if self.actor is None:
            raise RequestRefused("UNAUTHENTICATED", "Sign in first.")
        return self.actor

    @property
    def user_agent(self) -> str:
        """What the client calls itself, at most 300 characters."""
        return self.request.headers.get("user-agent", "")[:300]

    @property
    def today(self) -> date:
        """The date on the school's own clock."""
        zone = ZoneInfo(self.tenant.timezone if self.tenant else "Asia/Jakarta")
        return self.clock().astimezone(zone).date()

    def reading(self, resource: str) -> ReadContext:
        """The context of reads about a resource. Raises Forbidden when the actor has no reach over it."""
        actor = self.signed_in
        reach = actor.reach(resource)
        if reach is Reach.NONE:
            raise Forbidden
        return ReadContext(actor=actor, reach=reach, tenant_id=actor.tenant_id, now=self.clock(), today=self.today)

    def loader(self, key: Any, load: Callable[[list[Any]], Awaitable[list[Any]]]) -> DataLoader[Any, Any]:
        """The request's own loader under a key: what is asked for in one turn is loaded by one statement."""
        if key not in self.loaders:
            self.loaders[key] = DataLoader(load_fn=load)
        return self.loaders[key]


Info = strawberry.Info[RequestContext, None]
