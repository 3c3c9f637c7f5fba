"""Who asks: one person in one school, with what they may do there."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from libs.auth.permissions import CATALOGUE
from libs.kernel import PLATFORM_TENANT_ID, Binding, Forbidden, Scope


class Reach(IntEnum):
    """How far a permission on a resource reaches; a greater one includes the smaller ones."""

    NONE = 0
    OWN = 1  # `student:read_own`: the person's own rows and those of their pupils
    TAUGHT = 2  # `student:read_taught`: the classes a teacher teaches
    ALL = 3  # `student:read`: the whole school


_STRONGEST_FIRST = ((Reach.ALL, ""), (Reach.TAUGHT, "_taught"), (Reach.OWN, "_own"))


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person acting on a school.

    `tenant_id` is the school acted on; `home_tenant_id` is where the account lives and differs only for a platform
    administrator acting on a school. `student_ids` are the person's own and their children's. `version` is the
    `ver` of the token: a lower one than the account's is revoked. `pending` is what the person must do before any other
    mutation is theirs: PASSWORD_CHANGE, SECOND_FACTOR. An integrator's client acts under its own id in place of an
    account's, without an address and without roles; `client_id` is the name it proves itself by.
    """

    user_id: UUID
    tenant_id: UUID
    home_tenant_id: UUID
    roles: tuple[str, ...]
    permissions: frozenset[str]
    student_ids: tuple[UUID, ...]
    session_id: UUID
    version: int
    email: str
    pending: frozenset[str] = frozenset()
    client_id: str | None = None

    @property
    def is_integrator(self) -> bool:
        """Whether a program of somebody else acts, and no person."""
        return self.client_id is not None

    @property
    def is_platform(self) -> bool:
        """Whether the account belongs to the platform and not to a school."""
        return self.home_tenant_id == PLATFORM_TENANT_ID

    def may(self, permission: str) -> bool:
        """Whether the actor holds exactly this permission. Raises KeyError when the catalogue does not know it."""
        if permission not in CATALOGUE:
            raise KeyError(permission)
        return permission in self.permissions

    def reach(self, resource: str, action: str = "read") -> Reach:
        """The strongest reach the actor has over a resource. Raises KeyError when the catalogue has none for it."""
        known = False
        for reach, suffix in _STRONGEST_FIRST:
            permission = f"{resource}:{action}{suffix}"
            if permission in self.permissions:
                return reach
            known = known or permission in CATALOGUE
        if not known:
            raise KeyError(f"{resource}:{action}")
        return Reach.NONE

    def binding(self, resource: str, action: str = "read") -> Binding:
        """What a transaction about this resource is bound to.

        ALL and TAUGHT see the school's rows (TAUGHT is narrowed further by the resource's own predicate), OWN only
        the actor's. Raises Forbidden without any reach.
        """
        reach = self.reach(resource, action)
        if reach is Reach.NONE:
            raise Forbidden
        if reach is Reach.OWN:
            return Binding(self.tenant_id, Scope.OWN, user_id=self.user_id, student_ids=self.student_ids)
        return Binding(self.tenant_id, Scope.TENANT, user_id=self.user_id, student_ids=self.student_ids)

    def may_read_contact_of(self, user_id: UUID) -> bool:
        """Whether e-mail and phone of that account are the actor's to read; one's own always are."""
        return user_id == self.user_id or self.may("user:read_contact")


PUBLIC: Final = Actor(
    user_id=UUID(int=0),
    tenant_id=PLATFORM_TENANT_ID,
    home_tenant_id=PLATFORM_TENANT_ID,
    roles=(),
    permissions=frozenset({"tenant:read"}),
    student_ids=(),
    session_id=UUID(int=0),
    version=0,
    email="",
)
"""Who reads what everybody may know of a school; nobody signs in as this, and no request acts as it."""


def system_binding(tenant_id: UUID) -> Binding:
    """For consumers, jobs and checks of invariants: the whole tenant, nobody's eyes."""
    return Binding(tenant_id, Scope.SYSTEM)
