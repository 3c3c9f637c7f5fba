"""Between an event and its JSON: people's data is sealed on the way out and unsealed on the way in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeVar, get_args, get_type_hints
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from libs.crypto import KeyRing, seal, unseal
from libs.events.contracts import Event, PersonalPart

E = TypeVar("E", bound=Event)

_SEALED = ("personal", "secret")


def seal_event(key_ring: KeyRing, tenant_id: UUID, event: Event) -> bytes:
    """The event's data as JSON without a readable trace of a person."""
    return orjson.dumps(_sealed(key_ring, tenant_id, event), option=orjson.OPT_UTC_Z)


def unseal_event(key_ring: KeyRing, tenant_id: UUID, contract: type[E], data: Mapping[str, Any]) -> E:
    """The event that was sealed.

    Raises pydantic.ValidationError when the data does not fit the contract, Undecipherable when it does not open.
    """
    event: E = shape_of(contract).adapter.validate_python(_unsealed(key_ring, tenant_id, contract, data))
    return event


@dataclass(frozen=True, slots=True)
class Shape:
    """What is worked out once per contract: its validator, its plain fields, those with parts on further people."""

    adapter: TypeAdapter[Any]
    plain: tuple[str, ...]
    nested: dict[str, type[PersonalPart]]


_shapes: dict[type[PersonalPart], Shape] = {}


def shape_of(contract: type[PersonalPart]) -> Shape:
    """The shape of a contract or of a part of one."""
    if contract not in _shapes:
        nested = {
            name: kind
            for name, hint in get_type_hints(contract).items()
            for kind in (hint, *get_args(hint))
            if isinstance(kind, type) and issubclass(kind, PersonalPart)
        }
        plain = tuple(f.name for f in fields(contract) if f.name not in _SEALED and f.name not in nested)
        _shapes[contract] = Shape(TypeAdapter(contract), plain, nested)
    return _shapes[contract]


def _sealed(key_ring: KeyRing, tenant_id: UUID, part: PersonalPart) -> dict[str, Any]:
    shape = shape_of(type(part))
    data = {name: getattr(part, name) for name in shape.plain}
    for name in shape.nested:
        data[name] = _each(getattr(part, name), lambda inner: _sealed(key_ring, tenant_id, inner))
    for name in _SEALED:
        if values := getattr(part, name):
            assert part.person_id is not None  # the part refused such values when it was made
            data[name] = seal(key_ring, tenant_id=tenant_id, subject_id=part.person_id, values=values)
    return data


def _unsealed(
    key_ring: KeyRing, tenant_id: UUID, contract: type[PersonalPart], data: Mapping[str, Any]
) -> dict[str, Any]:
    plain = dict(data)
    for name, kind in shape_of(contract).nested.items():
        if name in data:
            plain[name] = _each(data[name], partial(_unsealed, key_ring, tenant_id, kind))
    for name in _SEALED:
        if name in data and contract.person is not None:
            subject = UUID(data[contract.person])
            plain[name] = unseal(key_ring, data[name], tenant_id=tenant_id, subject_id=subject)
    return plain


def _each(value: Any, change: Callable[[Any], dict[str, Any]]) -> Any:
    """A part, each of several, or none where there may be none."""
    if value is None or isinstance(value, PersonalPart | Mapping):
        return None if value is None else change(value)
    return [change(inner) for inner in value]
