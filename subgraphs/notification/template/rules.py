"""What notifies, and what each message's template is given."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

DEFAULT_LANGUAGE: Final = "id"
LANGUAGES: Final = frozenset({"id", "en"})


class EventType(StrEnum):
    """What a person is told of."""

    USER_CREATED = "user.created"
    USER_ACTIVATED = "user.activated"


VARIABLES: Final[Mapping[EventType, frozenset[str]]] = {
    EventType.USER_CREATED: frozenset({"days"}),
    EventType.USER_ACTIVATED: frozenset(),
}
"""The variables each template may use. Nothing of a person is among them: the text is stored as it is."""


class TemplateRefused(Exception):
    """A template cannot be rendered with what it was given. Trying again would change nothing."""


def language_of(wanted: str) -> str:
    """The language a person is written in: theirs where there are templates for it, else Indonesian."""
    return wanted if wanted in LANGUAGES else DEFAULT_LANGUAGE


def check_variables(event_type: EventType, given: Mapping[str, object]) -> None:
    """Raises TemplateRefused unless exactly the declared variables are given."""
    if given.keys() != VARIABLES[event_type]:
        raise TemplateRefused(f"{event_type}: variables differ from {sorted(VARIABLES[event_type])}")
