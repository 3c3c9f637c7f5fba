"""The graph of notification: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.notification.notification.graph import NotificationQuery, SchoolOverview, Student, User


@strawberry.type(description="Reads.")
class Query(NotificationQuery):
    """Joined from the aggregates."""


schema = subgraph_schema(Query, types=[SchoolOverview, Student, User])
