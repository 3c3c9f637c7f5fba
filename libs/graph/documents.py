"""Documents: parsed and validated when they are first seen, then known by their text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    print_ast,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from libs.graph.depth import DepthRule

MOST_TOKENS: Final = 4_000
_MOST_DOCUMENTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class References:
    """The value of a variable of type [_Any!]! as it came: graphql-core looks at each of its keys three times."""

    listed: Sequence[Any]


class KnownDocuments(SchemaExtension):
    """One extension for what strawberry has four for: each of them costs every request, cached or not.

    Its ValidationCache besides is keyed by the document's tree, which is hashed anew each time.
    """

    def on_parse(self) -> Iterator[None]:
        """Gives the execution its document and the faults found in it."""
        context = self.execution_context
        schema: GraphQLSchema = context.schema._schema  # noqa: SLF001 - as strawberry itself does
        known = _known(schema, context.query or "")
        context.graphql_document, context.pre_execution_errors = known.document, known.faults
        for name in known.references:
            if context.variables and isinstance(given := context.variables.get(name), list):
                context.variables = {**context.variables, name: References(given)}
        yield


@dataclass(frozen=True, slots=True)
class _Known:
    document: DocumentNode
    faults: list[GraphQLError]
    references: Sequence[str]  # names of variables of type [_Any!]!


@lru_cache(maxsize=_MOST_DOCUMENTS)
def _known(schema: GraphQLSchema, text: str) -> _Known:
    """The document and its faults. Raises GraphQLSyntaxError, which is not kept."""
    document = parse(text, max_tokens=MOST_TOKENS)
    faults = validate_document(schema, document, (*specified_rules, DepthRule))
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    variables = (operations[0].variable_definitions or ()) if len(operations) == 1 else ()
    references = [each.variable.name.value for each in variables if print_ast(each.type) == "[_Any!]!"]
    return _Known(document, faults, references)
