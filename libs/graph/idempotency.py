"""`Idempotency-Key`: the same request sent again is answered again, not done again (graph.md).

What is kept is the ids of the success, in the transaction of the change; objects are read anew for a repeated answer.
"""

import hashlib
from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from libs.db import TenantTransaction
from libs.graph.context import RequestContext
from libs.graph.errors import RequestRefused


def _parameters(tx: TenantTransaction, context: RequestContext, key: str, field: str) -> dict[str, Any]:
    try:
        parsed = UUID(key)
    except ValueError:
        raise RequestRefused("BAD_REQUEST", "Idempotency-Key must be a UUID.", header="Idempotency-Key") from None
    return {"tenant": tx.tenant_id, "principal": str(context.signed_in.user_id), "key": parsed, "field": field}


async def kept_answer(
    tx: TenantTransaction, context: RequestContext, *, key: str, field: str, given: Any, success: type
) -> Any:
    """The answer kept under the key, or None after the key was claimed for this transaction.

    A second request with the same key waits here until the first one ends. Raises RequestRefused
    IDEMPOTENCY_CONFLICT when the key was used with another input.
    """
    parameters = _parameters(tx, context, key, field)
    digest = hashlib.sha256(repr(given).encode()).hexdigest()
    table = f"{context.database.schema}.idempotency_keys"
    claimed = await tx.execute(
        text(
            f"insert into {table} (tenant_id, principal, key, root_field, input_hash, created_at)"  # noqa: S608
            " values (:tenant, :principal, :key, :field, :digest, :now) on conflict do nothing"
        ),
        {**parameters, "digest": digest, "now": tx.now},
    )
    if claimed.rowcount:  # type: ignore[attr-defined]
        return None
    found = await tx.execute(
        text(
            f"select input_hash, answer from {table} where tenant_id = :tenant and principal = :principal"  # noqa: S608
            " and key = :key and root_field = :field"
        ),
        parameters,
    )
    row = found.one()
    if row.input_hash != digest:
        raise RequestRefused("IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another input.")
    return _rebuilt(success, row.answer)


async def keep_answer(tx: TenantTransaction, context: RequestContext, *, key: str, field: str, answer: Any) -> None:
    """Keeps the ids of a success; errors raise and roll the claim back, so they are never kept."""
    values = {each.name: getattr(answer, each.name) for each in fields(answer) if each.init}
    values |= {each.name: None for each in fields(answer) if each.metadata.get("once")}
    await tx.execute(
        text(
            f"update {context.database.schema}.idempotency_keys set answer = cast(:answer as jsonb)"  # noqa: S608
            " where tenant_id = :tenant and principal = :principal and key = :key and root_field = :field"
        ),
        {**_parameters(tx, context, key, field), "answer": orjson.dumps(values).decode()},
    )


def _rebuilt(success: type, kept: dict[str, Any]) -> Any:
    """The success again; ids are UUIDs in the attributes whose names end in `id`."""
    values = {name: UUID(value) if name.endswith("id") and value else value for name, value in kept.items()}
    return success(**values)
