"""What a document selects: fragments unfolded, @skip and @include applied, arguments coerced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues

from libs.graph.arguments import slots

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Selected:
    """One response key of an object: the field, and what is selected of its value."""

    key: str
    name: str
    definition: GraphQLField | None  # None: __typename
    arguments: Mapping[str, Any]
    below: "Selection"


@dataclass(frozen=True, slots=True)
class Document:
    """The parts of a document that every selection in it needs; variables stand in it as slots."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues

    @classmethod
    def of(cls, info: Any) -> "Document":
        """From graphql-core's resolve info."""
        fragments: Mapping[str, FragmentDefinitionNode] = info.fragments
        return cls(
            info.schema,
            {name: FragmentDetails(node) for name, node in fragments.items()},
            info.operation,
            VariableValues({}, slots(info.variable_values)),
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection sets of all nodes under one response key, which GraphQL merges."""

    document: Document
    nodes: Sequence[FieldNode]

    @classmethod
    def of(cls, info: Any) -> "Selection":
        """What is selected of the field that is being resolved, from graphql-core's resolve info."""
        return cls(Document.of(info), info.field_nodes)

    @property
    def definition(self) -> GraphQLField:
        """The definition of a root field."""
        root = self.document.schema.get_root_type(self.document.operation.operation)
        assert root is not None
        definition: GraphQLField = root.fields[self.nodes[0].name.value]
        return definition

    def arguments(self, definition: GraphQLField) -> Mapping[str, Any]:
        """The arguments of this field, by their names in the graph, variables as slots."""
        return get_argument_values(definition, self.nodes[0], self.document.variables)

    def fields(self, type_name: str) -> Iterator[Selected]:
        """The fields selected of an object of this type, in the order of the document."""
        document = self.document
        kind = document.schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        details = [FieldDetails(node, None) for node in self.nodes]
        grouped = collect_subfields(
            document.schema, document.fragments, document.variables, document.operation, kind, details
        ).grouped_field_set
        for key, found in grouped.items():
            below = Selection(document, [each.node for each in found])
            name = below.nodes[0].name.value
            definition = None if name == TYPENAME else kind.fields[name]
            yield Selected(key, name, definition, below.arguments(definition) if definition else {}, below)
