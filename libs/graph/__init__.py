"""The graph of a subgraph: declarations and how they are read, mutations and their results, the application."""

from libs.graph.aggregates import Aggregates
from libs.graph.app import Subgraph, client_address, language_of, subgraph_app
from libs.graph.context import Call, Info, ReadContext, RequestContext
from libs.graph.entity import entity
from libs.graph.enums import described_enum
from libs.graph.errors import RequestRefused
from libs.graph.fields import (
    aggregates,
    column,
    computed,
    connection,
    count,
    derived,
    figure,
    given_out,
    many,
    one,
    stub,
)
from libs.graph.filters import Condition, compared, compared_any, comparison, starting_with
from libs.graph.inputs import FileInput, checked_text, fault, given
from libs.graph.jobs import Job, JobProgress, JobStatus, find_job, follow_job
from libs.graph.mutations import Access, mutation
from libs.graph.paging import Connection, PageInfo
from libs.graph.results import (
    ERROR_TYPES,
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    UserError,
    error,
    result,
)
from libs.graph.roots import find_all, find_each, find_one, root_aggregates, root_connection
from libs.graph.scalars import EmailAddress, PhoneNumber, Rupiah, Score
from libs.graph.schema import SubgraphSchema, subgraph_schema
from libs.graph.uploads import UploadInput, UploadSuccess, reading_file, request_upload, take_file

__all__ = [
    "ERROR_TYPES",
    "Access",
    "Aggregates",
    "Call",
    "Condition",
    "Conflict",
    "Connection",
    "EmailAddress",
    "FieldError",
    "FileInput",
    "Forbidden",
    "Info",
    "InvalidInput",
    "Job",
    "JobProgress",
    "JobStatus",
    "NotFound",
    "PageInfo",
    "PhoneNumber",
    "QuotaExceeded",
    "ReadContext",
    "RequestContext",
    "RequestRefused",
    "Rupiah",
    "Score",
    "Subgraph",
    "SubgraphSchema",
    "UploadInput",
    "UploadSuccess",
    "UserError",
    "aggregates",
    "checked_text",
    "client_address",
    "column",
    "compared",
    "compared_any",
    "comparison",
    "computed",
    "connection",
    "count",
    "derived",
    "described_enum",
    "entity",
    "error",
    "fault",
    "figure",
    "find_all",
    "find_each",
    "find_job",
    "find_one",
    "follow_job",
    "given",
    "given_out",
    "language_of",
    "many",
    "mutation",
    "one",
    "reading_file",
    "request_upload",
    "result",
    "root_aggregates",
    "root_connection",
    "starting_with",
    "stub",
    "subgraph_app",
    "subgraph_schema",
    "take_file",
]
