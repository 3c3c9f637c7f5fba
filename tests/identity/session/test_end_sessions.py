"""Ending one session, or all of an account."""

from dataclasses import replace

import pytest

from libs.auth import system_binding
from libs.kernel import Forbidden, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.session.operations.end_sessions import log_out_everywhere, revoke_session
from subgraphs.identity.session.queries import Access

EMAIL = "a@x.test"


@pytest.fixture
def revoke(database, visitor, revocations):
    async def run(tenant_id, actor, session_id):
        async with database.write(system_binding(tenant_id)) as tx:
            await revoke_session(
                tx,
                session_id=session_id,
                actor=actor,
                today=tx.now.date(),
                origin=visitor,
                revocations=revocations,
            )

    return run


async def test_an_own_session_ends_and_its_family_with_it(
    *, login, renew, revoke, add_user, school, revocations, audited, events
):
    await add_user(school, "student", email=EMAIL)
    here, there = await login(school, EMAIL), await login(school, EMAIL)
    for _ in range(2):
        await revoke(school, here.actor, there.actor.session_id)
    with pytest.raises(InvalidToken):
        await renew(there.refresh_token)
    assert there.actor.session_id in revocations._sessions
    assert isinstance(await renew(here.refresh_token), Access)
    assert audited(school).count("session.revoked") == len(events("SessionRevoked")) == 1
    assert events("SessionRevoked")[0]["data"]["reason"] == "REVOKED"


async def test_who_may_end_the_sessions_of_others(*, login, renew, revoke, add_user, school, other_school):
    await add_user(school, "teacher", email=EMAIL)
    await add_user(school, "school_admin", email="b@x.test")
    teachers, chiefs = await login(school, EMAIL), await login(school, "b@x.test")
    admin, teacher = actor_of("school_admin", school), actor_of("teacher", school)
    for actor, tenant, session, refusal in (
        (actor_of("principal", school), school, teachers, NotFound),
        (actor_of("parent", school), school, teachers, NotFound),
        (actor_of("school_admin", other_school), other_school, teachers, NotFound),
        (replace(teacher, permissions=teacher.permissions | {"session:revoke"}), school, chiefs, Forbidden),
    ):
        with pytest.raises(refusal):
            await revoke(tenant, actor, session.actor.session_id)
    with pytest.raises(NotFound):
        await revoke(school, admin, new_id())
    assert isinstance(await renew(chiefs.refresh_token), Access)
    await revoke(school, admin, teachers.actor.session_id)
    with pytest.raises(InvalidToken):
        await renew(teachers.refresh_token)


@pytest.mark.parametrize("except_this", [True, False])
async def test_signing_out_everywhere(
    *, login, renew, database, add_user, school, visitor, revocations, audited, except_this
):
    await add_user(school, "teacher", email=EMAIL)
    await add_user(school, "teacher", email="b@x.test")
    here, there, stranger = [await login(school, email) for email in (EMAIL, EMAIL, "b@x.test")]
    async with database.write(system_binding(school)) as tx:
        ended = await log_out_everywhere(
            tx, actor=here.actor, except_this=except_this, origin=visitor, revocations=revocations
        )
    assert ended == 2 - except_this
    with pytest.raises(InvalidToken):
        await renew(there.refresh_token)
    if except_this:
        assert isinstance(await renew(here.refresh_token), Access)
    else:
        with pytest.raises(InvalidToken):
            await renew(here.refresh_token)
    assert isinstance(await renew(stranger.refresh_token), Access)
    assert "auth.logout_everywhere" in audited(school)
