"""Right inputs for the mutations that are about schools."""

from typing import Any
from uuid import UUID

from libs.auth import Actor
from libs.testing import GraphClient

_CREATE = """mutation($input: CreateTenantInput!) { createTenant(input: $input) {
  ... on CreateTenantSuccess { tenant { id } } } }"""
_SUSPEND = "mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) { __typename } }"
_REGISTER = "npsn,name,level,ownership,district_code\n20304051,SD Satu,SD,NEGERI,3307070"


async def school_inputs(graph: GraphClient, platform: Actor, school: UUID) -> dict[str, dict[str, Any]]:
    """By mutation; a third school is suspended, so that it can be resumed."""
    third = {"slug": "tutup", "name": "Sekolah Tutup", "level": "SD", "timezone": "Asia/Jakarta"}
    made = (await graph(_CREATE, {"input": third}, actor=platform)).ok()["createTenant"]["tenant"]
    closed = {"tenantId": made["id"], "reason": "Kontrak berakhir"}
    (await graph(_SUSPEND, {"input": closed}, actor=platform)).ok()
    return {
        "createTenant": {
            "slug": "sekolah-baru",
            "name": "Sekolah Baru",
            "npsn": "20304050",
            "level": "SMA",
            "timezone": "Asia/Jakarta",
            "admin": {"name": "Adi", "email": "adi@example.test", "phone": "08123456780"},
        },
        "importTenants": {"file": {"text": _REGISTER}, "dryRun": False},
        "updateTenant": {
            "name": "SMA Baru",
            "npsn": "20304099",
            "timezone": "Asia/Makassar",
            "registrationRole": "PARENT",
            "expectedVersion": 1,
        },
        "configureTenant": {
            "tenantId": str(school),
            "features": ["GRADING"],
            "quotas": {"maxStudents": 500, "maxTeachers": 50, "storageGb": 10},
            "expectedVersion": 1,
        },
        "suspendTenant": {"tenantId": str(school), "reason": "Kontrak berakhir"},
        "resumeTenant": closed,
    }
