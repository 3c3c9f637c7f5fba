"""The graph of operations: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.operations.attendance.graph import (
    AttendanceMutation,
    AttendanceQuery,
    AttendanceSubscription,
    SchoolOverview,
)
from subgraphs.operations.grading.graph import GradingMutation, GradingQuery
from subgraphs.operations.report_card.graph import ReportCardMutation, ReportCardQuery
from subgraphs.operations.roster.graph import ClassSubject, Student, Subject
from subgraphs.operations.upload.graph import UploadMutation


@strawberry.type
class Query(AttendanceQuery, GradingQuery, ReportCardQuery):
    """What can be asked."""


@strawberry.type
class Mutation(AttendanceMutation, GradingMutation, ReportCardMutation, UploadMutation):
    """What can be done."""


@strawberry.type
class Subscription(AttendanceSubscription):
    """What is told as it happens."""


schema = subgraph_schema(
    query=Query, mutation=Mutation, subscription=Subscription, types=[Student, ClassSubject, Subject, SchoolOverview]
)
