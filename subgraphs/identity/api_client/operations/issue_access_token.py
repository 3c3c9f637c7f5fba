"""Access tokens for integrators: OAuth 2.0 client credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.auth import CLIENT_SCOPES, Actor, system_binding
from libs.db import Database, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.api_client.model import ApiClient, SpentAssertion
from subgraphs.identity.api_client.operations.token_server import (
    KnownClient,
    SpentProof,
    TokenAnswer,
    TokenRequest,
    TokenServer,
    malformed,
    methods_of,
    named_client,
    told,
)
from subgraphs.identity.api_client.rules import ClientMethod, Failures, after_failure, hashed, read_client_identifier
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.lockout.model import SignInFailure
from subgraphs.identity.session.queries import TokenPolicy
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """What /oauth/token works with; `endpoint` is its public address, `issuer` who signs."""

    database: Database
    tokens: TokenPolicy
    endpoint: str
    issuer: str

    async def issue_access_token(self, request: TokenRequest, origin: Origin) -> TokenAnswer:
        """A token, or the error of RFC 6749 that says why not; either is written down in one transaction."""
        if "grant_type" not in request.form:
            return malformed("grant_type is missing.")
        try:
            identifier = named_client(request)
        except OAuth2Error as error:
            return told(error)
        ids = read_client_identifier(identifier)
        if ids is None:  # can be nobody's
            return told(InvalidClientError())
        async with self.database.write(system_binding(ids[0])) as tx:
            asked = _Asked(identifier, ids[1], request, origin)
            return await _issue(tx, asked, self)


@dataclass(frozen=True, slots=True)
class _Asked:
    identifier: str
    client_id: UUID
    request: TokenRequest
    origin: Origin

    @property
    def counted_as(self) -> dict[str, Any]:
        """Failures are counted beside those of accounts, in places of their own: neither locks the other out."""
        return {"email_blind": hashed(self.identifier), "address": f"oauth {self.origin.address}"}


async def _issue(tx: TenantTransaction, asked: _Asked, desk: TokenDesk) -> TokenAnswer:
    """Everything that fails is returned: that it was tried has to be committed."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is None:  # a school that nobody knows keeps no rows; its failures are the platform's to see
        await tx.rebind(system_binding(PLATFORM_TENANT_ID))
    client = await tx.session.get(ApiClient, (tx.tenant_id, asked.client_id))
    failures = await _failures(tx, asked)
    if failures is not None and failures.locked_until is not None and tx.now < failures.locked_until:
        return _later(failures.locked_until, tx.now)
    is_open = tenant is not None and tenant.status == TenantStatus.ACTIVE
    server = TokenServer(
        _known(asked.identifier, client, tx.now, is_open=is_open),
        tx.now,
        endpoint=desk.endpoint,
        issuer=desk.issuer,
        sign=lambda scopes: _signed(tx, client, scopes, asked, desk),
    )
    answer = server.answer(asked.request)
    if server.spent is not None and not await _spend(tx, asked, server.spent):
        answer = told(InvalidClientError())
    if answer.error == InvalidClientError.error:
        await _count_failure(tx, asked, client)
    elif answer.error is None:
        await _note_success(tx, asked, answer, failures)
    return answer


def _known(identifier: str, client: ApiClient | None, now: datetime, *, is_open: bool) -> KnownClient:
    """The client as the protocol sees it; nobody for one that is unknown or revoked."""
    nobody = KnownClient(identifier)
    if client is None or client.revoked_at is not None:
        return nobody
    known = replace(
        nobody,
        methods=methods_of(ClientMethod(client.method)),
        scopes=frozenset(client.scopes) & CLIENT_SCOPES,
        is_open=is_open,
    )
    if client.keys is not None:
        return replace(known, keys=KeySet.import_key_set(client.keys))  # type: ignore[arg-type] # as JSON has it
    hashes = [client.secret_hash]
    if client.former_valid_until is not None and now < client.former_valid_until:
        hashes.append(client.former_secret_hash)
    return replace(known, secret_hashes=[each for each in hashes if each is not None])


