"""Arguments as a statement sees them: their form is compiled in, their values are bound anew for every request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Date, DateTime, Uuid, bindparam
from sqlalchemy.types import TypeEngine

from libs.auth import Actor


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value stands in the variables; it takes the value's place while a statement is compiled."""

    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What one request gives to a compiled statement."""

    actor: Actor
    tenant_id: UUID
    today: date
    now: datetime
    variables: Mapping[str, Any]
    values: Mapping[str, Any]
    extras: Any = None


def slots(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """The variables with a slot for every value that a statement may bind.

    What decides about the statement's form stays: absence, nulls, booleans, enum values, lengths of lists of inputs.
    """
    if isinstance(value, dict):
        return {name: slots(each, (*path, name)) for name, each in value.items()}
    if isinstance(value, list):
        if value and not isinstance(value[0], dict | list | Enum):
            return Slot(path)
        return [slots(each, (*path, position)) for position, each in enumerate(value)]
    return value if value is None or isinstance(value, bool | Enum) else Slot(path)


def form(value: Any) -> Any:
    """The form that `slots` keeps, hashable: equal for variables that one statement serves."""
    if isinstance(value, dict):
        return tuple((name, form(each)) for name, each in value.items())
    if isinstance(value, list):
        if value and not isinstance(value[0], dict | list | Enum):
            return list
        return (list, *(form(each) for each in value))
    return value if value is None or isinstance(value, bool | Enum) else object


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """An argument with the values of this request in its slots."""
    if isinstance(value, Slot):
        found: Any = variables
        for step in value.path:
            found = found[step]
        return found
    if isinstance(value, dict):
        return {name: filled(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    return value


Getter = Callable[[Request], Any]


@dataclass(slots=True)
class Parameters:
    """The parameters of one statement: each a name in the SQL and where a request's value for it comes from."""

    getters: dict[str, Getter] = field(default_factory=dict)
    checks: list[Callable[[Request], None]] = field(default_factory=list)
    """What must hold of a request although no value in the SQL depends on it; each raises RequestRefused."""

    def add(self, kind: TypeEngine[Any], getter: Getter) -> BindParameter[Any]:
        """A parameter of a SQL type whose value `getter` takes from the request."""
        name = f"p{len(self.getters)}"
        self.getters[name] = getter
        return bindparam(name, type_=kind)

    def argument(
        self, value: Any, kind: TypeEngine[Any], check: Callable[[Any], Any] = lambda v: v
    ) -> BindParameter[Any]:
        """A parameter for an argument, slots and all. `check` may change the value or raise RequestRefused."""
        return self.add(kind, lambda request: check(filled(value, request.variables)))

    def shared(self, name: str, kind: TypeEngine[Any], getter: Getter) -> BindParameter[Any]:
        """A parameter under a name of its own, the same wherever it stands."""
        self.getters.setdefault(name, getter)
        return bindparam(name, type_=kind)

    @property
    def tenant_id(self) -> BindParameter[UUID]:
        """The school."""
        return self.shared("tenant_id", Uuid(), lambda request: request.tenant_id)

    @property
    def user_id(self) -> BindParameter[UUID]:
        """The actor's account."""
        return self.shared("user_id", Uuid(), lambda request: request.actor.user_id)

    @property
    def student_ids(self) -> BindParameter[Sequence[UUID]]:
        """The actor's own pupils."""
        return self.shared("student_ids", ARRAY(Uuid()), lambda request: list(request.actor.student_ids))

    @property
    def today(self) -> BindParameter[date]:
        """The date on the school's own clock."""
        return self.shared("today", Date(), lambda request: request.today)

    @property
    def now(self) -> BindParameter[datetime]:
        """The moment of the request."""
        return self.shared("now", DateTime(timezone=True), lambda request: request.now)
