"""Events of identity: schools as tenants, accounts, roles, sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _TenantState(Event):
    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "tenant"
    aggregate_key: ClassVar[str] = "tenant_id"

    tenant_id: UUID
    slug: str
    name: str
    npsn: str | None
    level: str
    timezone: str
    status: str
    features: tuple[str, ...] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated(_TenantState):
    """A school joined. Emitted for the new tenant: `tx.emit(event, tenant_id=...)`.

    `level` and `features` as the graph's enums (SMA; ATTENDANCE, …); `quotas` by name (max_students, max_teachers,
    storage_gb).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUpdated(_TenantState):
    """A school's register entry, features, quotas or status changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutUser(Event):
    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "user"
    aggregate_key: ClassVar[str] = "user_id"
    person: ClassVar[str | None] = "user_id"

    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInvited(_AboutUser):
    """Somebody may accept an account. Personal: name, email, phone if known. Secret: token (single use).

    `about` is the academic record (student, guardian or teacher) the account was made for, if any.
    """

    roles: tuple[str, ...]
    language: str
    expires_at: datetime
    about: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _UserState(_AboutUser):
    status: str
    roles: tuple[str, ...]
    language: str
    record_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(_UserState):
    """An account exists (INVITED or ACTIVE). Personal: name, email, phone if known.

    `record_id` is the academic record (student, guardian or teacher) it was made for: academic links the two.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated(_UserState):
    """The person accepted or was let in again. Personal: name, email, phone if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(_UserState):
    """Name, addresses, language or status changed. Personal: name, email, phone if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RoleChange(_AboutUser):
    role: str
    roles: tuple[str, ...]
    ver: int
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssigned(_RoleChange):
    """A hat more: `role`; `roles` are all afterwards, `ver` the token version from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked(_RoleChange):
    """A hat less: `role`; `roles` are all afterwards, `ver` the token version from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(_AboutUser):
    """Older tokens than `ver` are void."""

    ver: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutSession(Event):
    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "session"
    aggregate_key: ClassVar[str] = "session_id"

    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRevoked(_AboutSession):
    """A session ended before its time. `reason`: LOGOUT, REVOKED, REPLAY, PASSWORD, STATUS."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReplayDetected(_AboutSession):
    """A used refresh token came again: the family is ended."""


EVENTS: tuple[type[Event], ...] = (
    TenantCreated,
    TenantUpdated,
    UserInvited,
    UserCreated,
    UserActivated,
    UserUpdated,
    RoleAssigned,
    RoleRevoked,
    PasswordChanged,
    SessionRevoked,
    RefreshReplayDetected,
)
