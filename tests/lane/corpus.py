"""The corpus: documents as clients write them, over one subgraph's part of the graph or over all of it, and who sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, Final

from graphql import GraphQLSchema, build_schema

from libs.auth import Actor
from tests.reads.documents import At, Cursor, Writer
from tests.reads.people import ASKING, person
from tests.reads.roots import ROOTS
from tests.reads.world import SCHOOLS
from tests.router.conftest import ROOT

WHOLE: Final = "graph"
"""In place of a subgraph's name: fields of all of them, in one document."""
_ROOT_FIELDS: Final = {**ROOTS, WHOLE: [name for fields in ROOTS.values() for name in fields]}
_MOST_ALIASES = 30
_MOST_DIRECTIVES = 20
_SECOND = "query Second { __typename }"
VISITOR: Final = "visitor"
_WHO = (*ASKING, *((school, name) for name in (VISITOR, "dashboard") for school in SCHOOLS))
LANGUAGES: Final = ("en", "id")
ACCEPTED: Final = ("application/json", "application/graphql-response+json, application/json;q=0.9", "*/*")
CODINGS: Final = ("identity", "gzip")


@cache
def graph_schema() -> GraphQLSchema:
    """The graph as clients see it; what composition adds stands in no path from Query."""
    text = (ROOT / "schema" / "supergraph.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


@dataclass(frozen=True)
class Question:
    """An operation, who sends it, and how."""

    text: str
    variables: Mapping[str, Any]
    operation: str | None
    cursors: tuple[Cursor, ...]
    who: tuple[str, str]
    headers: Mapping[str, str]
    by_hash: bool


def sender(school: str, name: str) -> Actor | None:
    """One of those who ask; the holder of `graph:adhoc` is a principal otherwise."""
    if name == VISITOR:
        return None
    if name == "dashboard":
        principal = person(school, "principal")
        return replace(principal, permissions=principal.permissions | {"graph:adhoc"})
    return person(school, name)


@dataclass
class ClientWriter(Writer):
    """Writes one document for the router: without references to entities, and within its limits but for a few."""

    source: Random = field(default_factory=Random)
    aliases: int = 0
    directives: int = 0

    def number(self, least: int, most: int) -> int:
        return self.source.randint(least, most)

    @property
    def schema(self) -> GraphQLSchema:
        return graph_schema()

    def _root(self, query: Any, at: At) -> str:
        name = self.one_of(_ROOT_FIELDS[self.subgraph])
        return self._nested(query.name, name, query.fields[name], at)

    def _key(self, name: str, at: At) -> str:
        key = super()._key(name, at)
        self.aliases += bool(key)
        return key

    def _leaf(self, kind: Any, at: At, prefix: str = "") -> str:
        if self.aliases >= _MOST_ALIASES - 5 and not self.chance(2):
            return "__typename"
        leaf = super()._leaf(kind, at, prefix)
        self.aliases += ":" in leaf
        return leaf

    def _below(self, kind: Any, at: At) -> str:
        return "__typename" if self.aliases >= _MOST_ALIASES - 5 else super()._below(kind, at)

    def _directive(self) -> str:
        told = super()._directive() if self.directives < _MOST_DIRECTIVES - 5 else ""
        self.directives += bool(told)
        return told

    def question(self) -> Question:
        """The document with one of its sets of variables; sometimes among other operations, sometimes by its hash."""
        document = self.document()
        is_one_of_two = self.chance(15)
        return Question(
            f"{document.text}\n{_SECOND}" if is_one_of_two else document.text,
            self.one_of((document.variables, document.others)),
            document.text.split()[1].partition("(")[0] if is_one_of_two else None,
            document.cursors,
            self.one_of(_WHO),
            {
                "accept-language": self.one_of(LANGUAGES),
                "accept": self.one_of(ACCEPTED),
                "accept-encoding": self.one_of(CODINGS),
            },
            self.chance(20),
        )


def question(subgraph: str, number: int) -> Question:
    """The question of that number about what a subgraph owns, or about all of the graph: always the same.

    Drawn from a plain generator: hypothesis watches the state of `random`, which the subgraphs' thread uses.
    """
    return ClientWriter(lambda _: None, subgraph=subgraph, source=Random(f"{subgraph}/{number}")).question()
