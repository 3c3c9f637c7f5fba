"""Accounts in the graph."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, func, select, union_all

from libs.graph import (
    Call,
    Condition,
    Connection,
    EmailAddress,
    Info,
    PhoneNumber,
    ReadContext,
    column,
    computed,
    described_enum,
    entity,
    error,
    find_one,
    given,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
)
from subgraphs.identity.user import rules
from subgraphs.identity.user.model import User as UserTable
from subgraphs.identity.user.model import UserName
from subgraphs.identity.user.operations.invite_user import invite_user
from subgraphs.identity.user.operations.read_account import (
    read_contacts,
    read_devices,
    read_roles,
    read_second_factors,
    read_sessions,
)
from subgraphs.identity.user.queries import Contact, holders_of

if TYPE_CHECKING:
    from subgraphs.identity.role.graph import Role, RoleAssignment
    from subgraphs.identity.session.graph import Device, Session

described_enum(
    rules.UserStatus,
    "Where an account stands.",
    INVITED="Has not set a password yet.",
    ACTIVE="May sign in.",
    INACTIVE="May not sign in.",
)
_SHOWN = (
    *("tenant_id", "id", "name", "email", "email_blind", "phone", "status", "language", "staff", "created_at"),
    *("version", "email_verified_at", "must_change_password"),
)
_ACTIVITY = ("email_verified_at", "must_change_password", "last_sign_in_at")
# As the scalar tells a moment: what is computed has no type of its own.
_SIGNED_IN = func.to_char(func.timezone("UTC", UserTable.last_sign_in_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
ACCOUNTS: FromClause = (
    select(
        *(UserTable.__table__.c[name] for name in _SHOWN),
        func.replace(_SIGNED_IN, ".000000Z", "Z").label("last_sign_in_at"),
    )
    .where(UserTable.deleted_at.is_(None))
    .subquery("accounts")
)
_OF_DELETED = ("tenant_id", "id", "name", "email", "email_blind", "phone", "staff", "deleted_at")
# Apart from the others, so that nothing that is told of accounts can reach them.
DELETED_ACCOUNTS: FromClause = (
    select(*(UserTable.__table__.c[name] for name in _OF_DELETED))
    .where(UserTable.deleted_at.is_not(None))
    .subquery("deleted_accounts")
)


def visible_users(accounts: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Families see themselves and who works for the school."""
    # Found first, by an index of their own: most accounts are of families, and a page would walk over all of them.
    staff = UserTable.__table__.alias()
    of_staff = select(staff.c.id).where(staff.c.tenant_id == context.tenant_id, staff.c.staff)
    return accounts.c.id.in_(union_all(of_staff, select(context.user_id)))


async def contacts_of(call: Call, rows: Sequence[Any]) -> list[Contact | None]:
    """E-mails and phones in clear; who read whose is in the log of the same transaction."""
    revealed: Mapping[UUID, Contact] = await read_contacts(
        call.tx, rows, actor=call.actor, contacts=call.context.extras.contacts, origin=call.context
    )
    return [revealed.get(row.id) for row in rows]


async def activity_of(_: Call, rows: Sequence[Any]) -> Sequence[Any]:
    """What the rows themselves say of it."""
    return rows


async def roles_of(call: Call, rows: Sequence[Any]) -> list[Any]:
    """Roles held today or later, and what they permit."""
    ids, counted = [row.id for row in rows], "holders" in call.selected
    held = await read_roles(call.tx, ids, today=call.today, actor=call.actor, counted=counted)
    return [held[row.id] for row in rows]


async def sessions_of(call: Call, rows: Sequence[Any]) -> list[Any]:
    """Living sessions."""
    living = await read_sessions(call.tx, [row.id for row in rows], actor=call.actor)
    return [living[row.id] for row in rows]


async def second_factor_of(call: Call, rows: Sequence[Any]) -> list[bool]:
    """Whether signing in takes a code too."""
    secured = await read_second_factors(call.tx, [row.id for row in rows])
    return [row.id in secured for row in rows]


