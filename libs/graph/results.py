"""What a mutation answers: its success or one of its errors, each a type that tells the client how to go on."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, dataclass_transform

import strawberry

from libs.graph.context import Info
from libs.graph.entity import bind_fields
from libs.graph.enums import described_enum
from libs.graph.fields import Relation, graph_name
from libs.kernel import Conflict as ConflictError
from libs.kernel import DomainError, FieldFault, Quota
from libs.kernel import Forbidden as ForbiddenError
from libs.kernel import InvalidInput as InvalidInputError
from libs.kernel import NotFound as NotFoundError
from libs.kernel import QuotaExceeded as QuotaExceededError

T = TypeVar("T")


@strawberry.interface(description="What went wrong, in every error of a mutation.")
class UserError:
    code: str = strawberry.field(description="For programs; never changes.")
    message: str = strawberry.field(description="For people, in their language.")


@strawberry.federation.type(shareable=True, description="One value that breaks a rule of its field.")
class FieldError:
    path: str = strawberry.field(description="Where the value stands, like input.guardians[1].nik.")
    code: str = strawberry.field(description="For programs; never changes.")
    message: str = strawberry.field(description="For people, in their language.")


@strawberry.federation.type(shareable=True, description="Values that break the rules of their fields, all at once.")
class InvalidInput(UserError):
    fields: list[FieldError] = strawberry.field(description="Every fault.")


@strawberry.federation.type(shareable=True, description="The target is absent here.")
class NotFound(UserError):
    pass


@strawberry.federation.type(shareable=True, description="The actor may not do this.")
class Forbidden(UserError):
    pass


@strawberry.federation.type(shareable=True, description="Somebody else changed it meanwhile.")
class Conflict(UserError):
    current_version: int = strawberry.field(description="Version the row has now.")


described_enum(
    Quota,
    "What a school may have so much of and no more.",
    STUDENTS="Pupils who go to the school.",
    TEACHERS="Teachers who work there.",
    STORAGE="Room for files.",
)


@strawberry.federation.type(shareable=True, description="The school would have more than its quota allows.")
class QuotaExceeded(UserError):
    quota: Quota = strawberry.field(description="What there would be too much of.")
    used: int = strawberry.field(description="How much there is: pupils, teachers, or mebibytes of storage.")
    allowed: int = strawberry.field(description="How much there may be.")


ALWAYS = (InvalidInput, NotFound, Forbidden)
ERROR_TYPES: dict[type[DomainError], type] = {
    NotFoundError: NotFound,
    ForbiddenError: Forbidden,
    ConflictError: Conflict,
    QuotaExceededError: QuotaExceeded,
}
"""Domain error -> type of the graph: the one table by which errors become union members."""


@dataclass_transform(kw_only_default=True)
def error(cause: type[DomainError]) -> Callable[[type[T]], type[T]]:
    """Declares the graph's type of a domain error; its fields take the error's data of the same names."""

    def declare(cls: type[T]) -> type[T]:
        declared = _related(cls)
        bind_fields(cls, read_before)
        description = inspect.getdoc(cls)
        made: Any = strawberry.type(type(cls.__name__, (UserError,), _body(cls)), description=description)
        made.related = declared
        ERROR_TYPES[cause] = made
        return made  # type: ignore[no-any-return]

    return declare


def _body(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}


@dataclass_transform(kw_only_default=True)
def result(cls: type[T]) -> type[T]:
    """Declares a success type; `one(...)` fields read the ids that its private fields hold."""
    declared = _related(cls)
    bind_fields(cls, read_before)
    made: Any = strawberry.type(cls, description=inspect.getdoc(cls))
    made.related = declared
    return made  # type: ignore[no-any-return]


def _related(cls: type) -> dict[str, tuple[str, Relation]]:
    """Name in the graph -> attribute that holds the id, and the relation, of each related object of a result."""
    relations = {name: value for name, value in vars(cls).items() if isinstance(value, Relation)}
    return {
        graph_name(name): (relation.local or f"{name.rstrip('_')}_id", relation) for name, relation in relations.items()
    }


def read_before(root: Any, info: Info) -> Any:
    """A related object of a result, which payloads.py has read under this response key."""
    found = root.answers[info.path.key]
    if isinstance(found, Exception):
        raise found
    return found


def field_errors(faults: Iterable[FieldFault], language: str) -> list[FieldError]:
    """Faults as the graph tells them."""
    return [FieldError(path=fault.path, code=fault.code, message=fault.message(language)) for fault in faults]


def told(cause: DomainError, language: str) -> Any:
    """A domain error as the graph tells it. Raises KeyError when no type is declared for it."""
    if isinstance(cause, InvalidInputError):
        fields = field_errors(cause.faults, language)
        return InvalidInput(code=cause.code, message=cause.message(language), fields=fields)
    return ERROR_TYPES[type(cause)](code=cause.code, message=cause.message(language), **cause.data)
