"""What tests of identity share: its keys, its database as the application has it, and people who may do things."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from uuid import UUID

import pytest

from libs.auth import Actor, Revocations, system_binding
from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.events.contracts.identity import UserInvited
from libs.events.sealing import unseal_event
from libs.kernel import PLATFORM_TENANT_ID, new_id, utc_now
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from subgraphs.identity.app import create_app
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.session.operations.refresh import refresh
from subgraphs.identity.session.operations.sign_in import check_guess, sign_in
from subgraphs.identity.session.queries import TokenPolicy
from subgraphs.identity.tenant.operations.create_tenant import ensure_platform
from subgraphs.identity.user.operations.invite_user import invite_user
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts

PASSWORD = "Melati-putih-7"


@dataclasses.dataclass(frozen=True)
class Visitor:
    """Where a test's requests come from."""

    database: Database
    address: str = "203.0.113.7"
    user_agent: str = "test"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(settings: Settings, clock: Clock) -> AsyncIterator[Database]:
    """Identity's database with its outbox, by the test's clock."""
    writer = OutboxWriter("identity", KeyRing.from_settings(settings))
    opened = Database(settings, "identity", on_flush=writer, clock=clock)
    async with opened.write(system_binding(PLATFORM_TENANT_ID)) as tx:
        await ensure_platform(tx)
    yield opened
    await opened.close()


@pytest.fixture
def visitor(database: Database) -> Visitor:
    return Visitor(database)


@pytest.fixture
def contacts(settings: Settings) -> Contacts:
    return Contacts(settings)


@pytest.fixture
def hasher(settings: Settings) -> PasswordHasher:
    return PasswordHasher(settings)


@pytest.fixture
def tokens(settings: Settings) -> TokenPolicy:
    return TokenPolicy(settings)


@pytest.fixture
async def revocations(settings: Settings) -> AsyncIterator[Revocations]:
    made = Revocations(settings)
    yield made
    await made.close()


AddUser = Callable[..., Awaitable[Actor]]


@pytest.fixture
async def add_user(database: Database, contacts: Contacts, hasher: PasswordHasher) -> AddUser:
    """`await add_user(tenant, "teacher", email=…)`: an account that can sign in; answers it as an actor."""
    password_hash = await hasher.hash(PASSWORD)

    async def add(
        tenant_id: UUID, role: str, *, email: str | None = None, name: str = "Siti Rahma", active=True
    ) -> Actor:
        address = email or f"{role}.{new_id()}@example.test"
        account = NewAccount(
            id=new_id(),
            name=name,
            contact=Contact(address, "+6281234567890"),
            roles=[system_role(role)],
            password_hash=password_hash if active else None,
        )
        async with database.write(system_binding(tenant_id)) as tx:
            await create_accounts(tx, [account], contacts=contacts, doer=NOBODY, since=tx.now.date())
        actor = actor_of(role, tenant_id, user_id=account.id)
        return dataclasses.replace(actor, email=address)

    return add


@pytest.fixture
async def graph(settings: Settings, database: Database) -> AsyncIterator[GraphClient]:
    """The graph of identity in process."""
    async with GraphClient(create_app(settings), settings) as client:
        yield client


@pytest.fixture
def events(as_owner):
    """`events("UserInvited")`: rows of the outbox of that type, in order."""

    def of(name: str) -> list[dict]:
        pattern = f"id.wiyata.identity.{name}.v1"
        return as_owner("identity", "select * from identity.outbox where type = %s order by sequence", (pattern,))

    return of


@pytest.fixture
def audited(as_owner):
    """`audited(tenant)`: actions in that tenant's log, in order."""

    def of(tenant_id: UUID) -> list[str]:
        rows = as_owner(
            "identity",
            "select action from identity.audit_logs where tenant_id = %s order by created_at, id",
            (tenant_id,),
        )
        return [row["action"] for row in rows]

    return of


@pytest.fixture
def invite(database, contacts, visitor):
    async def run(
        tenant_id, email="Ibu@Keluarga.test", *, roles=("teacher",), actor=None, language="id", name="Dewi Lestari"
    ):
        async with database.write(system_binding(tenant_id)) as tx:
            return await invite_user(
                tx,
                actor=actor or actor_of("school_admin", tenant_id),
                name=name,
                contact=Contact(email, "+628111222333"),
                roles=roles,
                language=language,
                today=tx.now.date(),
                contacts=contacts,
                origin=visitor,
            )

    return run


@pytest.fixture
def invitations(events, settings):
    """The UserInvited events in clear."""

    def opened():
        ring = KeyRing.from_settings(settings)
        return [unseal_event(ring, row["tenant_id"], UserInvited, row["data"]) for row in events("UserInvited")]

    return opened


@pytest.fixture
def login(database, contacts, hasher, tokens, visitor):
    async def attempt(tenant_id, email, password=PASSWORD, origin=visitor, *, otp=None, device=None, device_token=None):
        who = {"email": email, "origin": origin, "contacts": contacts, "device_token": device_token}
        guess = await check_guess(database, tenant_id, password=password, hasher=hasher, **who)
        async with database.write(system_binding(tenant_id)) as tx:
            return await sign_in(tx, guess=guess, otp=otp, device=device, tokens=tokens, **who)

    return attempt


@pytest.fixture
def renew(database, contacts, tokens, revocations, visitor):
    async def attempt(token, tenant_id=PLATFORM_TENANT_ID, origin=visitor):
        async with database.write(system_binding(tenant_id)) as tx:
            return await refresh(
                tx, token=token, origin=origin, contacts=contacts, tokens=tokens, revocations=revocations
            )

    return attempt
