"""The graph of operations: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field(description="To be replaced by the first aggregate.")
    def operations_scaffold(self) -> bool:
        """Nothing yet."""
        return True


schema = subgraph_schema(query=Query)