async def devices_of(call: Call, rows: Sequence[Any]) -> list[Any]:
    """Devices signed in with before."""
    known = await read_devices(call.tx, [row.id for row in rows])
    return [known[row.id] for row in rows]


@strawberry.input(description="An address to look for.")
class UserEmailFilter:
    eq: EmailAddress | None = given("Equal to this, whatever its case.", default=None)


_EMAIL = Condition(
    UserEmailFilter,
    "The account with this address; only with user:read_contact.",
    # Found by its blind index: no address is read.
    lambda accounts, given, _: given.equals_made(
        accounts.c.email_blind,
        lambda request, address: request.extras.contacts.blind(request.tenant_id, address),
    ),
    permission="user:read_contact",
)


@strawberry.input(description="Roles to look for.")
class UserRoleFilter:
    eq: str | None = given("Holds the role of this name today.", default=None, max_length=100)
    in_: list[str] | None = given("Holds one of the roles of these names today.", default=None, name="in")


def _holding(accounts: FromClause, given: Any, context: ReadContext) -> ColumnElement[bool]:
    return accounts.c.id.in_(holders_of(context.tenant_id, context.today, given.holds))


_ROLE = Condition(
    UserRoleFilter,
    "Accounts that hold a role today; only with user:read.",
    _holding,
    permission="user:read",
)


@entity(ACCOUNTS, resource="user", visible=visible_users, conditions={"email": _EMAIL, "role": _ROLE})
class User:
    """An account of one person in one school."""

    id: UUID = column("Identity of the account.", filter=True)
    name: str = column("Full name.", order=True, search=(UserName.__table__, "user_id", rules.words))
    email: EmailAddress | None = computed(
        "E-mail address; of others only with user:read_contact.",
        batch=contacts_of,
        take=attrgetter("email"),
        columns=("email", "phone"),
        audited=True,
        permission="user:read_contact",
        own="id",
    )
    phone: PhoneNumber | None = computed(
        "Telephone number; of others only with user:read_contact.",
        batch=contacts_of,
        take=attrgetter("phone"),
        columns=("email", "phone"),
        audited=True,
        permission="user:read_contact",
        own="id",
    )
    status: rules.UserStatus = column("Where the account stands.", filter=True, group=True)
    roles: list[Annotated["Role", strawberry.lazy("subgraphs.identity.role.graph")]] | None = computed(
        "Roles held today; of others only with user:read.",
        batch=roles_of,
        take=attrgetter("roles"),
        permission="user:read",
        own="id",
    )
    role_assignments: list[Annotated["RoleAssignment", strawberry.lazy("subgraphs.identity.role.graph")]] | None = (
        computed(
            "Roles held today or later, with their days; of others only with role:read.",
            batch=roles_of,
            take=attrgetter("role_assignments"),
            permission="role:read",
            own="id",
        )
    )
    effective_permissions: list[str] | None = computed(
        "What the roles held today permit together, sorted; of others only with role:read.",
        batch=roles_of,
        take=attrgetter("effective_permissions"),
        permission="role:read",
        own="id",
    )
    sessions: list[Annotated["Session", strawberry.lazy("subgraphs.identity.session.graph")]] | None = computed(
        "Sessions that go on, the one used last first; of others only with user:read_activity.",
        batch=sessions_of,
        permission="user:read_activity",
        own="id",
    )
    second_factor: bool | None = computed(
        "Whether signing in takes a code of an authenticator too; of others only with user:read_activity.",
        batch=second_factor_of,
        permission="user:read_activity",
        own="id",
    )
    devices: list[Annotated["Device", strawberry.lazy("subgraphs.identity.session.graph")]] | None = computed(
        "Devices signed in with before, the one used last first; of others only with user:read_activity.",
        batch=devices_of,
        permission="user:read_activity",
        own="id",
    )
    language: str = column("Language of messages: id or en.", filter=True, group=True)
    created_at: datetime = column("When the account was made.", filter=True, order=True)
    version: int = column("Rises with every change; an update that expects another one is a Conflict.")
    email_verified: bool | None = computed(
        "Whether the person has shown that the address is theirs; of others only with user:read_activity.",
        batch=activity_of,
        take=lambda row: row.email_verified_at is not None,
        columns=_ACTIVITY,
        permission="user:read_activity",
        own="id",
    )
    must_change_password: bool | None = computed(
        "Whether a new password has to be chosen first; of others only with user:read_activity.",
        batch=activity_of,
        take=attrgetter("must_change_password"),
        columns=_ACTIVITY,
        permission="user:read_activity",
        own="id",
    )
    last_sign_in_at: datetime | None = computed(
        "When the person signed in last; of others only with user:read_activity.",
        batch=activity_of,
        take=attrgetter("last_sign_in_at"),
        columns=_ACTIVITY,
        permission="user:read_activity",
        own="id",
    )


