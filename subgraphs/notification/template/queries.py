"""Which template serves an event in a language, and the text it makes. Compiled once per process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from subgraphs.notification.template.rules import (
    DETAILS,
    LANGUAGES,
    EventType,
    TemplateRefused,
    check_details,
    check_variables,
    language_of,
    long_date,
    long_moment,
    rupiah,
)

_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"day": long_date, "moment": long_moment, "rupiah": rupiah}


@dataclass(frozen=True, slots=True)
class MessageText:
    """What is stored of a message: one line of subject, and paragraphs separated by an empty line."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What the layout of a mail is given. `name` is the recipient's, `action_url` may be absent.

    `details` are what the template declares beyond the stored text; they follow its first paragraph.
    """

    event_type: EventType
    language: str
    subject: str
    body: str
    name: str
    school: str | None
    action_url: str | None
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LetterParts:
    """The two parts of a mail."""

    text: str
    html: str


def compose(event_type: EventType, language: str, variables: Mapping[str, Any]) -> MessageText:
    """The text of a message. Raises TemplateRefused when variables are missing or too many."""
    check_variables(event_type, variables)
    return MessageText(
        subject=" ".join(_block(event_type, language, "subject", variables).split()),
        body=_block(event_type, language, "message", variables).strip(),
    )


def compose_all(event_type: EventType, variables: Mapping[str, Any]) -> dict[str, MessageText]:
    """The text of a message in each language, for recipients of whom PostgreSQL knows which one they read."""
    return {language: compose(event_type, language, variables) for language in sorted(LANGUAGES)}


def lay_out(letter: Letter) -> LetterParts:
    """The mail around a message, as text and as HTML. Raises TemplateRefused."""
    language = language_of(letter.language)
    first, *others = letter.body.split("\n\n")
    given = {
        "language": language,
        "title": letter.subject,
        "name": letter.name,
        "school": letter.school,
        "message": [first, *_details(letter, language), *others],
        "action_url": letter.action_url,
        "action_text": _action_text(letter.event_type, language) if letter.action_url else None,
    }
    try:
        return LetterParts(
            text=_ENVIRONMENT.get_template("mail.txt").render(given),
            html=_ENVIRONMENT.get_template("mail.html").render(given),
        )
    except TemplateError as error:
        raise TemplateRefused(f"{letter.event_type}: {type(error).__name__}") from error


def _details(letter: Letter, language: str) -> list[str]:
    check_details(letter.event_type, letter.details)
    if letter.event_type not in DETAILS:
        return []
    said = _block(letter.event_type, language, "details", letter.details)
    return [" ".join(paragraph.split()) for paragraph in said.split("\n\n") if paragraph.strip()]


@cache
def _action_text(event_type: EventType, language: str) -> str:
    return _block(event_type, language, "action", {}).strip()


def _block(event_type: EventType, language: str, name: str, variables: Mapping[str, Any]) -> str:
    try:
        template = _ENVIRONMENT.get_template(f"{event_type}.{language_of(language)}.txt")
        return "".join(template.blocks[name](template.new_context(dict(variables))))
    except TemplateError as error:
        raise TemplateRefused(f"{event_type}: {type(error).__name__}") from error
