"""What is told of roles and permissions, said once more and without the engine."""

from typing import TYPE_CHECKING, Any

from libs.auth import CATALOGUE, PLATFORM_ONLY, SYSTEM_ROLES
from subgraphs.identity.role.rules import system_role_id
from tests.reads.families import HATS_SINCE, Row

if TYPE_CHECKING:
    from tests.reads.seen import Seen


def roles(seen: "Seen") -> list[Row]:
    """Every role there is, as the graph tells it."""
    names = sorted(SYSTEM_ROLES.keys() - {"super_admin"}) if seen.school else ["super_admin"]
    return [system_role(seen, name) for name in names] + [_own_role(row) for row in seen.table("roles")]


def _own_role(row: Row) -> Row:
    """The role that the school has made."""
    inherited = SYSTEM_ROLES[row["parent_system_role"]].permissions
    return row | {
        "is_system_role": False,
        "own_permissions": ["subject:read"],
        "permissions": sorted({"subject:read"} | inherited),
        "inherits": row["parent_system_role"],
        "holders": 0,
    }


def system_role(seen: "Seen", name: str) -> Row:
    """A role that lives in code."""
    role = SYSTEM_ROLES[name]
    return {
        "id": system_role_id(name),
        "name": name,
        "description": role.description,
        "is_system_role": True,
        "permissions": sorted(role.permissions),
        "own_permissions": [],
        "inherits": None,
        "holders": sum(name in row["roles"] for row in seen.users() if not row["deleted"]),
    }


def permissions(seen: "Seen") -> list[Row]:
    """The catalogue, of a school without what is the platform's."""
    names = [name for name in CATALOGUE if not (seen.school and name in PLATFORM_ONLY)]
    return [
        dict(zip(("resource", "action"), name.split(":"), strict=True), name=name, description=CATALOGUE[name])
        for name in names
    ]


def held(seen: "Seen", user: Row, field: str) -> Any:
    """What is told of an account's roles."""
    worn = [system_role(seen, name) for name in user["roles"]]
    match field:
        case "roles":
            return worn
        case "roleAssignments":
            return [{"role": role, "valid_from": HATS_SINCE, "valid_until": None} for role in worn]
    return sorted(set().union(*(role["permissions"] for role in worn)))
