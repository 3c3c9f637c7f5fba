"""Top-level errors: what stops a request or a field, told with a code for programs and nothing else."""

import re
from typing import Any

import psycopg
from graphql import GraphQLError
from sqlalchemy.exc import DBAPIError

from libs.auth import AuthError
from libs.files import StorageUnavailable
from libs.kernel import DomainError
from libs.telemetry import correlation_id, get_logger

log = get_logger(__name__)

# As graphql-core writes it; a test holds the two together.
_VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)'(?: has invalid value(?: at (?P<inner>(?:\.\w+|\[\d+\])+):)?)?")
_QUERY_CANCELED = "57014"


class RequestRefused(Exception):
    """A request, or a field of it, is refused. `code` is one of graph.md's top-level codes."""

    def __init__(self, code: str, message: str, **extensions: Any) -> None:
        super().__init__(message)
        self.code = code
        self.extensions = extensions


def formatted(error: GraphQLError, language: str) -> dict[str, Any]:
    """One error of a result as it may leave the house: no stack, SQL, host or value of a person in it."""
    answer: dict[str, Any] = {"message": error.message}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path:
        answer["path"] = list(error.path)
    cause = root_cause(error)
    answer["message"], answer["extensions"] = _told(error.message, cause, language)
    return answer


def root_cause(error: BaseException) -> BaseException | None:
    """The exception under a GraphQLError, or None when graphql-core itself made it."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _told(message: str, cause: BaseException | None, language: str) -> tuple[str, dict[str, Any]]:
    if cause is None or message.startswith(("Variable '$", "Argument ", "Expected ")):
        return _malformed(message)
    if isinstance(cause, RequestRefused | AuthError):
        return str(cause), {"code": cause.code, **getattr(cause, "extensions", {})}
    if isinstance(cause, DomainError):
        return cause.message(language), {"code": cause.code}
    return failure_told(cause)


def failure_told(cause: BaseException) -> tuple[str, dict[str, Any]]:
    """Message and extensions of what is not the client's doing: its kind and a correlation id alone."""
    if is_timeout(cause):
        return "The query took too long; ask for less or page.", {"code": "QUERY_TIMEOUT"}
    if is_outage(cause) or isinstance(cause, StorageUnavailable):
        log.warning("unavailable", error=type(cause).__name__)
        return "The service is unavailable; try again.", {"code": "UNAVAILABLE", "correlationId": correlation_id()}
    log.error("unhandled error", exc_info=cause)
    return "Something went wrong on our side.", {"code": "INTERNAL", "correlationId": correlation_id()}


def _malformed(message: str) -> tuple[str, dict[str, Any]]:
    extensions: dict[str, Any] = {"code": "BAD_REQUEST"}
    if found := _VARIABLE.match(message):
        extensions["path"] = found["name"] + (found["inner"] or "")
    return message, extensions


def is_outage(error: BaseException | None) -> bool:
    """Whether PostgreSQL could not be reached or went away, as opposed to having refused something."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or (isinstance(_by_driver(error), psycopg.OperationalError) and not is_timeout(error))


def is_timeout(error: BaseException | None) -> bool:
    """Whether a statement was cancelled because it took too long."""
    return getattr(_by_driver(error), "sqlstate", None) == _QUERY_CANCELED


def _by_driver(error: BaseException | None) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error
