"""The graph of admission: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.admission.application.graph import ApplicationMutation, ApplicationQuery, SchoolOverview
from subgraphs.admission.period.graph import PeriodMutation, PeriodQuery


@strawberry.type
class Query(PeriodQuery, ApplicationQuery):
    """What can be asked."""


@strawberry.type
class Mutation(PeriodMutation, ApplicationMutation):
    """What can be done."""


schema = subgraph_schema(query=Query, mutation=Mutation, types=[SchoolOverview])
