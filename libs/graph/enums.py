"""Enumerations of the rules as enumerations of the graph."""

from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=StrEnum)


def described_enum(values: type[E], description: str, **descriptions: str) -> type[E]:
    """Registers a StrEnum with the graph; every member must be described. Returns it.

    Raises ValueError that names the members without a description.
    """
    missing = [member.name for member in values if member.name not in descriptions]
    if missing:
        raise ValueError(f"{values.__name__}: describe {', '.join(missing)}")
    strawberry.enum(values, description=description)
    definition: StrawberryEnumDefinition = values.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = descriptions[value.name]
    return values
