"""The shape of a statement's JSON, for what SQL alone cannot complete: computed and refused fields, and missing rows.

Most answers leave as the bytes that PostgreSQL made. The others are parsed, completed here by GraphQL's own rules of
null propagation, and encoded again.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from graphql import FieldNode, GraphQLError
from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.types import TypeEngine

from libs.db import ReadTransaction, TenantTransaction
from libs.graph.arguments import Request
from libs.graph.context import Call, RequestContext
from libs.graph.errors import RequestRefused
from libs.graph.fields import ComputedField
from libs.kernel import DomainError, Forbidden

MARK: Final = "!"
"""Key of an object that stands for an error: no name of the graph is like it, and text escapes its quotes."""
MARK_BYTES: Final = b'"!":'
HIDDEN: Final = "0"
"""What keys begin with that the client did not ask for; no name of the graph begins with a digit."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One response key of an object. `label` is its key in the JSON of the statement."""

    key: str
    label: str
    nodes: Sequence[FieldNode]
    non_null: bool

    @property
    def needs_completion(self) -> bool:
        """Whether the JSON of the statement is not yet what the client asked for."""
        return self.label != self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Member):
    """A value that is complete as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested(Member):
    """An object or a list of them; `rows` tells how many at most, as far as the request says it.

    `with_gaps`: an object of the list that fails is null, where elsewhere the list fails with it.
    """

    shape: "Shape"
    many: bool
    rows: Callable[[Request], int]
    with_gaps: bool = False

    @property
    def needs_completion(self) -> bool:
        """Whether it or anything inside it does."""
        return self.label != self.key or self.shape.needs_completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Member):
    """A field that the actor may not read: it is not in the statement."""

    needs_completion = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(Member):
    """A field that Python computes for all rows at once, from hidden columns; `shape` where its values are objects."""

    declared: ComputedField
    columns: Mapping[str, TypeEngine[Any]]
    permitted: bool  # on every row; otherwise on the actor's own alone
    shape: "Shape | None"

    needs_completion = True


@dataclass(slots=True)
class Shape:
    """The members of an object, in the order of the document; `of_values`: one that Python made, not SQL."""

    members: list[Member] = field(default_factory=list)
    nested: list[Nested] = field(default_factory=list)
    of_values: bool = False
    needs_completion: bool = False

    def add(self, member: Member) -> None:
        """Adds a member; what needs completion inside needs it here."""
        self.members.append(member)
        if isinstance(member, Nested):
            self.nested.append(member)
        self.needs_completion = self.needs_completion or member.needs_completion

    def objects(self, request: Request) -> int:
        """How many objects an object of this shape may hold, itself included."""
        return 1 + sum(member.rows(request) * member.shape.objects(request) for member in self.nested)

    def computed(self) -> list[Computed]:
        """Every computed member, at any depth."""
        found = [member for member in self.members if isinstance(member, Computed)]
        for member in self.nested:
            found += member.shape.computed()
        return found

    def labels(self) -> Iterator[str]:
        """The labels of its members, at any depth."""
        for member in self.members:
            yield member.label
        for member in self.nested:
            yield from member.shape.labels()


class _Failed(Exception):
    """A field that may not be null has failed: the nearest parent that may be null becomes it."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__()
        self.error = error


def marked(value: Any) -> bool:
    """Whether a value of the JSON stands for an error."""
    return isinstance(value, dict) and MARK in value


