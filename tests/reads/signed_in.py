"""Sessions, devices and second factors: one of each for every account of a school."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from libs.settings import Settings
from libs.testing import owner_rows
from subgraphs.identity.second_factor.model import SecondFactor
from subgraphs.identity.session.model import Device, Session

if TYPE_CHECKING:
    from tests.reads.families import Rows

_USED = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
_LATER = datetime(2200, 1, 1, tzinfo=UTC)  # no test runs after it


def sessions_of(school: "Rows", user_id: UUID, key: str) -> dict[str, Any]:
    """The rows of an account's session and device, and whether its second factor is in force."""
    whose = {"tenant_id": school.tenant_id, "user_id": user_id, "last_used_at": _USED}
    device = whose | {
        "id": school.id("devices", key),
        "name": f"~{school.school}/devices/{key}/name",
        "secret_hash": school.id("secrets", key).bytes,
    }
    session = whose | {
        "id": school.id("sessions", key),
        "device_id": device["id"],
        "created_at": _USED - timedelta(days=1),
        "expires_at": _LATER,
        "refresh_hash": school.id("tokens", key).bytes,
        "current": False,
    }
    session |= {name: f"~{school.school}/sessions/{key}/{name}" for name in ("device", "address", "user_agent")}
    return {"devices": [device], "sessions": [session], "second_factor": len(key) % 2 == 0}


def insert_sessions(settings: Settings, users: Sequence[Mapping[str, Any]]) -> None:
    """Writes the rows of these accounts, and beside each session one that has ended."""
    for user in users:
        factor = {"id": UUID(int=user["id"].int ^ 1), "user_id": user["id"], "secret": b"sealed"}
        in_force = {"tenant_id": user["tenant_id"], "confirmed_at": _USED if user["second_factor"] else None}
        _insert(settings, SecondFactor, factor | in_force)
        for device in user["devices"]:
            _insert(settings, Device, device)
        for session in user["sessions"]:
            written = {name: value for name, value in session.items() if name != "current"}
            _insert(settings, Session, written)
            ended = {"ended_at": _USED, "end_reason": "LOGOUT", "id": UUID(int=session["id"].int ^ 1)}
            _insert(settings, Session, written | ended | {"refresh_hash": b"ended" + written["refresh_hash"]})


def _insert(settings: Settings, model: Any, row: Mapping[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    owner_rows(settings, "identity", f"insert into identity.{model.__tablename__} ({names}) values ({values})", row)
