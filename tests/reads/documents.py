"""Documents over a schema, drawn from the schema itself: whatever a client may write, as far as the limits allow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st

from tests.reads.inputs import Arguments, Values, literal, literals
from tests.reads.reference import SCHEMAS
from tests.reads.roots import ROOTS
from tests.reads.values import about, ids

_MOST_FIELDS: Final = 220
_MOST_ROWS: Final = 800
_MOST_OBJECTS: Final = 12_000
_OFTEN: Final = ("groupBy", "semesterId", "from", "to")
"""Arguments that may be left out, but say most of what a field is."""
_LONG_KEY: Final = "long_" * 14  # 70 bytes, more than an identifier of PostgreSQL has


@dataclass(frozen=True)
class Cursor:
    """A variable whose value is a cursor: one of those that a probing document finds, the `choice`-th around."""

    variable: str
    probe: str
    choice: int


@dataclass(frozen=True)
class Document:
    """A document with two sets of variables of one form, and the variables that are cursors."""

    subgraph: str
    text: str
    variables: Mapping[str, Any]
    others: Mapping[str, Any]
    cursors: tuple[Cursor, ...]


@dataclass(frozen=True)
class At:
    """Where a selection set stands: how deep, below how many rows, and how a probe reaches it (None: not at all)."""

    depth: int
    rows: int
    chain: tuple[str, ...] | None
    size: int = 1
    is_fragment: bool = False
    is_other: bool = False  # beside another type's selection: no key may be the same for what is not
    written: dict[str, tuple[str, Any, "At"]] = field(default_factory=dict, compare=False)
    taken: set[str] = field(default_factory=set, compare=False)  # keys without an alias, of what is refused too


@dataclass
class Writer(Values):
    """Writes one document."""

    subgraph: str = ""
    fragments: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)  # type -> name, height, objects
    texts: list[str] = field(default_factory=list)
    cursors: list[Cursor] = field(default_factory=list)
    fields: int = 0
    objects: int = 0

    @property
    def schema(self) -> GraphQLSchema:
        """What the document is written over."""
        return SCHEMAS[self.subgraph]

    def document(self) -> Document:
        """An operation on Query with all its fragments."""
        query = self.schema.query_type
        root = At(depth=9, rows=1, chain=())
        parts = [self._root(query, root) for _ in range(self.one_of((1, 1, 2, 3)))]
        if self.chance(10):
            parts.append("__typename")
        head = f"query {self.one_of(('Q', 'Reads'))}"
        if self.definitions:
            head += f"({', '.join(self.definitions)})"
        text = "\n".join([f"{head} {{ {' '.join(parts)} }}", *self.texts])
        others = {} if self.cursors else self.others
        return Document(self.subgraph, text, self.variables, self.variables | others, tuple(self.cursors))

    def _root(self, query: Any, at: At) -> str:
        name = self.one_of(_ROOT_FIELDS[self.subgraph])
        if name == "_entities":
            return self._entities(query, at)
        return self._nested(query.name, name, query.fields[name], at)

    def _entities(self, query: Any, at: At) -> str:
        schema = self.schema
        # A type is asked for as often as it has fields: many belong to another subgraph and have their id here, no more.
        kinds = [kind for kind in schema.type_map["_Entity"].types for _ in kind.fields]
        wanted = [self.one_of(kinds).name for _ in range(self.one_of((2, 1, 3, 4, 0)))]
        representations = [{"__typename": kind, "id": self.one_of(ids(kind))} for kind in wanted]
        definition = query.fields["_entities"]
        arguments = Arguments()
        arguments.add("representations", self._representations(definition, representations))
        below = replace(
            at, depth=at.depth - 1, chain=(f"_entities{literals(arguments.effective)}",), written={}, taken=set()
        )
        parts = [
            f"... on {kind} {self._selections(schema.type_map[kind], self._member(below, kind, is_other=at > 0))}"
            for at, kind in enumerate(dict.fromkeys((*wanted, self.one_of(kinds).name)))
        ]
        return f"{self.fresh('e')}: _entities{arguments.text} {{ __typename {' '.join(parts)} }}"

    def _representations(self, definition: GraphQLField, value: list[Any]) -> tuple[str, Any]:
        if self.chance(50):
            name = self.fresh("r")
            self.definitions.append(f"${name}: {definition.args['representations'].type}")
            self.variables[name] = value
            return f"${name}", value
        return literal(value), value

    @staticmethod
    def _member(at: At, kind: str, *, is_other: bool) -> At:
        assert at.chain is not None
        return replace(at, rows=4, chain=(*at.chain, f"... on {kind}"), is_other=is_other, written={}, taken=set())

    def _selections(self, kind: Any, at: At) -> str:
        """A selection set of an object."""
        parts = [self._leaf(kind, at)]
        parts += [self._selection(kind, at) for _ in range(self.one_of((0, 1, 2, 2, 3, 3, 4, 5)))]
        if self.chance(3):
            parts += [self._leaf(kind, at, "w") for _ in range(55)]
        if self.chance(40):
            parts = parts[1:] or parts
        return f"{{ {' '.join(parts)} }}"

    def _selection(self, kind: Any, at: At) -> str:
        way = self.number(0, 99)
        if self.fields > _MOST_FIELDS or way < 35:
            return self._leaf(kind, at) + self._directive()
        if way < 75:
            return self._below(kind, at)
        if way < 82:
            return f"... {self.one_of((f'on {kind.name}', ''))}{self._directive()} {self._selections(kind, at)}"
        if way < 90 and not at.is_other:
            return self._spread(kind, at)
        if way < 97 and at.written:
            head, below_kind, below = at.written[self.one_of(at.written)]
            return f"{head}{self._directive()} {self._selections(below_kind, below)}"  # merged with the first one
        return f"__typename{self._directive()}"

    def _leaf(self, kind: Any, at: At, prefix: str = "") -> str:
        self.fields += 1
        names = [name for name, each in kind.fields.items() if is_leaf_type(get_named_type(each.type))]
        name = self.one_of((*names, "__typename")) if names else "__typename"
        if prefix or at.is_other or self.chance(20):
            return f"{self.fresh(prefix or 'a')}: {name}"
        return f"{_LONG_KEY}{self.fresh('')}: {name}" if self.chance(6) else name

    def _directive(self) -> str:
        if not self.chance(10):
            return ""
        way, value = self.one_of(("include", "skip")), self.chance(50)
        return f" @{way}(if: {self.written(_BOOLEAN, value, '')[0]})"

    def _below(self, kind: Any, at: At) -> str:
        names = [name for name, each in kind.fields.items() if is_composite_type(get_named_type(each.type))]
        fits = at.depth > 0 and at.rows <= _MOST_ROWS and self.objects <= _MOST_OBJECTS
        if not names or not fits:
            return self._leaf(kind, at)
        name = self.one_of(names)
        return self._nested(kind.name, name, kind.fields[name], at)

    def _nested(self, owner: str, name: str, definition: GraphQLField, at: At) -> str:
        kind = get_named_type(definition.type)
        is_page = kind.name.endswith("Connection")
        arguments, size, refused = (
            self._paging(name, definition, at, is_root=owner == "Query")
            if is_page
            else (self._arguments(definition, kind.name), 1, False)
        )
        long = is_list_type(get_nullable_type(definition.type)) and name not in ("nodes", "edges")
        rows = at.rows * (at.size if name in ("nodes", "edges") else (30 if name == "subjects" else 5) if long else 1)
        self.objects += rows
        self.fields += 1
        below = At(at.depth - 1, rows, self._chained(at, name, arguments, is_page), size, at.is_fragment, at.is_other)
        key = self._key(name, at)
        at.taken.add(key or name)
        head = f"{key}{name}{arguments.text}"
        if not refused:
            at.written[key or name] = (head, kind, below)
        return f"{head}{self._directive()} {self._selections(kind, below)}"

    @staticmethod
    def _chained(at: At, name: str, arguments: Arguments, is_page: bool) -> tuple[str, ...] | None:
        """How a probe reaches what is below: pages through their nodes, whatever their arguments."""
        if at.chain is None or name in ("edges", "pageInfo"):
            return None
        if is_page:
            return (*at.chain, f"{name}(first: 20)")
        return (*at.chain, f"{name}{literals(arguments.effective)}")

    def _key(self, name: str, at: At) -> str:
        if at.is_fragment or at.is_other or name in at.taken or self.chance(40):
            return f"{_LONG_KEY if self.chance(8) else ''}{self.fresh('x')}: "
        return ""

    def _arguments(self, definition: GraphQLField, owner: str) -> Arguments:
        arguments = Arguments()
        for name, argument in definition.args.items():
            percent = 100 if is_non_null_type(argument.type) or name in ("id", "slug") else 15
            if self.chance(50 if name in _OFTEN else percent):
                subject = about(name, owner)
                value = self.value(argument.type, subject)
                arguments.add(name, self.written(argument.type, value, subject))
        return arguments

    def _paging(self, name: str, definition: GraphQLField, at: At, *, is_root: bool) -> tuple[Arguments, int, bool]:
        """Arguments of a connection, the most rows they ask for, and whether they are refused."""
        arguments = Arguments()
        for each, percent in (("filter", 30), ("orderBy", 40)):
            if each in definition.args and self.chance(percent):
                kind = definition.args[each].type
                arguments.add(each, self.written(kind, self.value(kind, ""), ""))
        if is_root and self.chance(2):
            arguments.texts.append(self.one_of(("first: 101", "last: 101", "first: -1", "first: 1, last: 1")))
            return arguments, 1, True
        listed = dict(arguments.effective)
        way = self.one_of(
            ("first", "", "first", "last", "after", "before", "only after")
            if at.chain is not None
            else ("first", "", "last")
        )
        most = (0, 1, 2, 3, 4, 12) if is_root else (1, 2, 0, 3, 4)
        size = 20 if way in ("", "only after") else self.one_of(most)
        if way not in ("", "only after"):
            side = "last" if way in ("last", "before") else "first"
            arguments.add(side, self._size(definition, side, size))
        if "after" in way or way == "before":
            self._cursor(name, at, listed, way.removeprefix("only "), arguments)
        return arguments, size or 1, False

    def _size(self, definition: GraphQLField, side: str, size: int) -> tuple[str, Any]:
        if not self.chance(30):
            return str(size), size
        name = self.fresh("n")
        self.definitions.append(f"${name}: {definition.args[side].type}")
        self.variables[name] = size
        self.others[name] = self.number(0, size)
        return f"${name}", size

    def _cursor(self, name: str, at: At, listed: Mapping[str, Any], side: str, arguments: Arguments) -> None:
        variable = self.fresh("c")
        self.definitions.append(f"${variable}: String")
        arguments.texts.append(f"{side}: ${variable}")
        assert at.chain is not None
        opened = [*at.chain, f"{name}{literals({**listed, 'first': 100})}"]
        probe = "{ " + " { ".join(opened) + " { edges { cursor node { id } }" + " }" * (len(opened) + 1)
        self.cursors.append(Cursor(variable, probe, self.number(0, 30)))

    def _spread(self, kind: Any, at: At) -> str:
        """A named fragment: a known one that fits, or a new one."""
        known = [
            (name, objects)
            for name, height, objects in self.fragments.get(kind.name, ())
            if height <= at.depth and objects * at.rows + self.objects <= _MOST_OBJECTS
        ]
        if known and self.chance(60):
            name, objects = self.one_of(known)
            self.objects += objects * at.rows
            return f"...{name}{self._directive()}"
        height = min(at.depth, 2)
        before, self.objects = self.objects, 0
        name = self.fresh("F")
        inside = At(height, 1, None, min(at.size, 4), is_fragment=True)
        text = self._selections(kind, inside)
        objects = self.objects
        self.objects = before + objects * at.rows
        self.texts.append(f"fragment {name} on {kind.name} {text}")
        self.fragments.setdefault(kind.name, []).append((name, height, objects))
        return f"...{name}{self._directive()}"


_BOOLEAN: Final = next(
    argument.type for each in SCHEMAS["academic"].directives if each.name == "skip" for argument in each.args.values()
)


_SELDOM: Final = ("tenants", "tenantAggregates", "publicSchool", "school", "activeSemester", "tenant")
_ROOT_FIELDS: Final = {
    subgraph: [name for name in fields for _ in range(1 if name in _SELDOM else 3)]
    + ["_entities"] * (15 if subgraph == "operations" else 3)
    for subgraph, fields in ROOTS.items()
}
"""What operations knows is, most of it, of pupils, whom academic owns."""


def documents(subgraph: str) -> st.SearchStrategy[Document]:
    """Documents over the schema of a subgraph."""

    @st.composite
    def build(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Document:
        return Writer(draw, subgraph=subgraph).document()

    return build()
