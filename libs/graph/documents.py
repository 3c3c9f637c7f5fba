"""Documents: parsed and validated when they are first seen, then known by their text."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from libs.graph.depth import DepthRule

MOST_TOKENS: Final = 4_000
_MOST_DOCUMENTS: Final = 1_000


class KnownDocuments(SchemaExtension):
    """One extension for what strawberry has four for: each of them costs every request, cached or not.

    Its ValidationCache besides is keyed by the document's tree, which is hashed anew each time.
    """

    def on_parse(self) -> Iterator[None]:
        """Gives the execution its document and the faults found in it."""
        context = self.execution_context
        schema: GraphQLSchema = context.schema._schema  # noqa: SLF001 - as strawberry itself does
        context.graphql_document, context.pre_execution_errors = _known(schema, context.query or "")
        yield


@lru_cache(maxsize=_MOST_DOCUMENTS)
def _known(schema: GraphQLSchema, text: str) -> tuple[DocumentNode, list[GraphQLError]]:
    """The document and its faults. Raises GraphQLSyntaxError, which is not kept."""
    document = parse(text, max_tokens=MOST_TOKENS)
    return document, validate_document(schema, document, (*specified_rules, DepthRule))
