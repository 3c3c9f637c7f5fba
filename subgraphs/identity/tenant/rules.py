"""What a school must be to stand in the register."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from libs.kernel import FieldFault


class SchoolLevel(StrEnum):
    """The four kinds of school."""

    SD = "SD"
    SMP = "SMP"
    SMA = "SMA"
    SMK = "SMK"


class Ownership(StrEnum):
    """Who runs a school: the state or a foundation."""

    NEGERI = "NEGERI"
    SWASTA = "SWASTA"


class TenantStatus(StrEnum):
    """Whether a school may be worked in."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Feature(StrEnum):
    """What can be switched off for a school."""

    ATTENDANCE = "ATTENDANCE"
    GRADING = "GRADING"
    FINANCE = "FINANCE"
    ADMISSION = "ADMISSION"


class RegistrationRole(StrEnum):
    """What somebody becomes who registers without an invitation; the role is called so in small letters."""

    PARENT = "PARENT"
    STUDENT = "STUDENT"


PLATFORM_SLUG: Final = "platform"
TIMEZONES: Final = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NPSN = re.compile(r"[0-9A-Z]{8}")
_REGION = re.compile(r"[0-9]{6,7}")
_LONGEST_NAME = 200  # characters

# The first two digits of a region code are the province. Western time: Sumatra, Java, West and Central Kalimantan.
# Central: Bali, Nusa Tenggara, the rest of Kalimantan, Sulawesi. Eastern: Maluku and Papua (new codes since 2022).
_WESTERN = (*range(11, 20), 21, *range(31, 37), 61, 62)
_CENTRAL = (51, 52, 53, 63, 64, 65, *range(71, 77))
_EASTERN = (81, 82, *range(91, 98))
_ZONES: Final = {
    str(province): zone
    for zone, provinces in zip(TIMEZONES, (_WESTERN, _CENTRAL, _EASTERN), strict=True)
    for province in provinces
}

TEXTS: Final = {
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must be given."},
    "TOO_LONG": {"id": "Terlalu panjang.", "en": "Too long."},
    "NPSN": {"id": "NPSN terdiri dari 8 angka atau huruf besar.", "en": "An NPSN has 8 digits or capital letters."},
    "SLUG": {
        "id": "Hanya huruf kecil, angka dan tanda hubung, paling banyak 63; bukan 'platform'.",
        "en": "Lower-case letters, digits and hyphens, at most 63; 'platform' is taken.",
    },
    "TIMEZONE": {"id": "Pilih salah satu zona waktu Indonesia.", "en": "Must be one of Indonesia's three time zones."},
    "LEVEL": {"id": "Jenjang harus SD, SMP, SMA atau SMK.", "en": "The level must be SD, SMP, SMA or SMK."},
    "OWNERSHIP": {"id": "Status harus NEGERI atau SWASTA.", "en": "The ownership must be NEGERI or SWASTA."},
    "REGION": {"id": "Kode wilayah tidak dikenal.", "en": "No region of Indonesia has this code."},
    "DUPLICATE": {"id": "Muncul lebih dari sekali.", "en": "Stands here more than once."},
    "TAKEN": {"id": "Sudah dipakai sekolah lain.", "en": "Another school has it already."},
    "COLUMNS": {"id": "Kolom tidak lengkap.", "en": "The columns are not complete."},
    "COLUMN_COUNT": {"id": "Jumlah kolom tidak sesuai.", "en": "The number of columns differs from the header's."},
    "TOO_MANY_ROWS": {"id": "Terlalu banyak baris.", "en": "Too many rows."},
    "FORMAT": {"id": "Isinya tidak dapat dibaca.", "en": "This cannot be read."},
}


def fault(path: str, code: str) -> FieldFault:
    """A fault with its texts."""
    return FieldFault(path, code, TEXTS[code])


def zone_of(region: str) -> str | None:
    """The time zone of a region by its province; None when no province has the code."""
    return _ZONES.get(region[:2])


def changed_quotas(quotas: Mapping[str, int], changes: Mapping[str, int | None]) -> dict[str, int]:
    """The limits there are after a change, by name (max_students, max_teachers, storage_gb); None takes one away."""
    return {name: limit for name, limit in {**quotas, **changes}.items() if limit is not None}


def today_in(timezone: str, now: datetime) -> date:
    """The date on the clock of a school in that zone."""
    return now.astimezone(ZoneInfo(timezone)).date()


def is_region(code: str) -> bool:
    """Whether this is a district's code, six or seven digits of a known province."""
    return _REGION.fullmatch(code) is not None and zone_of(code) is not None


def is_npsn(value: str) -> bool:
    """Whether this could be a school's national number."""
    return _NPSN.fullmatch(value) is not None


def check_tenant(*, slug: str, name: str, npsn: str | None, timezone: str) -> Iterator[FieldFault]:
    """Every fault of a new school, with its path in the input."""
    if _SLUG.fullmatch(slug) is None or slug == PLATFORM_SLUG:
        yield fault("input.slug", "SLUG")
    yield from check_entry(name=name, npsn=npsn, timezone=timezone)


def check_entry(*, name: str, npsn: str | None, timezone: str) -> Iterator[FieldFault]:
    """Every fault of what a school itself may change, with its path in the input."""
    if not name.strip():
        yield fault("input.name", "REQUIRED")
    elif len(name) > _LONGEST_NAME:
        yield fault("input.name", "TOO_LONG")
    if npsn is not None and not is_npsn(npsn):
        yield fault("input.npsn", "NPSN")
    if timezone not in TIMEZONES:
        yield fault("input.timezone", "TIMEZONE")


def check_register_row(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every fault of one row of a school register, as column and code."""
    name = values["name"]
    is_text = all(unicodedata.category(character) not in ("Cc", "Cs") for character in name)
    checks = {
        "npsn": (is_npsn(values["npsn"]), "NPSN"),
        "name": (is_text and len(name) <= _LONGEST_NAME, "TOO_LONG" if is_text else "FORMAT"),
        "level": (values["level"] in SchoolLevel.__members__, "LEVEL"),
        "ownership": (values["ownership"] in Ownership.__members__, "OWNERSHIP"),
        "district_code": (is_region(values["district_code"]), "REGION"),
    }
    for column, (right, code) in checks.items():
        if not values[column]:
            yield column, "REQUIRED"
        elif not right:
            yield column, code