class Completion:
    """Completes one answer; `errors` are those of fields that became null."""

    def __init__(self, context: RequestContext, tx: ReadTransaction | None) -> None:
        self._context = context
        self._tx = tx
        self._rows: dict[ComputedField, dict[UUID, SimpleNamespace]] = {}
        self._selected: dict[Any, set[str]] = defaultdict(set)
        self._values: dict[ComputedField, Mapping[UUID, Any]] = {}
        self.errors: list[GraphQLError] = []

    async def run(self, value: Any, member: Member, path: Path) -> Any:
        """The completed value of a root field. Raises GraphQLError when that may not be null and is."""
        self._gather(value, member)
        await self._compute()
        try:
            return self._member(value, member, path)
        except _Failed as failed:
            if member.non_null:
                raise failed.error from None
            self.errors.append(failed.error)
            return None

    def _gather(self, value: Any, member: Member) -> None:
        """Collects the rows that computed fields need: each row once for each batch."""
        if value is None or marked(value) or not isinstance(member, Nested):
            return
        for each in value if member.many else [value]:
            if each is None or marked(each):
                continue
            for inner in member.shape.members:
                if isinstance(inner, Computed) and self._may_read(each, inner):
                    row = _row(each, inner)
                    self._rows.setdefault(inner.declared, {})[row.id] = row
                    if inner.shape is not None:
                        self._selected[inner.declared.batch].update(inner.shape.labels())
                elif isinstance(inner, Nested) and inner.shape.needs_completion:
                    self._gather(each.get(inner.label), inner)

    def _may_read(self, value: Mapping[str, Any], member: Computed) -> bool:
        own = member.declared.own
        return member.permitted or (own is not None and value[HIDDEN + own] == str(self._context.signed_in.user_id))

    async def _compute(self) -> None:
        batches: dict[Any, dict[UUID, SimpleNamespace]] = {}
        for declared, rows in self._rows.items():
            batches.setdefault(declared.batch, {}).update(rows)
        for batch, rows in batches.items():
            tx = cast("TenantTransaction", self._tx)  # one that writes where a batch is audited
            call = Call(tx, self._context, selected=frozenset(self._selected[batch]))
            values = await batch(call, list(rows.values()))
            by_id = dict(zip(rows, values, strict=True))
            for declared in self._rows:
                if declared.batch is batch:
                    self._values[declared] = by_id

    def _member(self, value: Any, member: Member, path: Path) -> Any:
        if marked(value):
            raise _Failed(_error(_cause(value[MARK]), member, path))
        if value is None:
            if member.non_null:
                raise _Failed(_error(Forbidden(), member, path))
            return None
        if not isinstance(member, Nested):
            return value
        if not member.many:
            return self._object(value, member.shape, path)
        return [self._item(each, member, (*path, position)) for position, each in enumerate(value)]

    def _item(self, value: Any, member: Nested, path: Path) -> Any:
        if value is None:  # only where the graph says so: `_entities`
            return None
        try:
            return self._present(value, member, path)
        except _Failed as failed:
            if not member.with_gaps:
                raise
            self.errors.append(failed.error)
            return None

    def _present(self, value: Any, member: Nested, path: Path) -> dict[str, Any]:
        if marked(value):
            raise _Failed(_error(_cause(value[MARK]), member, path))
        return self._object(value, member.shape, path)

    def _object(self, value: Any, shape: Shape, path: Path) -> dict[str, Any]:
        completed = {}
        for member in shape.members:
            at = (*path, member.key)
            try:
                completed[member.key] = self._field(value, member, at, of_values=shape.of_values)
            except _Failed as failed:
                if member.non_null:
                    raise
                self.errors.append(failed.error)
                completed[member.key] = None
        return completed

    def _field(self, value: Any, member: Member, path: Path, *, of_values: bool) -> Any:
        if isinstance(member, Refused):
            raise _Failed(_error(Forbidden(), member, path))
        if isinstance(member, Computed):
            return self._computed(value, member, path)
        if of_values and not member.label.startswith(HIDDEN):
            found = getattr(value, member.label)
            if isinstance(found, Exception):
                raise _Failed(_error(found, member, path))
            # A set is told in order, so that two answers compare.
            return self._member(sorted(found) if isinstance(found, frozenset) else found, member, path)
        return self._member(member.label[1:] if of_values else value[member.label], member, path)

    def _computed(self, value: Mapping[str, Any], member: Computed, path: Path) -> Any:
        if not self._may_read(value, member):
            raise _Failed(_error(Forbidden(), member, path))
        found = self._values[member.declared][UUID(value[HIDDEN + "id"])]
        if isinstance(found, Exception):
            raise _Failed(_error(found, member, path))
        if member.declared.take is not None and found is not None:
            found = member.declared.take(found)
        if member.shape is None or found is None:
            return self._member(found, member, path)
        many = isinstance(found, list | tuple)
        nested = Nested(
            key=member.key,
            label=member.label,
            nodes=member.nodes,
            non_null=member.non_null,
            shape=member.shape,
            many=many,
            rows=lambda _: 1,
        )
        return self._member(found, nested, path)


def _row(value: Mapping[str, Any], member: Computed) -> SimpleNamespace:
    return SimpleNamespace(**{name: _typed(value[HIDDEN + name], kind) for name, kind in member.columns.items()})


def _typed(value: Any, kind: TypeEngine[Any]) -> Any:
    """A value of the JSON as the column's Python type."""
    if value is None:
        return None
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, LargeBinary):
        return bytes.fromhex(value[2:])
    return value


def _cause(code: str | None) -> Exception:
    """What a mark stands for: a code, or a related row that may not be missing and that the actor may not see."""
    if code is None:
        return Forbidden()
    return RequestRefused(code, "Too many rows must be looked at for this; narrow the filter, or page.")


def _error(cause: Exception, member: Member, path: Path) -> GraphQLError:
    message = cause.code if isinstance(cause, DomainError) else str(cause)
    return GraphQLError(message, list(member.nodes), path=list(path), original_error=cause)


def attribute(name: str) -> str:
    """The Python name of a field of a plain type."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: "_" + found[1].lower(), name)
