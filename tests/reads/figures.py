"""Figures over rows for the reference: the rows are read, then grouped and counted in Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from libs.auth import Reach
from libs.graph.fields import ColumnField, Relation, graph_name
from libs.kernel import Forbidden
from tests.reads.rowwise import Found, Rows, holding


@dataclass(frozen=True)
class Group:
    """Rows that have the values of `keys` in common; by name in Python."""

    rows: Rows
    keys: Mapping[str, Any]
    members: Sequence[Found]


@dataclass(frozen=True)
class Keys:
    """What the rows of a group have in common."""

    group: Group


def figures(rows: Rows, arguments: Mapping[str, Any]) -> list[Group]:
    """The groups in the order of their keys; without any key there is one. Raises Forbidden to who sees own rows."""
    if rows.context.reach is Reach.OWN:
        raise Forbidden
    names = [str(name) for name in dict.fromkeys(arguments.get("groupBy") or ())]
    holds = holding(rows, arguments.get("filter") or {})
    known = {name: _values(rows, name) for name in names}
    found = [row for row in rows.all() if holds(row)]
    if not names:
        return [Group(rows, {}, found)]
    groups: dict[tuple[Any, ...], list[Found]] = {}
    for row in found:
        groups.setdefault(tuple(known[name][row.values["id"]] for name in names), []).append(row)
    ranks = {name: {value: at for at, value in enumerate(dict.fromkeys(known[name].values()))} for name in names}
    ordered = sorted(groups, key=lambda key: [ranks[name][value] for name, value in zip(names, key, strict=True)])
    return [Group(rows, dict(zip(names, key, strict=True)), groups[key]) for key in ordered]


def _values(rows: Rows, name: str) -> dict[Any, Any]:
    """The value of a key for each row, in PostgreSQL's order of the values."""
    field = rows.entity.fields[graph_name(name)].field
    if not isinstance(field, Relation):
        return {row.values["id"]: row.values[name] for row in rows.all(name)}
    local = field.local or f"{name}_id"
    if field.through is None:
        return {row.values["id"]: row.values[local] for row in rows.all(local)}
    target = rows.reading.rows_of(field.target)
    link = field.through(target.context).alias()
    linked = rows.reading.run(select(link.c.source_id, link.c.target_id), target.context.reach)
    of = {each["source_id"]: each["target_id"] for each in linked}
    values = {row.values["id"]: of.get(row.values[local]) for row in rows.all()}
    return dict(sorted(values.items(), key=lambda each: (each[1] is None, each[1] and each[1].int)))


def of_group(group: Group, name: str) -> Any:
    """One field of a group."""
    if name == "count":
        return len(group.members)
    if name == "keys":
        return Keys(group)
    declared = group.rows.entity.fields[name]
    assert isinstance(declared.field, ColumnField)
    value = declared.name if declared.field.of is None else f"{name} ()"
    numbers = [number for row in group.members if (number := row.values[value]) is not None]
    if not numbers:
        return dict.fromkeys(("sum", "average", "min", "max"))
    average = float(Fraction(sum(numbers), len(numbers)))
    return {"sum": sum(numbers), "average": average, "min": min(numbers), "max": max(numbers)}


def of_keys(keys: Keys, name: str) -> Any:
    """One key of a group; null where the rows were not grouped by it."""
    rows = keys.group.rows
    declared = rows.entity.fields[name]
    if declared.name not in keys.group.keys:
        return None
    value = keys.group.keys[declared.name]
    if not isinstance(declared.field, Relation):
        return value
    related = rows.reading.rows_of(declared.field.target)
    return None if value is None else related.where(related.alias.c.id == value).first()
