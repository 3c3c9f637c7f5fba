"""What one request knows: who asks, for which school, and how rows are read for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from sqlalchemy import ColumnElement
from starlette.requests import Request

from libs.auth import Actor, Reach, Revocations, system_binding
from libs.db import Database, TenantTransaction
from libs.graph.errors import RequestRefused
from libs.graph.tenants import TenantState
from libs.kernel import PLATFORM_TENANT_ID, Clock, utc_now


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a predicate or an expression of a declaration may depend on.

    Reach, `keeps_own` and permissions decide about the SQL; the rest are parameters of the statement, which serves
    every actor of the same permissions.
    """

    reach: Reach
    keeps_own: bool  # the actor may also read own rows, and those of own pupils
    permissions: frozenset[str]
    tenant_id: ColumnElement[UUID]
    user_id: ColumnElement[UUID]
    student_ids: ColumnElement[Sequence[UUID]]
    today: ColumnElement[date]
    now: ColumnElement[datetime]

    def may_read(self, resource: str) -> bool:
        """Whether the actor reads any rows of a resource."""
        return any(f"{resource}:read{reach}" in self.permissions for reach in ("", "_taught", "_own"))


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

    @property
    def signed_in(self) -> Actor:
        """The actor. Raises RequestRefused UNAUTHENTICATED when nobody is signed in."""
        if self.actor is None:
            raise RequestRefused("UNAUTHENTICATED", "Sign in first.")
        return self.actor

    @property
    def school(self) -> TenantState:
        """The school that a public field is about. Raises RequestRefused when none is named, or it is suspended."""
        if self.tenant is None:
            raise RequestRefused("BAD_REQUEST", "Name the school in X-Tenant-Id.", header="X-Tenant-Id")
        if self.tenant.status != "ACTIVE":
            raise RequestRefused("TENANT_SUSPENDED", "The school is suspended.")
        return self.tenant

    @property
    def named_tenant_id(self) -> UUID:
        """Where a public mutation acts: in the school that the request names, without one on the platform."""
        return self.tenant.tenant_id if self.tenant else PLATFORM_TENANT_ID

    @property
    def user_agent(self) -> str:
        """What the client calls itself, at most 300 characters."""
        return self.request.headers.get("user-agent", "")[:300]

    @property
    def today(self) -> date:
        """The date on the school's own clock."""
        zone = ZoneInfo(self.tenant.timezone if self.tenant else "Asia/Jakarta")
        return self.clock().astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a mutation, or of a batch that computes a field, inside its transaction.

    `prepared` is what the mutation's `prepare` answered before it. `selected` are the attributes that are asked of the
    objects which a batch gives, at any depth: what costs a statement need not be found for nobody.
    """

    tx: TenantTransaction
    context: RequestContext
    prepared: Any = None
    selected: frozenset[str] = frozenset()

    @property
    def actor(self) -> Actor:
        """Who calls. Raises RequestRefused UNAUTHENTICATED in public mutations without a token."""
        return self.context.signed_in

    @property
    def now(self) -> datetime:
        """The moment of the transaction, UTC."""
        return self.tx.now

    @property
    def today(self) -> date:
        """The date on the school's own clock."""
        return self.context.today

    @asynccontextmanager
    async def at_home(self) -> AsyncIterator["Call"]:
        """This call where the actor's account lives: a platform administrator acting on a school is at home elsewhere.

        Then its transaction is one of its own, which commits when the block ends.
        """
        home = self.actor.home_tenant_id
        if self.tx.tenant_id == home:
            yield self
            return
        async with self.context.database.write(system_binding(home)) as tx:
            yield replace(self, tx=tx)


Info = strawberry.Info[RequestContext, None]
