"""How the fields of a type are declared; `entity` turns the declarations into strawberry fields.

These few words are the only mapping between the graph and the tables; compiler.py turns what a document selects of
them into one SQL statement.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, FromClause, Table
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.utils.str_converters import to_camel_case

from libs.graph.context import Call, ReadContext

Expression = Callable[[FromClause], ColumnElement[Any]]
Link = Callable[[ReadContext], FromClause]
Batch = Callable[[Call, Sequence[Any]], Awaitable[Sequence[Any]]]
Search = tuple[Table, str, Callable[[str], Sequence[str]]]

LIST_SIZE = ListSize(
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    assumed_size=20,
    require_one_slicing_argument=False,
)


def assumed_size(rows: int) -> ListSize:
    """How long a list without pages is when its cost is estimated."""
    unsaid: Any = strawberry.UNSET
    return ListSize(
        assumed_size=rows, slicing_arguments=unsaid, sized_fields=unsaid, require_one_slicing_argument=unsaid
    )


LOOKED_UP = Cost(weight=5)
"""What a value costs that is looked up for each row by itself; a row costs 1."""

GROUPS = 20
"""Groups that figures are assumed to have when their cost is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A declared field; the kinds below say where its value comes from."""

    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnField(Field):
    """A column of the type's table, or an expression over it."""

    of: Expression | None = None
    filter: bool = False
    order: bool = False
    search: Search | None = None
    group: bool = False
    measure: bool = False
    permission: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedField(Field):
    """Python over a batch of rows, e.g. decryption; `columns` are what it needs of each row."""

    batch: Batch
    columns: tuple[str, ...]
    permission: str | None = None
    own: str | None = None
    audited: bool = False
    take: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureField(Field):
    """A value that a statement of its own makes of a row's id, for the actor."""

    of: Callable[[ColumnElement[Any], ReadContext], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StubField(Field):
    """A reference to an entity of another subgraph by the id in `key`."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Field):
    """Related rows: those of `target` whose `remote` equals this row's `local`, directly or through a link table."""

    target: str
    local: str
    remote: str
    kind: str  # one, many, connection, count or aggregates
    through: Link | None = None
    order: str = "id"
    assumed: int = 5
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedField(Field):
    """Objects that the statement of `target` (`entity(made=…)`) makes for this row, told what the arguments say."""

    target: str
    arguments: Mapping[str, tuple[type, str]]
    many: bool
    assumed: int


def graph_name(name: str) -> str:
    """The graph's name of a field; one that is called `class_` because Python keeps `class` loses its underscore."""
    return to_camel_case(name.rstrip("_"))


def column(
    description: str,
    *,
    of: Expression | None = None,
    filter: bool = False,
    order: bool = False,
    search: Search | None = None,
    group: bool = False,
    measure: bool = False,
    permission: str | None = None,
) -> Any:
    """A column of the same name, or `of`, an expression over the table's alias.

    `filter` and `order` admit it to the type's filter and order inputs (an orderable column has an index and no
    null); `search` names a table of word tokens, its owner column and what splits a text into such words; figures can
    be grouped by it (`group`) or tell its sum, average and extremes (`measure`: numbers). Without `permission` the
    field is null with FORBIDDEN, and nothing can be filtered, ordered or grouped by it. Raises TypeError for figures
    of such a field.
    """
    if permission is not None and measure:
        raise TypeError("figures of a protected field would tell its values")
    return ColumnField(
        description=description,
        of=of,
        filter=filter,
        order=order,
        search=search,
        group=group,
        measure=measure,
        permission=permission,
    )


def computed(
    description: str,
    *,
    batch: Batch,
    columns: Sequence[str] = (),
    permission: str | None = None,
    own: str | None = None,
    audited: bool = False,
    take: Callable[[Any], Any] | None = None,
) -> Any:
    """A value from `await batch(call, rows)`, one call for all rows of a statement, in its transaction.

    Rows have `id` and the `columns` named as attributes. Values are what JSON holds, or objects of a plain type; fields
    that share a batch share its call, and each takes its own part with `take`.
    Without `permission` the field is null with FORBIDDEN, except on rows whose `own` column is the actor's user id.
    `audited`: the batch writes who read what, so the transaction may write.
    """
    return ComputedField(
        description=description,
        batch=batch,
        columns=tuple(dict.fromkeys(["id", *columns])),
        permission=permission,
        own=own,
        audited=audited,
        take=take,
    )


def figure(description: str, *, of: Callable[[ColumnElement[Any], ReadContext], ColumnElement[Any]]) -> Any:
    """One value about this row, also of a stub: `of(row_id, context)` gives its SQL, a scalar subquery as a rule.

    The type's resource must be readable. Whom it may be told of below full reach is for `of` to say.
    """
    return FigureField(description=description, of=of)


def stub(key: str, description: str) -> Any:
    """The entity of another subgraph whose id stands in column `key`."""
    return StubField(description=description, key=key)


def one(
    target: str,
    description: str,
    *,
    local: str | None = None,
    remote: str = "id",
    through: Link | None = None,
    group: bool = False,
) -> Any:
    """One related object. `local` defaults to `<field>_id`, or to `id` with `through` (source_id, target_id)."""
    return Relation(
        description=description,
        target=target,
        local=local or ("id" if through else ""),
        remote=remote,
        kind="one",
        through=through,
        group=group,
    )


def many(
    target: str,
    description: str,
    *,
    local: str = "id",
    remote: str = "id",
    through: Link | None = None,
    order: str = "id",
    assumed: int = 5,
) -> Any:
    """A short list of related objects in `order` ("name", "valid_from desc"), about `assumed` of them."""
    return Relation(
        description=description,
        target=target,
        local=local,
        remote=remote,
        kind="many",
        through=through,
        order=order,
        assumed=assumed,
    )


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
    return Relation(
        description=description,
        target=target,
        local=local,
        remote=remote,
        kind="connection",
        through=through,
        order=order,
    )


def count(target: str, description: str, *, local: str = "id", remote: str = "id", through: Link | None = None) -> Any:
    """How many related objects there are for the actor."""
    return Relation(description=description, target=target, local=local, remote=remote, kind="count", through=through)


def aggregates(
    target: str, description: str, *, local: str = "id", remote: str = "id", through: Link | None = None
) -> Any:
    """Figures over the related objects, `<Target>Aggregates`, by group."""
    return Relation(
        description=description,
        target=target,
        local=local,
        remote=remote,
        kind="aggregates",
        through=through,
        assumed=GROUPS,
    )


def derived(
    target: str,
    description: str,
    *,
    arguments: Mapping[str, tuple[type, str]] | None = None,
    many: bool = False,
    assumed: int = 5,
) -> Any:
    """Objects, `many` or one, that the statement of `target` makes for this row: figures of a pupil's semester.

    `arguments` are the field's own, by name: type (UUID, date) and description; all may be left out.
    """
    return DerivedField(description=description, target=target, arguments=arguments or {}, many=many, assumed=assumed)


def terms_of(order: str) -> tuple[tuple[str, bool], ...]:
    """The columns of an order like "valid_from desc, name" with whether each descends; `id` breaks every tie."""
    terms = tuple((name, way == "desc") for name, _, way in (term.strip().partition(" ") for term in order.split(",")))
    return terms if any(name == "id" for name, _ in terms) else (*terms, ("id", False))


def given_out(description: str, *, name: str | None = None, once: bool = False) -> Any:
    """A field of a result or error type that its constructor sets; `name` where the graph calls it otherwise.

    `once`: a secret. It is never kept, hence null (as its type must allow) when an answer is repeated.
    """
    return strawberry.field(description=description, name=name, metadata={"once": once})
