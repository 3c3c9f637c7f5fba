"""Who a transaction works for: the tenant, how much of it, and whose rows when it is not all."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

PLATFORM_TENANT_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The reserved tenant whose users administer the platform."""


class Scope(StrEnum):
    """How much of a tenant a transaction may see (data.md, rule 6)."""

    SYSTEM = "system"  # consumers, jobs and invariants
    TENANT = "tenant"  # people whose permission reaches the whole school
    OWN = "own"  # pupils and guardians: their own rows


@dataclass(frozen=True, slots=True)
class Binding:
    """What row-level security is told at the start of a transaction.

    `user_id` and `student_ids` matter in scope OWN alone: whose rows, and which pupils'.
    """

    tenant_id: UUID
    scope: Scope
    user_id: UUID | None = None
    student_ids: tuple[UUID, ...] = ()
