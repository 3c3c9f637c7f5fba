"""How deep a document may ask, fragments unfolded; and how deep its brackets may nest, before it is parsed."""

import re

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)

from libs.graph.errors import RequestRefused

DEEPEST_DOCUMENT = 15
_DEEPEST_NESTING = 100  # of brackets in a document or body: parsers recurse, an attacker's brackets must not
_BRACKETS = re.compile(r"[\[({]|[\])}]")


def nests_too_deeply(document: str) -> bool:
    """Whether a parser must not be given this document."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(document):
        depth += 1 if bracket in "[({" else -1
        deepest = max(deepest, depth)
    return deepest > _DEEPEST_NESTING


class DepthRule(ValidationRule):
    """Refuses operations deeper than DEEPEST_DOCUMENT; introspection aside, which is as deep as its clients write it.

    Strawberry's own limiter fails on a fragment that is not there, and measures a fragment each time it is spread: two
    spreads in each of thirty fragments would keep it busy for minutes.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._of_fragments: dict[str, int] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        """Measures one operation."""
        if self._of_set(node.selection_set) > DEEPEST_DOCUMENT:
            refused = RequestRefused("DEPTH_LIMIT", f"The operation is deeper than {DEEPEST_DOCUMENT} levels.")
            self.report_error(GraphQLError(str(refused), [node], original_error=refused))

    def _of_set(self, selections: SelectionSetNode | None) -> int:
        return max(map(self._of, selections.selections), default=0) if selections else 0

    def _of(self, node: SelectionNode) -> int:
        if isinstance(node, FieldNode):
            is_measured = node.selection_set is not None and not node.name.value.startswith("__")
            return 1 + self._of_set(node.selection_set) if is_measured else 0
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        return self._of_set(node.selection_set) if isinstance(node, InlineFragmentNode) else 0

    def _of_fragment(self, name: str) -> int:
        if name not in self._of_fragments:
            self._of_fragments[name] = 0  # within itself; that, and a fragment that is not there, other rules report
            fragment = self.context.get_fragment(name)
            self._of_fragments[name] = self._of_set(fragment.selection_set) if fragment else 0
        return self._of_fragments[name]