def _signed(
    tx: TenantTransaction, client: ApiClient | None, scopes: frozenset[str], asked: _Asked, desk: TokenDesk
) -> Mapping[str, Any]:
    assert client is not None  # nobody in particular proves nothing
    actor = Actor(
        user_id=client.id,
        tenant_id=tx.tenant_id,
        home_tenant_id=tx.tenant_id,
        roles=(),
        permissions=scopes,
        student_ids=(),
        session_id=tx.new_id(),
        version=client.ver,
        email="",
        client_id=asked.identifier,
    )
    return {
        "access_token": desk.tokens.issuer.issue(actor, tx.now),
        "token_type": "Bearer",
        "expires_in": desk.tokens.access_seconds,
        "scope": " ".join(sorted(scopes)),
    }


async def _spend(tx: TenantTransaction, asked: _Asked, proof: SpentProof) -> bool:
    """Whether the assertion proves its client for the first time: of requests at once, one inserts the row."""
    row = {"id": tx.new_id(), "tenant_id": tx.tenant_id, "client_id": asked.client_id, "expires_at": proof.expires_at}
    statement = insert(SpentAssertion.__table__).values(row | {"assertion_hash": proof.jti_hash})
    done = await tx.execute(statement.on_conflict_do_nothing().returning(SpentAssertion.__table__.c.id))
    return done.one_or_none() is not None


def _counter(tx: TenantTransaction, asked: _Asked) -> tuple[Any, ...]:
    wanted = {"tenant_id": tx.tenant_id} | asked.counted_as
    return tuple(SignInFailure.__table__.c[name] == value for name, value in wanted.items())


async def _failures(tx: TenantTransaction, asked: _Asked, *, lock: bool = False) -> Failures | None:
    columns = (SignInFailure.failures, SignInFailure.last_failed_at, SignInFailure.locked_until)
    statement = select(*columns).where(*_counter(tx, asked))
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return Failures(*row) if row is not None else None


async def _count_failure(tx: TenantTransaction, asked: _Asked, client: ApiClient | None) -> None:
    first = {"id": tx.new_id(), "tenant_id": tx.tenant_id, "failures": 0, "lockouts": 0, "last_failed_at": tx.now}
    await tx.execute(insert(SignInFailure.__table__).values(first | asked.counted_as).on_conflict_do_nothing())
    after = after_failure(await _failures(tx, asked, lock=True), tx.now)
    values = {"failures": after.count, "last_failed_at": after.last_failed_at, "locked_until": after.locked_until}
    await tx.execute(update(SignInFailure.__table__).where(*_counter(tx, asked)).values(values))
    client_id = client and client.id
    deed = Deed(action="auth.login_failed", resource_type="api_client", resource_id=client_id, error="credentials")
    await record(tx, Doer(None, tx.tenant_id, asked.origin), deed)


async def _note_success(tx: TenantTransaction, asked: _Asked, answer: TokenAnswer, failures: Failures | None) -> None:
    if failures is not None:
        await tx.execute(delete(SignInFailure.__table__).where(*_counter(tx, asked)))
    mine = (ApiClient.tenant_id == tx.tenant_id, ApiClient.id == asked.client_id)
    await tx.execute(update(ApiClient).where(*mine).values(last_used_at=tx.now))
    values = {"scopes": answer.body["scope"].split()}
    deed = Deed(action="auth.login_success", resource_type="api_client", resource_id=asked.client_id, new_values=values)
    await record(tx, Doer(asked.client_id, tx.tenant_id, asked.origin), deed)


def _later(until: datetime, now: datetime) -> TokenAnswer:
    body = {"error": "temporarily_unavailable", "error_description": "Too many failed attempts; try again later."}
    seconds = int((until - now).total_seconds()) + 1
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
    return TokenAnswer(429, body, headers | {"Retry-After": str(seconds)})