@entity(
    DELETED_ACCOUNTS,
    resource="user",
    # As of accounts that are there: who sees themselves and the staff finds nobody else.
    visible=lambda accounts, _: accounts.c.staff,
    keyed=False,
    conditions={"email": _EMAIL},
)
class DeletedUser:
    """An account that was deleted; restoreUser takes it back."""

    id: UUID = column("Identity of the account.", filter=True)
    name: str = column("Full name.", search=(UserName.__table__, "user_id", rules.words))
    email: EmailAddress | None = computed(
        "E-mail address; only with user:read_contact.",
        batch=contacts_of,
        take=attrgetter("email"),
        columns=("email", "phone"),
        audited=True,
        permission="user:read_contact",
    )
    deleted_at: datetime = column("When it was deleted.", filter=True, order=True)


@error(rules.EmailTaken)
class EmailTaken:
    """An account of this school has the address."""


@strawberry.input(description="Somebody to invite.")
class InviteUserInput:
    name: str = given("Full name.", max_length=200)
    email: EmailAddress = given("Where the invitation goes; unique in the school.")
    phone: PhoneNumber | None = given("Telephone number.", default=None)
    roles: list[str] = given("Names of the roles, at least one.", max_length=100)
    language: str | None = given("Language of messages: id or en.", default="id", max_length=2)


@result
class InviteUserSuccess:
    """The account is there, its invitation on the way."""

    user_id: strawberry.Private[UUID]
    user: User = one("User", "The invited account.")


@strawberry.type
class UserQuery:
    """Queries about accounts."""

    users: Connection[User] = root_connection(User, "Accounts of the school.", order="name")
    user_aggregates = root_aggregates(User, "Figures of the school's accounts.")
    deleted_users: Connection[DeletedUser] = root_connection(
        DeletedUser,
        "Accounts of the school that were deleted and may be taken back, the last one first; only with user:delete.",
        order="deleted_at desc",
        permission="user:delete",
    )

    @strawberry.field(description="The own account.")
    async def me(self, info: Info) -> User | None:
        """The row of the actor; a program of an integrator has none."""
        actor = info.context.signed_in
        return None if actor.is_integrator else await find_one(info, User, id=actor.user_id)

    @strawberry.field(description="One account of the school.")
    async def user(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the account.")]
    ) -> User | None:
        """Null for what is absent, another school's, or not to be seen."""
        return await find_one(info, User, id=id)  # type: ignore[no-any-return]


@strawberry.type
class UserMutation:
    """Mutations of accounts."""

    @mutation(permission="user:invite", errors=(EmailTaken,))
    async def invite_user(self, call: Call, input: InviteUserInput) -> InviteUserSuccess:
        """Makes an account and sends its invitation; nobody grants what they do not hold."""
        user_id = await invite_user(
            call.tx,
            actor=call.actor,
            name=input.name,
            contact=Contact(input.email, input.phone),
            roles=input.roles,
            language=input.language or "id",
            today=call.today,
            contacts=call.context.extras.contacts,
            origin=call.context,
        )
        return InviteUserSuccess(user_id=user_id)
