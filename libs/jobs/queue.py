"""The queue of long work: what operations and resolvers ask of it, and the steps of a worker between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text

from libs.crypto import Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.jobs.progress import progress_channel
from libs.kernel import FieldFault, NotFound
from libs.telemetry import traceparent

LEASE = timedelta(seconds=30)
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work as a client sees it. Without a `total` nobody knows how much there is."""

    id: UUID
    kind: str
    status: str
    done: int
    total: int | None
    errors: tuple[FieldFault, ...]
    created_by: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job that this worker holds. `lease` is the proof: who lost it can no longer finish the job."""

    tenant_id: UUID
    id: UUID
    kind: str
    payload: bytes
    created_by: UUID | None
    traceparent: str | None
    attempts: int
    lease: UUID


def jobs_channel(schema: str) -> str:
    """The channel on which the runner of a schema waits."""
    return f"{schema}_jobs"


class JobQueue:
    """The jobs of one subgraph.

    Payloads are sealed with the tenant's key, and cleared by what ends the job: an import's file is full of people.
    """

    def __init__(self, schema: str, vault: Vault) -> None:
        self._vault = vault
        jobs = f"{schema}.jobs"
        view = ", ".join(field.name for field in fields(Job))
        mine = "tenant_id = :tenant_id and id = :id"
        self._insert = text(
            f"with made as (insert into {jobs} (id, kind, payload, traceparent, created_by, run_after, total)"  # noqa: S608
            " values (:id, :kind, :payload, :traceparent, :created_by, :run_after, :total))"
            f" select pg_notify('{jobs_channel(schema)}', '')"
        )
        self._find = text(f"select {view} from {jobs} where {mine}")  # noqa: S608 - our own names, here and below
        self._cancel = _telling(
            schema,
            f"update {jobs} set cancel_requested = true, updated_at = :now,"  # noqa: S608
            " status = case status when 'QUEUED' then 'CANCELLED' else status end,"
            " payload = case status when 'QUEUED' then null else payload end"
            f" where {mine} and status in ('QUEUED', 'RUNNING')",
            "id",
        )
        self._prepare_work(schema, jobs, f"{mine} and lease = :lease and status = 'RUNNING'")

    def _prepare_work(self, schema: str, jobs: str, held: str) -> None:
        """The statements of workers; `held` says of a job that it is theirs."""
        self._claim = _telling(
            schema,
            f"update {jobs} set status = 'RUNNING', attempts = attempts + 1, lease = :lease,"  # noqa: S608
            " claimed_until = :until, updated_at = :now where (tenant_id, id) = (select tenant_id, id"
            f" from {jobs} as waiting where run_after <= :now and (status = 'QUEUED' or (status = 'RUNNING'"
            f" and claimed_until < :now)) and not exists (select from {schema}.tenants as t"
            " where t.id = waiting.tenant_id and t.status = 'SUSPENDED')"
            " order by run_after limit 1 for update skip locked)",
            ", ".join(field.name for field in fields(Claim)),
        )
        self._renew = text(
            f"update {jobs} set claimed_until = :until where {held} returning cancel_requested"  # noqa: S608
        )
        self._progress = _telling(
            schema,
            f"update {jobs} set done = :done, total = coalesce(:total, total), updated_at = :now"  # noqa: S608
            f" where {held}",
            "cancel_requested",
        )
        self._finish = _telling(
            schema,
            f"update {jobs} set status = :status, errors = cast(:errors as jsonb), updated_at = :now,"  # noqa: S608
            " payload = case :status when 'QUEUED' then payload end,"
            " lease = null, claimed_until = null, run_after = :run_after, attempts = attempts - :refund"
            f" where {held} and (not cancel_requested or :status <> 'SUCCEEDED')",
            "id",
        )

    async def enqueue(
        self,
        tx: TenantTransaction,
        kind: str,
        payload: Mapping[str, Any],
        *,
        created_by: UUID | None,
        total: int | None = None,
        run_after: datetime | None = None,
    ) -> UUID:
        """Queues long work in the transaction of what asks for it; `payload` is JSON. Answers the job's id."""
        job_id = tx.new_id()
        key = await self._vault.tenant_key(tx)
        values = {
            "id": job_id,
            "kind": kind,
            "payload": key.wrap(orjson.dumps(payload), _place(job_id)),
            "traceparent": traceparent(),
            "created_by": created_by,
            "run_after": run_after or tx.now,
            "total": total,
        }
        await tx.execute(self._insert, values)
        return job_id

    async def find(self, tx: ReadTransaction, job_id: UUID) -> Job | None:
        """A job of this tenant."""
        row = (await tx.execute(self._find, {"tenant_id": tx.tenant_id, "id": job_id})).mappings().one_or_none()
        if row is None:
            return None
        return Job(**{**row, "errors": tuple(FieldFault(**fault) for fault in row["errors"])})

    async def cancel(self, tx: TenantTransaction, job_id: UUID) -> Job:
        """Cancels what waits; what runs is told, rolls back and is cancelled then; what has ended stays as it is.

        Raises NotFound.
        """
        await tx.execute(self._cancel, {"tenant_id": tx.tenant_id, "id": job_id, "now": tx.now})
        job = await self.find(tx, job_id)
        if job is None:
            raise NotFound
        return job

    async def claim(self, tx: TenantTransaction) -> Claim | None:
        """Takes the next job of any tenant; `tx` is the platform's. One whose worker fell silent counts as waiting.

        The work of a suspended school waits until it is resumed.
        """
        values = {"lease": tx.new_id(), "until": tx.now + LEASE, "now": tx.now}
        row = (await tx.execute(self._claim, values)).mappings().one_or_none()
        return Claim(**row) if row else None

    async def open_payload(self, tx: TenantTransaction, claim: Claim) -> dict[str, Any]:
        """What was queued. Raises Undecipherable."""
        key = await self._vault.tenant_key(tx)
        payload: dict[str, Any] = orjson.loads(key.unwrap(claim.payload, _place(claim.id)))
        return payload

    async def renew(self, tx: TenantTransaction, claim: Claim) -> bool:
        """Keeps the lease; False when it is lost or the job is to be cancelled."""
        return await self._goes_on(tx, self._renew, claim, {"until": tx.now + LEASE})

    async def report(self, tx: TenantTransaction, claim: Claim, done: int, total: int | None) -> bool:
        """Notes the progress; False when the lease is lost or the job is to be cancelled."""
        return await self._goes_on(tx, self._progress, claim, {"done": done, "total": total, "now": tx.now})

    async def finish(
        self,
        tx: TenantTransaction,
        claim: Claim,
        status: str,
        *,
        errors: Sequence[FieldFault] = (),
        run_after: datetime | None = None,
        refund: bool = False,
    ) -> bool:
        """Ends (or, with QUEUED, gives back) a job; False when it is not ours to end or was cancelled meanwhile.

        With `refund` this attempt does not count.
        """
        faults = [{"path": fault.path, "code": fault.code, "texts": dict(fault.texts)} for fault in errors]
        values = {
            "status": status,
            "errors": orjson.dumps(faults).decode(),
            "now": tx.now,
            "run_after": run_after or tx.now,
            "refund": int(refund),
            **_held(claim),
        }
        return (await tx.execute(self._finish, values)).first() is not None

    async def _goes_on(self, tx: TenantTransaction, statement: Any, claim: Claim, values: Mapping[str, Any]) -> bool:
        row = (await tx.execute(statement, {**values, **_held(claim)})).first()
        return row is not None and not row.cancel_requested


def _telling(schema: str, update: str, answer: str) -> TextClause:
    """A change of a job, which whoever follows it is told of with the commit."""
    place = f"pg_notify('{progress_channel(schema)}', tenant_id || '/' || id)"
    return text(f"with changed as ({update} returning *) select {answer} from changed, {place} as told")  # noqa: S608


def _held(claim: Claim) -> dict[str, UUID]:
    return {"tenant_id": claim.tenant_id, "id": claim.id, "lease": claim.lease}


def _place(job_id: UUID) -> bytes:
    return b"job payload" + job_id.bytes
