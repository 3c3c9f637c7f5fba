"""Integrators' clients in the graph."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Connection,
    column,
    computed,
    described_enum,
    entity,
    error,
    given,
    given_out,
    mutation,
    one,
    result,
    root_connection,
)
from subgraphs.identity.api_client import rules
from subgraphs.identity.api_client.model import ApiClient as ApiClientTable
from subgraphs.identity.api_client.operations.create_api_client import create_api_client
from subgraphs.identity.api_client.operations.revoke_api_client import revoke_api_client
from subgraphs.identity.api_client.operations.rotate_api_client_secret import rotate_api_client_secret

_LONGEST_KEY_SET = 16_384  # characters; five keys of 4096 bits have about 4,500
_LONGEST_OVERLAP = 7 * 24  # hours

described_enum(
    rules.ClientMethod,
    "How a client proves that it is itself.",
    CLIENT_SECRET="It tells a secret that it shares with us.",  # noqa: S106 - a description
    PRIVATE_KEY_JWT="It signs with a key of its own, of which we have the public half.",
)


async def identifiers_of(call: Call, rows: Sequence[Any]) -> list[str]:
    """What clients call themselves when they ask for a token."""
    return [rules.client_identifier(call.tx.tenant_id, row.id) for row in rows]


@entity(ApiClientTable.__table__, resource="api_client")
class ApiClient:
    """A program of somebody else that acts for the school; its secret is never shown."""

    id: UUID = column("Identity of the client.", filter=True)
    client_id: str = computed("What the client calls itself at /oauth/token.", batch=identifiers_of)
    name: str = column("Name of the integrator.", filter=True)
    scopes: list[str] = column("Permissions that its tokens may hold, sorted.")
    method: rules.ClientMethod = column("How it proves that it is itself.", filter=True)
    created_at: datetime = column("When it got access.", filter=True, order=True)
    last_used_at: datetime | None = column("When it last got a token.", filter=True)
    revoked_at: datetime | None = column("When its access was taken away.", filter=True)
    former_secret_valid_until: datetime | None = column(
        "Until when the secret before the last rotation goes on.", of=lambda clients: clients.c.former_valid_until
    )


@error(rules.ApiClientNameTaken)
class ApiClientNameTaken:
    """A client of this school is called so, or was."""


@error(rules.ApiClientRevoked)
class ApiClientRevoked:
    """The client's access was taken away, for good."""


@error(rules.RotationUnderWay)
class RotationUnderWay:
    """The secret before the last one still goes on."""

    former_secret_valid_until: datetime = given_out("Until when.")


@strawberry.input(description="An integrator who is to have access.")
class CreateApiClientInput:
    name: str = given("Name of the integrator, unique in the school.", max_length=100)
    scopes: list[str] = given("Permissions of the catalogue, at least one.", max_length=100)
    method: rules.ClientMethod = given("How the client will prove that it is itself.")
    jwks: str | None = given(
        "With PRIVATE_KEY_JWT: the client's public keys, a JWK set (JSON) of at most 5, each with a kid:"
        " EC P-256, or RSA of 2048 to 4096 bits.",
        default=None,
        max_length=_LONGEST_KEY_SET,
        lines=True,
    )


@result
class CreateApiClientSuccess:
    """The client has access."""

    api_client_id: strawberry.Private[UUID]
    identifier: str = given_out("What the client calls itself at /oauth/token.", name="clientId")
    client_secret: str | None = given_out("The secret, told this once; null with PRIVATE_KEY_JWT.", once=True)
    api_client: ApiClient = one("ApiClient", "The client.")


@strawberry.input(description="A client that is to have a new secret, or new keys.")
class RotateApiClientSecretInput:
    api_client_id: UUID = given("The client.")
    overlap_hours: int | None = given(
        "How long the former secret goes on, hours. 0, for what has leaked: not at all, and neither do tokens.",
        default=24,
        min=0,
        max=_LONGEST_OVERLAP,
    )
    jwks: str | None = given(
        "With PRIVATE_KEY_JWT: all keys from now on, a JWK set (JSON); old ones that go on among them.",
        default=None,
        max_length=_LONGEST_KEY_SET,
        lines=True,
    )


@result
class RotateApiClientSecretSuccess:
    """The client has a new secret, or new keys."""

    api_client_id: strawberry.Private[UUID]
    identifier: str = given_out("What the client calls itself at /oauth/token.", name="clientId")
    client_secret: str | None = given_out("The new secret, told this once; null with PRIVATE_KEY_JWT.", once=True)
    api_client: ApiClient = one("ApiClient", "The client.")


@strawberry.input(description="A client whose access ends.")
class RevokeApiClientInput:
    api_client_id: UUID = given("The client.")


@result
class RevokeApiClientSuccess:
    """The client's access has ended; its tokens are void everywhere within seconds."""

    api_client_id: strawberry.Private[UUID]
    api_client: ApiClient = one("ApiClient", "The client.")


@strawberry.type
class ApiClientQuery:
    """Queries about integrators' clients."""

    api_clients: Connection[ApiClient] = root_connection(
        ApiClient, "Integrators' clients of the school, those whose access has ended too.", order="created_at"
    )


@strawberry.type
class ApiClientMutation:
    """Mutations of integrators' clients."""

    @mutation(permission="api_client:create", errors=(ApiClientNameTaken,))
    async def create_api_client(self, call: Call, input: CreateApiClientInput) -> CreateApiClientSuccess:
        """Gives an integrator access; nobody gives scopes that they do not hold."""
        made = await create_api_client(
            call.tx,
            actor=call.actor,
            name=input.name,
            scopes=input.scopes,
            method=input.method,
            jwks=input.jwks,
            origin=call.context,
        )
        return CreateApiClientSuccess(api_client_id=made.id, identifier=made.identifier, client_secret=made.secret)

    @mutation(permission="api_client:rotate", errors=(ApiClientRevoked, RotationUnderWay))
    async def rotate_api_client_secret(
        self, call: Call, input: RotateApiClientSecretInput
    ) -> RotateApiClientSecretSuccess:
        """Gives a client a new secret, the former one going on for a while, or takes its new keys."""
        made = await rotate_api_client_secret(
            call.tx,
            actor=call.actor,
            api_client_id=input.api_client_id,
            overlap=timedelta(hours=24 if input.overlap_hours is None else input.overlap_hours),
            jwks=input.jwks,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return RotateApiClientSecretSuccess(
            api_client_id=input.api_client_id, identifier=made.identifier, client_secret=made.secret
        )

    @mutation(permission="api_client:revoke")
    async def revoke_api_client(self, call: Call, input: RevokeApiClientInput) -> RevokeApiClientSuccess:
        """Ends a client for good; ending it twice is the same."""
        await revoke_api_client(
            call.tx,
            actor=call.actor,
            api_client_id=input.api_client_id,
            origin=call.context,
            revocations=call.context.revocations,
        )
        return RevokeApiClientSuccess(api_client_id=input.api_client_id)
