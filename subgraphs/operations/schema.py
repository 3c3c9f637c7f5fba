"""The graph of operations: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.operations.grading.graph import GradingMutation, GradingQuery
from subgraphs.operations.roster.graph import ClassSubject, Student, Subject


@strawberry.type
class Query(GradingQuery):
    """What can be asked."""


@strawberry.type
class Mutation(GradingMutation):
    """What can be done."""


schema = subgraph_schema(query=Query, mutation=Mutation, types=[Student, ClassSubject, Subject])
