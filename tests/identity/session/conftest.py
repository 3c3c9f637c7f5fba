"""Signing in and renewing, as tests of sessions do it."""

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.session.operations.refresh import refresh
from subgraphs.identity.session.operations.sign_in import check_guess, sign_in
from tests.identity.conftest import PASSWORD


@pytest.fixture
def login(database, contacts, hasher, tokens, visitor):
    async def attempt(tenant_id, email, password=PASSWORD, origin=visitor, *, device=None, device_token=None):
        who = {"email": email, "origin": origin, "contacts": contacts, "device_token": device_token}
        guess = await check_guess(database, tenant_id, password=password, hasher=hasher, **who)
        async with database.write(system_binding(tenant_id)) as tx:
            return await sign_in(tx, guess=guess, device=device, tokens=tokens, **who)

    return attempt


@pytest.fixture
def renew(database, contacts, tokens, revocations, visitor):
    async def attempt(token, tenant_id=PLATFORM_TENANT_ID, origin=visitor):
        async with database.write(system_binding(tenant_id)) as tx:
            return await refresh(
                tx, token=token, origin=origin, contacts=contacts, tokens=tokens, revocations=revocations
            )

    return attempt
