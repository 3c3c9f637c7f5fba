"""The schema of a subgraph: its aggregates' types joined, scalars mapped, entities resolved in bulk."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import strawberry
from graphql import GraphQLError
from strawberry.federation.schema import FederationAny, Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from libs.graph.context import RequestContext
from libs.graph.documents import KnownDocuments, References
from libs.graph.entity import entities_of
from libs.graph.errors import RequestRefused
from libs.graph.execution import PassThrough
from libs.graph.reading import read_references
from libs.graph.roots import resolving
from libs.graph.scalars import SCALARS

MOST_REFERENCES = 10_000
# A UUID object for each of a hundred keys costs as much as the rest of the request.
_KEY: Final = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class SubgraphSchema(Schema):
    """A federation schema whose `_entities` reads all keys of one type with one statement."""

    async def entities_resolver(  # type: ignore[override]
        self, info: strawberry.Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        """Answers in order: the entity, None for what is absent or not visible, or the error of its type."""
        given: Sequence[Any] = representations
        if given and isinstance(given[0], References):
            given = given[0].listed
        if len(given) > MOST_REFERENCES:
            raise RequestRefused("COST_LIMIT", f"At most {MOST_REFERENCES} references in one request.")
        wanted: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for position, representation in enumerate(given):
            type_name, key = _reference(representation)
            wanted[type_name][position] = key
        context: RequestContext = info.context
        for type_name in wanted:
            declared = entities_of(context.subgraph).get(type_name)
            if declared is None or not declared.keyed:
                raise RequestRefused("BAD_REQUEST", f"{type_name[:80]} is no entity here.")
        return await read_references(resolving(info), wanted, len(given))  # type: ignore[return-value]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing here: app.py logs and masks what leaves (errors.formatted)."""


def _reference(representation: Any) -> tuple[str, str]:
    try:
        type_name, key = representation["__typename"], representation["id"]
        if isinstance(type_name, str) and _KEY.fullmatch(key):
            return type_name, key
    except (KeyError, TypeError):
        pass
    raise RequestRefused("BAD_REQUEST", "A reference is {__typename, id}.", path="representations")


def subgraph_schema(
    query: type, *, mutation: type | None = None, subscription: type | None = None, types: Iterable[type] = ()
) -> SubgraphSchema:
    """The schema of one subgraph. `types`: entities that no field of the graph reaches."""
    return SubgraphSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        execution_context_class=PassThrough,
        federation_version="2.9",
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[KnownDocuments],
    )
