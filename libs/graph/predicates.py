"""Which rows: those that exist for the actor, and those that a filter input names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Index,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from libs.graph.arguments import Parameters
from libs.graph.context import ReadContext
from libs.graph.errors import RequestRefused
from libs.graph.fields import ColumnField
from libs.graph.filters import LARGEST_CHARACTER, Comparison, bounded
from libs.kernel import Forbidden

if TYPE_CHECKING:
    from libs.graph.entity import Entity

_MOST_WORDS: Final = 10
_DEEPEST_FILTER: Final = 20


def existing(entity: "Entity", row: FromClause, context: ReadContext) -> list[ColumnElement[bool]]:
    """What must hold of a row to exist for the actor: the school's own, and what `visible` leaves below full reach."""
    found: list[ColumnElement[bool]] = []
    if "tenant_id" in row.c:
        found.append(row.c.tenant_id == context.tenant_id)
    if entity.visible is not None and context.reach < context.reach.ALL:
        found.append(entity.visible(row, context))
    return found


@dataclass(slots=True)
class Predicates:
    """The conditions of a filter: those that an index serves, and those for which rows must be looked at."""

    indexed: list[ColumnElement[bool]] = field(default_factory=list)
    examined: list[ColumnElement[bool]] = field(default_factory=list)

    def all(self) -> list[ColumnElement[bool]]:
        """Both."""
        return [*self.indexed, *self.examined]


def filtered(
    entity: "Entity",
    row: FromClause,
    given: Mapping[str, Any] | None,
    parameters: Parameters,
    context: ReadContext,
    *,
    depth: int = 0,
) -> Predicates:
    """The conditions of a filter input over a row; values may be slots.

    Raises RequestRefused for lists that are too long and filters that are too deep.
    """
    if depth > _DEEPEST_FILTER:
        raise RequestRefused("DEPTH_LIMIT", f"A filter may hold {_DEEPEST_FILTER} filters within each other.")
    found = Predicates()
    for name, value in (given or {}).items():
        if value is None:
            continue
        if name == "and":
            for part in bounded(value):
                inner = filtered(entity, row, part, parameters, context, depth=depth + 1)
                found.indexed += inner.indexed
                found.examined += inner.examined
        elif name == "or":
            parts = [filtered(entity, row, part, parameters, context, depth=depth + 1).all() for part in bounded(value)]
            found.examined.append(or_(false(), *(and_(true(), *part) for part in parts)))
        elif name == "not":
            holds = and_(true(), *filtered(entity, row, value, parameters, context, depth=depth + 1).all())
            found.examined.append(holds.is_not(true()))  # where a value is missing, nothing holds of it
        elif name == "search":
            found.indexed.append(_words(entity, row, value, parameters, context))
        else:
            given_value = Comparison(value, parameters)
            is_served, holds = _compared(entity, row, name, given_value, context)
            (found.indexed if is_served else found.examined).append(holds)
    return found


def _compared(
    entity: "Entity", row: FromClause, name: str, given: Comparison, context: ReadContext
) -> tuple[bool, ColumnElement[bool]]:
    """Whether an index serves the comparisons of one field or condition, and their SQL. Raises Forbidden."""
    condition = entity.conditions.get(name)
    if condition is not None:
        if condition.resource is not None and not context.may_read(condition.resource):
            raise Forbidden
        if condition.permission is not None and condition.permission not in context.permissions:
            raise Forbidden
        return True, condition.build(row, given, context)
    declared = entity.usable(name, context.permissions)
    column = declared.field
    assert isinstance(column, ColumnField)
    is_served = column.of is None and given.uses_index() and declared.name in entity.indexed
    return is_served, given.holds(entity.value(row, declared.name))


def _words(
    entity: "Entity", row: FromClause, text: Any, parameters: Parameters, context: ReadContext
) -> ColumnElement[bool]:
    """Whether each word of the text begins some word of the name.

    The longest word finds its rows by the index; the others, whose number varies, are looked for in those rows.
    """
    table, owner, split = entity.search

    def beginning_with(prefix: ColumnElement[str]) -> Select[Any]:
        tokens = table.alias()
        # A range over text under collation C uses its index beneath row-level security; LIKE would not (data.md, 4).
        return select(tokens.c[owner]).where(
            tokens.c.tenant_id == context.tenant_id,
            tokens.c.token >= prefix,
            tokens.c.token < prefix + LARGEST_CHARACTER,
        )

    longest = parameters.argument(text, Text(), lambda given: _prefixes(split(given))[0])
    others = parameters.argument(text, ARRAY(Text), lambda given: _prefixes(split(given))[1:])
    wanted = func.unnest(others).table_valued("prefix").render_derived(name="wanted")
    of_row = beginning_with(wanted.c.prefix)
    (found_owner,) = of_row.selected_columns
    missing = select(wanted.c.prefix).where(not_(of_row.where(found_owner == row.c.id).correlate(row, wanted).exists()))
    return and_(row.c.id.in_(beginning_with(longest)), not_(missing.exists()))


def _prefixes(words: Sequence[str]) -> list[str]:
    return sorted(words[:_MOST_WORDS], key=len, reverse=True) or [""]


def indexed_columns(source: FromClause) -> frozenset[str]:
    """The columns of a source that stand in an index right after tenant_id."""
    found = set()
    for name, column in source.c.items():
        for base in column.base_columns:
            table = getattr(base, "table", None)  # an expression has none
            if isinstance(table, Table) and _leads_an_index(table, str(base.key)):
                found.add(name)
    return frozenset(found)


def _leads_an_index(table: Table, column: str) -> bool:
    keys = [each for each in table.constraints if isinstance(each, PrimaryKeyConstraint | UniqueConstraint)]
    indexes: list[Index | PrimaryKeyConstraint | UniqueConstraint] = [*table.indexes, *keys]
    return any([each.key for each in list(index.columns)[:2]] == ["tenant_id", column] for index in indexes)
