"""Clients of a school."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from libs.auth import system_binding
from libs.testing import actor_of
from subgraphs.identity.api_client.operations.create_api_client import create_api_client
from subgraphs.identity.api_client.rules import ClientMethod
from tests.identity.api_client.integrator import Integrator, jwks_of

AddClient = Callable[..., Awaitable[Integrator]]


@pytest.fixture
def add_client(database, visitor) -> AddClient:
    """`await add_client(school, "user:read", key=…)`: a client with a secret, or with that key."""

    async def add(tenant_id: UUID, *scopes: str, name: str = "Dinas Pendidikan", key=None, actor=None) -> Integrator:
        async with database.write(system_binding(tenant_id)) as tx:
            made = await create_api_client(
                tx,
                actor=actor or actor_of("school_admin", tenant_id),
                name=name,
                scopes=scopes or ("user:read", "role:read"),
                method=ClientMethod.PRIVATE_KEY_JWT if key else ClientMethod.CLIENT_SECRET,
                jwks=jwks_of(key) if key else None,
                origin=visitor,
            )
        return Integrator(made.id, made.identifier, made.secret, key)

    return add
