"""Signing in and second factors, as tests of credentials use them."""

import pyotp
import pytest

from libs.auth import system_binding
from libs.crypto import KeyRing
from libs.events.contracts.identity import PasswordResetRequested
from libs.events.sealing import unseal_event
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.credential.operations.change_password import change_password, hash_changed_password
from subgraphs.identity.credential.operations.reset_password import (
    hash_reset_password,
    request_password_reset,
    reset_password,
)
from subgraphs.identity.second_factor.operations.set_up import confirm_totp, start_totp
from subgraphs.identity.second_factor.queries import try_password
from tests.identity.conftest import PASSWORD

NEW_PASSWORD = "Kenanga-biru-8"
LOGIN = """mutation($input: LoginInput!) { login(input: $input) { __typename
  ... on LoginSuccess { accessToken refreshToken } ... on UserError { code message } } }"""


@pytest.fixture
def authenticator(*, database, contacts, hasher, visitor, clock):
    """`totp, codes = await authenticator(actor)`: a second factor in force; `totp.at(clock.now)` is its code."""

    async def set_up(actor):
        proof = await try_password(database, actor=actor, password=PASSWORD, hasher=hasher)
        async with database.write(system_binding(actor.home_tenant_id)) as tx:
            made = await start_totp(tx, actor=actor, proof=proof, contacts=contacts, origin=visitor)
        totp = pyotp.TOTP(made.secret)
        async with database.write(system_binding(actor.home_tenant_id)) as tx:
            codes = await confirm_totp(tx, actor=actor, code=totp.at(clock.now), contacts=contacts, origin=visitor)
        return totp, codes

    return set_up


@pytest.fixture
def links(events, settings):
    """`links()`: the tokens of mailed links to set a new password, in order."""

    def of():
        ring = KeyRing.from_settings(settings)
        return [
            unseal_event(ring, row["tenant_id"], PasswordResetRequested, row["data"]).secret["token"]
            for row in events("PasswordResetRequested")
        ]

    return of


@pytest.fixture
def ask(database, contacts, visitor):
    """`await ask(tenant, email)`: a link, or nothing."""

    async def run(tenant_id, email):
        async with database.write(system_binding(tenant_id)) as tx:
            await request_password_reset(tx, email=email, origin=visitor, contacts=contacts)

    return run


@pytest.fixture
def reset(database, contacts, hasher, revocations, visitor):
    """`await reset(token, password)`."""

    async def run(token, password=NEW_PASSWORD, tenant_id=PLATFORM_TENANT_ID):
        hashed = await hash_reset_password(database, token=token, password=password, contacts=contacts, hasher=hasher)
        async with database.write(system_binding(tenant_id)) as tx:
            return await reset_password(
                tx, token=token, password_hash=hashed, origin=visitor, contacts=contacts, revocations=revocations
            )

    return run


@pytest.fixture
def change(*, database, contacts, hasher, tokens, revocations, visitor):
    """`await change(actor, new)`: another password for somebody who is signed in."""

    async def run(actor, new=NEW_PASSWORD, current=PASSWORD, *, origin=visitor, tenant_id=None):
        made = await hash_changed_password(
            database, actor=actor, current=current, new=new, contacts=contacts, hasher=hasher
        )
        async with database.write(system_binding(tenant_id or actor.home_tenant_id)) as tx:
            return await change_password(
                tx,
                actor=actor,
                change=made,
                contacts=contacts,
                tokens=tokens,
                origin=origin,
                revocations=revocations,
            )

    return run
