"""Related objects of a mutation's result, read by the engine: of a success in the transaction of the change itself."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from libs.auth import Actor, AuthError
from libs.db import ReadTransaction
from libs.graph.compiler import Compiler
from libs.graph.errors import RequestRefused
from libs.graph.fields import Relation
from libs.graph.reading import plan_of, read_within
from libs.graph.rows import object_of
from libs.graph.selection import Selected, Selection
from libs.graph.shapes import Member
from libs.kernel import DomainError


async def read_payload(info: Any, tx: ReadTransaction, payload: Any, *, tenant_id: UUID | None = None) -> None:
    """Reads what the document selects of a result's related objects, within `tx`; the result's fields give it out.

    `info` is graphql-core's; `tenant_id` where the actor works in another tenant than the own. What the actor may not
    read is the error of its field: the change stands.
    """
    payload.answers = {}
    for selected in Selection.of(info).fields(type(payload).__strawberry_definition__.name):
        if selected.name in payload.related:
            try:
                payload.answers[selected.key] = await _read(info, tx, payload, selected, tenant_id)
            except (DomainError, RequestRefused, AuthError) as refused:
                payload.answers[selected.key] = refused


async def _read(info: Any, tx: ReadTransaction, payload: Any, selected: Selected, tenant_id: UUID | None) -> Any:
    attribute, relation = payload.related[selected.name]
    row_id: UUID | None = getattr(payload, attribute)
    if row_id is None:
        return None
    actor: Actor = info.context.signed_in
    reader = replace(actor, tenant_id=tenant_id) if tenant_id else actor
    path = [*info.path.as_list(), selected.key]
    key = (relation.target, relation.remote)
    build = partial(_one, relation, selected)
    plan = plan_of(info, build, path, selected.below, key=key, permissions=reader.permissions)
    return await read_within(info, tx, plan, path, reader, row_id=row_id)


def _one(
    relation: Relation, selected: Selected, compiler: Compiler, selection: Selection
) -> tuple[ColumnElement[Any], Member]:
    rows = compiler.rows(relation.target)
    column = rows.alias.c[relation.remote]
    wanted = compiler.parameters.add(column.type, lambda request: request.values["row_id"])
    value, shape = compiler.one(rows.narrowed(column == wanted), selection)
    return value, object_of(selected, selected.key, shape)
