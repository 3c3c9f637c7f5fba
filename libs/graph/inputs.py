"""What is true of every input: checked in one walk before any operation runs, all faults at once."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.field import StrawberryField

from libs.graph.scalars import EmailAddress, PhoneNumber
from libs.kernel import FieldFault

LONGEST_TEXT = 255
LONGEST_FILE = 1024 * 1024  # characters; the body limit of a request
_LONGEST_LIST = 10_000
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\.]+(\.[^\s@<>\"(),:;\[\]\\.]+)+")
_LONGEST_EMAIL = 254
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_SEPARATORS = re.compile(r"[\s().-]")
_LAYOUT = "\t\n\r"

_TEXTS = {
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must not be empty."},
    "TOO_LONG": {"id": "Terlalu panjang.", "en": "Too long."},
    "TOO_SMALL": {"id": "Terlalu kecil.", "en": "Too small."},
    "TOO_LARGE": {"id": "Terlalu besar.", "en": "Too large."},
    "FORBIDDEN_CHARACTER": {"id": "Ada karakter yang tidak diizinkan.", "en": "Holds a character that is not allowed."},
    "INVALID_EMAIL": {"id": "Alamat surel tidak benar.", "en": "Not an e-mail address."},
    "ONE_OF": {"id": "Kirim isinya atau unggahannya, jangan keduanya.", "en": "Send the text or the upload, not both."},
    "INVALID_PHONE": {"id": "Nomor telepon tidak benar.", "en": "Not a telephone number."},
}


def given(
    description: str,
    *,
    default: Any = strawberry.UNSET,
    optional: bool = False,
    name: str | None = None,
    max_length: int = LONGEST_TEXT,
    lines: bool = False,
    secret: bool = False,
    min: int | None = None,
    max: int | None = None,
) -> Any:
    """A field of an input with the rules its value must keep.

    Text is stripped, not empty and at most `max_length` characters; `lines` allows line breaks; `secret` (passwords,
    tokens) is taken as it is. Numbers lie within `min` and `max`. `default` makes the field optional;
    `optional` does so without one: what is left out is strawberry.UNSET, which a change keeps as it is.
    """
    rules = {"max_length": max_length, "lines": lines, "secret": secret, "min": min, "max": max}
    options: dict[str, Any] = {} if default is strawberry.UNSET and not optional else {"default": default}
    return strawberry.field(description=description, name=name, metadata={"rules": rules}, **options)


@strawberry.input(description="A file: its text, or the id of an upload.")
class FileInput:
    """The same in every subgraph, since composition would silently intersect two that differ."""

    text: str | None = given("The text itself.", default=None, max_length=LONGEST_FILE, lines=True)
    file_id: UUID | None = given("Identity of an upload.", default=None)


def check_input(value: Any, path: str = "input") -> list[FieldFault]:
    """Walks an input object, normalises its texts in place and returns every fault."""
    return list(_object_faults(value, path))


def checked_text(
    text: str, path: str, *, kind: Any = str, max_length: int = LONGEST_TEXT
) -> tuple[str, list[FieldFault]]:
    """A text by the rules of inputs, normalised, with its faults: for what comes from elsewhere, like an HTML form."""
    return _text(text, kind, {"max_length": max_length}, path)


def fault(path: str, code: str) -> FieldFault:
    """A fault with the standard text of its code."""
    return FieldFault(path, code, _TEXTS.get(code, {}))


def _object_faults(value: Any, path: str) -> Iterator[FieldFault]:
    if isinstance(value, FileInput) and value.text is not None and value.file_id is not None:
        yield fault(f"{path}.fileId", "ONE_OF")
    definition = {field.python_name: field for field in type(value).__strawberry_definition__.fields}
    for member in dataclass_fields(value):
        field = definition[member.name]
        inner = f"{path}.{field.graphql_name or _camel(member.name)}"
        current = getattr(value, member.name)
        if current is not None and current is not strawberry.UNSET:
            changed, faults = _checked(current, _bare_type(field), field.metadata.get("rules", {}), inner)
            setattr(value, member.name, changed)
            yield from faults


def _checked(value: Any, kind: Any, rules: dict[str, Any], path: str) -> tuple[Any, list[FieldFault]]:
    if is_dataclass(value):
        return value, list(_object_faults(value, path))
    if isinstance(value, list):
        if len(value) > _LONGEST_LIST:
            return value, [fault(path, "TOO_LONG")]
        pairs = [_checked(each, kind, rules, f"{path}[{position}]") for position, each in enumerate(value)]
        return [each for each, _ in pairs], [one for _, faults in pairs for one in faults]
    if isinstance(value, str):
        return _text(value, kind, rules, path)
    if isinstance(value, int) and not isinstance(value, bool):
        return value, _range(value, rules, path)
    return value, []


def _text(value: str, kind: Any, rules: dict[str, Any], path: str) -> tuple[str, list[FieldFault]]:
    if type(value) is not str:  # an enumeration's member
        return value, []
    text = value if rules.get("secret") else unicodedata.normalize("NFC", value).strip()
    code = _broken_rule(text, rules)
    if code is None and kind is EmailAddress and not (len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text)):
        code = "INVALID_EMAIL"
    if code is None and kind is PhoneNumber:
        number = normalised_phone(text)
        text, code = number or text, None if number else "INVALID_PHONE"
    return text, [fault(path, code)] if code else []


def _broken_rule(text: str, rules: dict[str, Any]) -> str | None:
    allowed = _LAYOUT if rules.get("lines") else ""
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in text):
        return "FORBIDDEN_CHARACTER"
    if len(text) > rules.get("max_length", LONGEST_TEXT):
        return "TOO_LONG"
    return None if text or rules.get("secret") else "REQUIRED"


def normalised_phone(text: str) -> str | None:
    """E.164 of a number as people write it (`0812-3456-7890` is Indonesian), or None."""
    number = _SEPARATORS.sub("", text)
    if number.startswith("0"):
        number = "+62" + number[1:]
    elif number.startswith("62"):
        number = "+" + number
    return number if _PHONE.fullmatch(number) else None


def _range(value: int, rules: dict[str, Any], path: str) -> list[FieldFault]:
    if rules.get("min") is not None and value < rules["min"]:
        return [fault(path, "TOO_SMALL")]
    if rules.get("max") is not None and value > rules["max"]:
        return [fault(path, "TOO_LARGE")]
    return []


def _bare_type(field: StrawberryField) -> Any:
    kind: Any = field.type
    while isinstance(kind, StrawberryOptional | StrawberryList):
        kind = kind.of_type
    return kind


def _camel(name: str) -> str:
    head, *rest = name.strip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)
