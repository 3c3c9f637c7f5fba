"""The graph of academic: the aggregates' queries and mutations, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.academic.academic_year.graph import AcademicYearMutation, AcademicYearQuery
from subgraphs.academic.class_.graph import ClassMutation, ClassQuery
from subgraphs.academic.class_subject.graph import ClassSubject, ClassSubjectMutation
from subgraphs.academic.enrollment.graph import EnrollmentMutation
from subgraphs.academic.holiday.graph import HolidayMutation, HolidayQuery
from subgraphs.academic.schedule.graph import ScheduleMutation, ScheduleQuery
from subgraphs.academic.school.graph import SchoolQuery
from subgraphs.academic.student.graph import StudentMutation, StudentQuery, StudentSubscription
from subgraphs.academic.subject.graph import SubjectMutation, SubjectQuery
from subgraphs.academic.teacher.graph import TeacherMutation, TeacherQuery
from subgraphs.academic.upload.graph import UploadMutation


@strawberry.type
class Query(
    SchoolQuery,
    AcademicYearQuery,
    HolidayQuery,
    ClassQuery,
    StudentQuery,
    TeacherQuery,
    SubjectQuery,
    ScheduleQuery,
):
    """What can be asked."""


@strawberry.type
class Mutation(
    AcademicYearMutation,
    HolidayMutation,
    SubjectMutation,
    ClassMutation,
    TeacherMutation,
    ClassSubjectMutation,
    StudentMutation,
    EnrollmentMutation,
    ScheduleMutation,
    UploadMutation,
):
    """What can be done."""


@strawberry.type
class Subscription(StudentSubscription):
    """What is told as it happens."""


schema = subgraph_schema(query=Query, mutation=Mutation, subscription=Subscription, types=[ClassSubject])
