"""Second factors, as tests of credentials set them up, and what is done with them."""

from datetime import timedelta

import pytest

from libs.auth import system_binding
from subgraphs.identity.second_factor.operations.reset import reset_second_factor
from subgraphs.identity.second_factor.operations.set_up import confirm_totp, start_totp
from subgraphs.identity.second_factor.operations.switch_off import (
    disable_totp,
    regenerate_recovery_codes,
    try_proof,
)
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import authenticator

__all__ = ["authenticator"]
STEP = timedelta(seconds=30)


@pytest.fixture
def proving(database, contacts, hasher, visitor):
    """`proving(operation)(actor, password=…)`."""

    def of(operation, **further):
        async def run(actor, *, password=None, code=None, tenant_id=None):
            proof = await try_proof(database, actor=actor, password=password, code=code, hasher=hasher)
            async with database.write(system_binding(tenant_id or actor.home_tenant_id)) as tx:
                return await operation(tx, actor=actor, proof=proof, contacts=contacts, origin=visitor, **further)

        return run

    return of


@pytest.fixture
def start(proving):
    """`await start(actor)`: with the right password, unless another one is given."""
    attempt = proving(start_totp)

    async def run(actor, tenant_id=None, *, password=PASSWORD):
        return await attempt(actor, password=password, tenant_id=tenant_id)

    return run


@pytest.fixture
def confirm(database, contacts, visitor):
    async def run(actor, code, tenant_id=None):
        async with database.write(system_binding(tenant_id or actor.home_tenant_id)) as tx:
            return await confirm_totp(tx, actor=actor, code=code, contacts=contacts, origin=visitor)

    return run


@pytest.fixture
def disable(proving, revocations):
    return proving(disable_totp, revocations=revocations)


@pytest.fixture
def regenerate(proving):
    return proving(regenerate_recovery_codes)


@pytest.fixture
def reset(*, database, contacts, visitor, revocations, clock):
    """`await reset(administrator, user_id)`, in the administrator's tenant unless another one is named."""

    async def run(actor, user_id, tenant_id=None):
        async with database.write(system_binding(tenant_id or actor.tenant_id)) as tx:
            await reset_second_factor(
                tx,
                user_id=user_id,
                actor=actor,
                today=clock.now.date(),
                contacts=contacts,
                origin=visitor,
                revocations=revocations,
            )

    return run


@pytest.fixture
async def secured(add_user, authenticator, school, clock):
    """A person with a second factor in force, the authenticator and the recovery codes."""
    person = await add_user(school, "teacher", email="guru@x.test")
    totp, codes = await authenticator(person)
    clock.now += STEP
    return person, totp, codes
