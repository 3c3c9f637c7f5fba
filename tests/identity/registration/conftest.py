"""What tests of registration share: schools that let people register, who registers, and the tokens that were mailed."""

from contextlib import asynccontextmanager

import pytest

from libs.auth import system_binding
from libs.crypto import KeyRing
from libs.events.contracts.identity import EmailVerificationRequested, UserRegistered
from libs.events.sealing import unseal_event
from subgraphs.identity.credential import queries
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation
from subgraphs.identity.registration.operations.register_user import register_user
from subgraphs.identity.registration.operations.resend_verification import resend_verification


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Answers need not be even where nobody measures them."""
    monkeypatch.setattr(queries, "_EVEN_SECONDS", 0.0)


@pytest.fixture
def open_school(school, other_school, as_owner):
    """Lets people register, at the other school too."""
    as_owner("identity", "update identity.tenants set registration_role = 'parent' where id <> app_platform()")
    return school


@pytest.fixture
def mailed(events, settings):
    """`mailed(UserRegistered)`: the events of that type in clear, in order."""

    def opened(contract):
        ring, rows = KeyRing.from_settings(settings), events(contract.__name__)
        return [unseal_event(ring, row["tenant_id"], contract, row["data"]) for row in rows]

    return opened


@pytest.fixture
def verifications(mailed):
    return lambda: mailed(EmailVerificationRequested)


@pytest.fixture
def registrations(mailed):
    return lambda: mailed(UserRegistered)


@pytest.fixture
def within(database, school):
    """`async with within(tx, tenant)`: that transaction, or without one a transaction of its own."""

    @asynccontextmanager
    async def opened(tx, tenant_id):
        if tx is not None:
            yield tx
            return
        async with database.write(system_binding(tenant_id)) as own:
            yield own

    return opened


@pytest.fixture
def register(within, contacts, visitor, open_school):
    """`await register("Wati@x.test")`: somebody registers at the school."""

    async def run(email, *, name="Ibu Wati", tenant_id=open_school, phone="+6281234567890", tx=None):
        given = {"name": name, "email": email, "phone": phone, "language": "id"}
        async with within(tx, tenant_id) as opened:
            await register_user(opened, **given, origin=visitor, contacts=contacts)

    return run


@pytest.fixture
def resend(within, contacts, school):
    async def run(email, *, tenant_id=school, tx=None):
        async with within(tx, tenant_id) as opened:
            await resend_verification(opened, email=email, contacts=contacts)

    return run


@pytest.fixture
def complete(within, contacts, revocations, visitor, school):
    """`await complete(token)`: the reader of the mail has chosen a password."""

    async def run(token, *, tenant_id=school, tx=None):
        given = {"token": token, "password_hash": "-", "origin": visitor}
        async with within(tx, tenant_id) as opened:
            return await accept_invitation(opened, **given, contacts=contacts, revocations=revocations)

    return run
