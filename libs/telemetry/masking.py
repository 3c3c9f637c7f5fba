"""What may stand in a log line: names from a list, and values with nothing of a person or a secret in them."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

REMOVED = "[removed]"
MAX_TEXT = 2_000
"""Longest text in a line, characters: bounds both the line and the work of the patterns."""

_EVERY_LINE = "event level logger timestamp process service version trace_id request_id correlation_id"
_REQUEST = "method path status ms operation code field permission tier bytes"
_WHOSE = "tenant_id user_id actor_id session_id student_id"
_DATA = "schema table constraint subgraph domain aggregate event_id event_type subject sequence stream consumer"
_WORK = "job job_id kind schedule attempt attempts delivery channel template migration revision"
_COUNTS = "count total done created updated unchanged failed pending rows seconds lag limit size"
_STATE = "check state signal reason error exception stack port pid folder key_version"

SAFE_FIELDS = frozenset(f"{_EVERY_LINE} {_REQUEST} {_WHOSE} {_DATA} {_WORK} {_COUNTS} {_STATE}".split())
"""Names whose values are logged, masked; the value of any other name is removed."""

_SMALLEST_NIK = 10**15  # sixteen digits
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_HARMLESS = re.compile(rf"[A-Za-z_./-]{{0,39}}|{_UUID}|\d{{4}}-\d\d-\d\dT[\d:.]{{8,15}}Z")
"""Most values of a line: one word, an id, a moment. None of the patterns matches any of these."""
_KEYWORD = r"(?:password|passwd|passphrase|secret|token|otp|pepper|authorization|cookie|api[_-]?key|private[_-]?key)"
_WORD = r"[A-Za-z0-9_-]"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 [secret]"),
    (re.compile(r"://[^/\s@]+@"), "://[secret]@"),
    (re.compile(rf"(?i)({_KEYWORD}\w*[\"']?\s*[=:]\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&)}}\]]+)"), r"\1[secret]"),
    (re.compile(rf"(?i)({_KEYWORD}\s+(?:is\s+)?)(?=[^\s]*[\d!#$%&*?@^])[^\s]+"), r"\1[secret]"),
    (re.compile(rf"eyJ{_WORD}+\.{_WORD}*(?:\.{_WORD}*)*"), "[token]"),
    (re.compile(r"[^\s@<>\"'(),:;=\[\]]+@[^\s@<>\"'(),:;=\[\]]+\.\w+"), "[email]"),
    # opaque tokens: base64url and hex with a digit, long mixed-case runs without one, padded base64
    (
        re.compile(
            rf"(?<!{_WORD})(?!{_UUID}(?!{_WORD}))"
            rf"(?:(?={_WORD}*\d)(?={_WORD}*[A-Za-z]){_WORD}{{24,}}|(?={_WORD}*[a-z])(?={_WORD}*[A-Z]){_WORD}{{40,}})"
        ),
        "[token]",
    ),
    (re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{22,}={1,2}"), "[token]"),
    # NIK, phone and account numbers, plain or grouped; not a group of an id
    (re.compile(r"(?<![\w-])\d{4,6}(?:[ .-]\d{4,6}){2,3}(?![\w-])"), "[number]"),
    (re.compile(r"(?<![\w-])(?:\+?62|0)[ -]?8\d{1,3}(?:[ -]?\d{3,4}){2,3}(?![\w-])"), "[phone]"),
    (re.compile(r"\+\d{8,15}(?!\w)"), "[phone]"),
    (re.compile(r"(?<![\w-])\d{10,}(?!\w)|(?<!\w)\d{16}(?!\w)"), "[number]"),
)

_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.]*")


def mask(text: str) -> str:
    """The text with everything masked that looks like a person's data or a secret; at most MAX_TEXT characters."""
    if _HARMLESS.fullmatch(text):
        return text
    cut = text[:MAX_TEXT]
    if not cut.isascii():
        cut = cut.encode("utf-8", "replace").decode("utf-8")  # lone surrogates have no JSON form
    for pattern, replacement in _PATTERNS:
        cut = pattern.sub(replacement, cut)
    return cut if len(text) <= MAX_TEXT else cut + "…"


def mask_error(error: BaseException) -> str:
    """Type and first line of an error, masked.

    Later lines are left out (PostgreSQL's DETAIL and SQLAlchemy's parameters hold the row), and so is what is quoted
    unless it reads as a name of ours, a constraint's for instance.
    """
    lines = str(error).splitlines()
    text = _QUOTED.sub(
        lambda m: m[0] if _IDENTIFIER.fullmatch(m[1] or m[2] or "") else '"[value]"', mask(lines[0]) if lines else ""
    )
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def safe_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a line: values of unknown names removed, all others masked to any depth."""
    return {
        name if name in SAFE_FIELDS else mask(str(name)): _safe(name, value) if name in SAFE_FIELDS else REMOVED
        for name, value in fields.items()
    }


def _safe(name: str, value: Any) -> Any:
    match value:
        case None | bool() | float() | UUID() | date() | time():
            return value
        case int():
            return value if abs(value) < _SMALLEST_NIK else "[number]"
        case Mapping():
            return safe_fields(value)
        case list() | tuple() | set() | frozenset():
            return [_safe(name, one) for one in value]
        case BaseException():
            return mask_error(value)
    text = str(value)
    return text if name == "trace_id" and _TRACE_ID.fullmatch(text) else mask(text)
