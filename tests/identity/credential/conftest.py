"""Signing in and second factors, as tests of credentials use them."""

import pyotp
import pytest

from libs.auth import system_binding
from subgraphs.identity.credential.operations.second_factor import confirm_totp, start_totp
from subgraphs.identity.session.operations.sign_in import check_guess, sign_in
from tests.identity.conftest import PASSWORD


@pytest.fixture
def login(database, contacts, hasher, tokens, visitor):
    async def attempt(tenant_id, email, password=PASSWORD, *, otp=None, origin=visitor):
        who = {"email": email, "origin": origin, "contacts": contacts}
        guess = await check_guess(database, tenant_id, password=password, hasher=hasher, **who)
        async with database.write(system_binding(tenant_id)) as tx:
            return await sign_in(tx, guess=guess, otp=otp, device=None, tokens=tokens, **who)

    return attempt


@pytest.fixture
def authenticator(database, contacts, visitor, clock):
    """`totp, codes = await authenticator(actor)`: a second factor in force; `totp.at(clock.now)` is its code."""

    async def set_up(actor):
        async with database.write(system_binding(actor.home_tenant_id)) as tx:
            made = await start_totp(tx, actor=actor, contacts=contacts, origin=visitor)
        totp = pyotp.TOTP(made.secret)
        async with database.write(system_binding(actor.home_tenant_id)) as tx:
            codes = await confirm_totp(tx, actor=actor, code=totp.at(clock.now), contacts=contacts, origin=visitor)
        return totp, codes

    return set_up
