"""Whether two answers to one document are the same, as far as GraphQL says what the answer is."""

import base64
import math
from collections import Counter
from typing import Any

import orjson

from libs.testing import GraphAnswer
from tests.reads.reference import Told
from tests.reads.rowwise import CURSOR

Path = tuple[str | int, ...]
Errors = list[tuple[Path, str]]
_SIGNED = "?expires="
"""What follows it in an address belongs to the moment of asking."""
_REFUSALS = {"FORBIDDEN", "BAD_REQUEST", "PAGE_TOO_LARGE"}


def difference(answer: GraphAnswer, told: Told) -> str | None:
    """The first place where the engine's answer differs from the reference's, in words; None when there is none."""
    found = _of_values(answer.data, told.data, ())
    if found is not None:
        return found
    errors = [(tuple(each.get("path", ())), each["extensions"]["code"]) for each in answer.errors]
    return _of_errors(errors, told.errors, told.data)


def _of_values(ours: Any, theirs: Any, path: Path) -> str | None:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(ours) != list(theirs):
            return f"{path}: keys {list(ours)}, expected {list(theirs)}"
        return _first(_of_values(ours[key], theirs[key], (*path, key)) for key in theirs)
    if isinstance(theirs, list) and isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{path}: {len(ours)} items, expected {len(theirs)}"
        return _first(_of_values(*pair, (*path, at)) for at, pair in enumerate(zip(ours, theirs, strict=True)))
    if isinstance(theirs, str) and theirs.startswith(CURSOR) and isinstance(ours, str):
        return None if _row_of(ours) == theirs.removeprefix(CURSOR) else f"{path}: the cursor of another row"
    return None if _is_same(ours, theirs) else f"{path}: {ours!r}, expected {theirs!r}"


def _is_same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, float) and type(ours) in (int, float):  # an average, cut at some digit
        return math.isclose(ours, theirs, rel_tol=1e-12)
    if isinstance(theirs, str) and isinstance(ours, str) and _SIGNED in theirs:
        return ours.partition(_SIGNED)[:2] == theirs.partition(_SIGNED)[:2]
    return type(ours) is type(theirs) and bool(ours == theirs)


def _first(found: Any) -> str | None:
    return next((each for each in found if each is not None), None)


def _row_of(cursor: str) -> str:
    """The id that a cursor of the engine ends with; what is before it are the values of the order."""
    return orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[-1]


def _of_errors(ours: Errors, theirs: Errors, data: Any) -> str | None:
    """Errors at places that are there must be the same; of those below a place that became null one may stand for all."""
    (here, below), (wanted, wanted_below) = _sorted_out(ours, data), _sorted_out(theirs, data)
    if here != wanted:
        return f"errors {dict(here - wanted)} too many, {dict(wanted - here)} missing"
    if below.keys() != wanted_below.keys():
        return f"errors below nulls {below}, expected {wanted_below}"
    strange = {place: codes for place, codes in below.items() if not _may_stand_for(codes, wanted_below[place], place)}
    return f"errors below nulls {strange}, expected {wanted_below}" if strange else None


def _may_stand_for(codes: set[str], all_codes: set[str], place: Path) -> bool:
    """Whether some of the errors below a null were told; root fields run at once, so that any of them may be first."""
    return bool(codes & all_codes) or (place == () and codes <= _REFUSALS)


def _sorted_out(errors: Errors, data: Any) -> tuple[Counter[tuple[Path, str]], dict[Path, set[str]]]:
    standing: Counter[tuple[Path, str]] = Counter()
    below: dict[Path, set[str]] = {}
    for path, code in errors:
        null = _null_above(path, data)
        if null is None:
            standing[path, code] += 1
        else:
            below.setdefault(null, set()).add(code)
    return standing, below


def _null_above(path: Path, data: Any) -> Path | None:
    """The place above that became null, where one did."""
    value = data
    for at, step in enumerate(path):
        if value is None:
            return path[:at]
        value = value[step]
    return None
