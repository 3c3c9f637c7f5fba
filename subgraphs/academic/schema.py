"""The graph of academic: the aggregates' queries and mutations, joined."""

import strawberry
from strawberry.types.base import get_object_definition

from libs.graph import subgraph_schema
from subgraphs.academic.academic_year.graph import AcademicYearMutation, AcademicYearQuery
from subgraphs.academic.class_.graph import AssignHomeroomTeacherSuccess, ClassMutation, ClassQuery, CreateClassSuccess
from subgraphs.academic.class_subject.graph import ClassSubject, ClassSubjectMutation
from subgraphs.academic.enrollment.graph import AlreadyEnrolled, Enrollment, EnrollmentMutation
from subgraphs.academic.schedule.graph import ScheduleConflict, ScheduleMutation, ScheduleQuery
from subgraphs.academic.school.graph import SchoolQuery
from subgraphs.academic.student.graph import StudentMutation, StudentQuery
from subgraphs.academic.subject.graph import SubjectMutation, SubjectQuery
from subgraphs.academic.teacher.graph import TeacherMutation, TeacherQuery


@strawberry.type
class Query(SchoolQuery, AcademicYearQuery, ClassQuery, StudentQuery, TeacherQuery, SubjectQuery, ScheduleQuery):
    """What can be asked."""


@strawberry.type
class Mutation(
    AcademicYearMutation,
    SubjectMutation,
    ClassMutation,
    TeacherMutation,
    ClassSubjectMutation,
    StudentMutation,
    EnrollmentMutation,
    ScheduleMutation,
):
    """What can be done."""


# Words that are Python's own carry an underscore there and none in the graph.
for _type in (
    AlreadyEnrolled,
    AssignHomeroomTeacherSuccess,
    ClassSubject,
    CreateClassSuccess,
    Enrollment,
    ScheduleConflict,
):
    for _field in get_object_definition(_type, strict=True).fields:
        if _field.python_name.endswith("_"):
            _field.graphql_name = _field.python_name.rstrip("_")

schema = subgraph_schema(query=Query, mutation=Mutation, types=[ClassSubject])
