"""Right inputs for the mutations of roles, and what stands in another school at their places."""

from typing import Any
from uuid import UUID

from libs.testing import GraphClient, actor_of

_CREATE = "mutation($input: CreateRoleInput!) { createRole(input: $input) { ... on CreateRoleSuccess { roleId } } }"


async def role_inputs(graph: GraphClient, school: UUID, person: str) -> dict[str, dict[str, Any]]:
    """Of a school with a role of its own, and somebody who is finance_staff."""
    made = {"name": "Panitia", "permissions": ["class:read", "subject:read"]}
    answer = await graph(_CREATE, {"input": made}, actor=actor_of("school_admin", school))
    role_id = answer.ok()["createRole"]["roleId"]
    return {
        "createRole": {
            "name": "Pustakawan",
            "description": "Buku dan denda",
            "permissions": ["class:read", "student:read"],
            "inherits": "Panitia",
        },
        "updateRole": {"roleId": role_id, "name": "Panitia ujian", "description": "Ujian", "inherits": "teacher"},
        "deleteRole": {"roleId": role_id},
        "grantPermissions": {"roleId": role_id, "permissions": ["holiday:declare"]},
        "revokePermissions": {"roleId": role_id, "permissions": ["class:read"]},
        "revokeRole": {"userId": person, "role": "finance_staff", "validUntil": "2090-01-01"},
    }


def role_places(theirs: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The ids in another school's inputs, by mutation and path."""
    return {
        mutation: {f"input.{name}": value for name, value in given.items() if name.endswith("Id")}
        for mutation, given in theirs.items()
    }
