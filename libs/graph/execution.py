"""Execution that passes on what PostgreSQL has completed, without looking inside."""

from typing import Any

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from libs.graph.reading import Answer


class PassThrough(StrawberryGraphQLCoreExecutionContext):
    """Lists and objects that are an Answer are complete; the errors inside it join the others.

    `complete_value` itself stays as it is: every scalar goes through it, and a check there would cost each a third.
    """

    def complete_list_value(self, *arguments: Any) -> Any:
        """A list field."""
        return self._passed(arguments[4]) if type(arguments[4]) is Answer else super().complete_list_value(*arguments)

    def complete_object_value(self, *arguments: Any) -> Any:
        """A field of an object type."""
        if type(arguments[4]) is Answer:
            return self._passed(arguments[4])
        return super().complete_object_value(*arguments)

    def _passed(self, answer: Answer) -> Any:
        # Not `add`, which drops an error below a position that has one: these are already what may stand side by side.
        self.collected_errors.errors.extend(answer.errors)
        return answer.value
