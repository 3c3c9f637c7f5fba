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
class TenantSuspended(_TenantState):
    """Nobody works in the school from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantResumed(_TenantState):
    """The school may be worked in again."""


TenantEvent = TenantCreated | TenantUpdated | TenantSuspended | TenantResumed
"""What a projection of schools is kept from; each carries all of a school's state."""
TENANT_EVENTS: tuple[type[TenantEvent], ...] = (TenantCreated, TenantUpdated, TenantSuspended, TenantResumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicyConfigured(Event):
    """The school demands something else of new passwords: `kind` CHARACTERS or LENGTH, at least `min_length` long."""

    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "tenant"
    aggregate_key: ClassVar[str] = "tenant_id"

    tenant_id: UUID
    kind: str
    min_length: int


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
class UserDeactivated(_UserState):
    """The person is kept out until they are let in again. Personal: name, email, phone if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(_AboutUser):
    """The account is gone. The school may take back what it deleted itself, no registration that nobody completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRestored(_UserState):
    """A deleted account is back. Personal: name, email, phone if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinkByMail(_AboutUser):
    language: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(_LinkByMail):
    """Somebody registered, or asked for the link again: whoever reads the mail chooses the password.

    Personal: name, email. Secret: token (single use).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerificationRequested(_LinkByMail):
    """The person is to show that the address is theirs. Personal: name, email. Secret: token (single use)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(_LinkByMail):
    """Somebody forgot the password. Personal: name, email. Secret: token (single use)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockRequested(_LinkByMail):
    """Too many failed sign-ins from anywhere: a link opens the account. Personal: name, email. Secret: token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUnlocked(_AboutUser):
    """Failed sign-ins of the account are forgotten: it may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRepeated(_AboutUser):
    """Somebody registered with the address of an account that is there. Personal: name, email."""

    language: str


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
    """Older tokens than `ver` are void. Personal: name, email, so that the person is told."""

    ver: int
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorChanged(_AboutUser):
    """Something became of the second factor of an account. Personal: name, email, so that the person is told.

    `change`: ENABLED, signing in takes a code from now on; DISABLED by its owner or RESET by an administrator, it
    takes the password alone; CODES_REGENERATED, earlier recovery codes are void; CODE_USED, one opened a session.
    """

    change: str
    language: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutApiClient(Event):
    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "api_client"
    aggregate_key: ClassVar[str] = "api_client_id"

    api_client_id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClientCreated(_AboutApiClient):
    """An integrator has access. `method` as in the graph (CLIENT_SECRET, PRIVATE_KEY_JWT)."""

    scopes: tuple[str, ...]
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClientSecretRotated(_AboutApiClient):
    """An integrator has a new secret or new keys; a former secret goes on until `former_valid_until`, if at all."""

    former_valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClientRevoked(_AboutApiClient):
    """An integrator's access is taken away; older tokens than `ver` are void."""

    ver: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityStorageCounted(Event):
    """What identity keeps of a school's files in all, bytes, announced uploads with them."""

    domain: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "storage"
    aggregate_key: ClassVar[str] = "tenant_id"

    tenant_id: UUID
    kept_bytes: int


EVENTS: tuple[type[Event], ...] = (
    TenantCreated,
    TenantUpdated,
    TenantSuspended,
    TenantResumed,
    UserInvited,
    UserCreated,
    UserActivated,
    UserUpdated,
    UserDeactivated,
    UserDeleted,
    UserRestored,
    UserRegistered,
    EmailVerificationRequested,
    PasswordResetRequested,
    UnlockRequested,
    UserUnlocked,
    RegistrationRepeated,
    RoleAssigned,
    RoleRevoked,
    PasswordChanged,
    PasswordPolicyConfigured,
    SecondFactorChanged,
    SessionRevoked,
    RefreshReplayDetected,
    ApiClientCreated,
    ApiClientSecretRotated,
    ApiClientRevoked,
    IdentityStorageCounted,
)
