"""How the fields of a type are declared; `entity` turns the declarations into strawberry fields.

These few words are the only mapping between the graph and the tables. What reads them may change (today one batched
statement per level, see reader.py); the declarations stay.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, FromClause, Table
from strawberry.federation.schema_directives import ListSize
from strawberry.utils.str_converters import to_camel_case

from libs.graph.context import ReadContext, RequestContext

Expression = Callable[[FromClause], ColumnElement[Any]]
Link = Callable[[ReadContext], FromClause]
Batch = Callable[[RequestContext, Sequence[Any]], Awaitable[Sequence[Any]]]

LIST_SIZE = ListSize(
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    assumed_size=20,
    require_one_slicing_argument=False,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field; the kinds below say where its value comes from."""

    description: str


@dataclass(frozen=True, slots=True)
class ColumnField(Field):
    """A column of the type's table, or an expression over it."""

    of: Expression | None = None
    filter: bool = False
    order: bool = False
    search: tuple[Table, str] | None = None


@dataclass(frozen=True, slots=True)
class ComputedField(Field):
    """Python over a batch of rows, e.g. decryption."""

    batch: Batch
    permission: str | None = None
    own: str | None = None


@dataclass(frozen=True, slots=True)
class StubField(Field):
    """A reference to an entity of another subgraph by the id in `key`."""

    key: str


@dataclass(frozen=True, slots=True)
class Relation(Field):
    """Related rows: those of `target` whose `remote` equals this row's `local`, directly or through a link table."""

    target: str
    local: str
    remote: str
    kind: str  # one, many, connection or count
    through: Link | None = None
    order: str = "id"


def printed_name(name: str) -> str | None:
    """The graph's name of a field that is called `class_` because Python keeps `class`; None: nothing to change."""
    return to_camel_case(name.rstrip("_")) if name.endswith("_") else None


def column(
    description: str,
    *,
    of: Expression | None = None,
    filter: bool = False,
    order: bool = False,
    search: tuple[Table, str] | None = None,
) -> Any:
    """A column of the same name, or `of`, an expression over the table's alias.

    `filter` and `order` admit it to the type's filter and order inputs (an orderable column has an index and no
    null); `search` names a table of word tokens and its owner column.
    """
    return ColumnField(description, of, filter, order, search)


def computed(description: str, *, batch: Batch, permission: str | None = None, own: str | None = None) -> Any:
    """A value from `await batch(context, rows)`, one call for all rows of a request.

    Without `permission` it is null with FORBIDDEN, except on rows whose `own` column is the actor's user id.
    """
    return ComputedField(description, batch, permission, own)


def stub(key: str, description: str) -> Any:
    """The entity of another subgraph whose id stands in column `key`."""
    return StubField(description, key)


def one(
    target: str, description: str, *, local: str | None = None, remote: str = "id", through: Link | None = None
) -> Any:
    """One related object. `local` defaults to `<field>_id`, or to `id` with `through` (source_id, target_id)."""
    return Relation(description, target, local or ("id" if through else ""), remote, "one", through)


def many(
    target: str,
    description: str,
    *,
    local: str = "id",
    remote: str = "id",
    through: Link | None = None,
    order: str = "id",
) -> Any:
    """A short list of related objects in `order` ("name", "valid_from desc")."""
    return Relation(description, target, local, remote, "many", through, order)


def connection(
    target: str,
    description: str,
    *,
    local: str = "id",
    remote: str = "id",
    through: Link | None = None,
    order: str = "id",
) -> Any:
    """A list that can grow: paged, filtered and ordered by its own arguments."""
    return Relation(description, target, local, remote, "connection", through, order)


def count(target: str, description: str, *, local: str = "id", remote: str = "id", through: Link | None = None) -> Any:
    """How many related objects there are for the actor."""
    return Relation(description, target, local, remote, "count", through)


def given_out(description: str) -> Any:
    """A field of a result or error type that its constructor sets."""
    return strawberry.field(description=description)
