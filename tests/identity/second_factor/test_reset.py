"""A second factor switched off by an administrator, for somebody who lost phone and recovery codes."""

import asyncio

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import SecondFactorChanged
from libs.events.sealing import unseal_event
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.account.rules import OwnAccount
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.second_factor.rules import NoSecondFactor, SecondFactorRequired
from subgraphs.identity.session.queries import Access

EMAIL = "guru@x.test"


async def is_void(renew, access):
    """Whether the session of an access has ended."""
    try:
        return isinstance(await renew(access.refresh_token), InvalidToken)
    except InvalidToken:
        return True


async def test_a_reset_leaves_the_password_alone_and_no_session(
    *, reset, renew, secured, login, school, audited, as_owner
):
    person, totp, codes = secured
    before = await login(school, EMAIL, otp=codes[0])
    await reset(actor_of("school_admin", school), person.user_id)
    for table in ("second_factors", "recovery_codes"):
        assert as_owner("identity", f"select * from identity.{table}") == []
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 2}]
    assert as_owner("identity", "select end_reason from identity.sessions") == [{"end_reason": "REVOKED"}]
    assert await is_void(renew, before)
    assert audited(school)[-1] == "user.second_factor_reset"
    after = await login(school, EMAIL, otp=totp.now())
    assert isinstance(after, Access)
    assert after.actor.pending == frozenset()


async def test_the_owner_is_told(*, reset, secured, school, settings, events):
    person, _, _ = secured
    await reset(actor_of("school_admin", school), person.user_id)
    row = events("SecondFactorChanged")[-1]
    told = unseal_event(KeyRing.from_settings(settings), school, SecondFactorChanged, row["data"])
    assert (told.user_id, told.change, told.language) == (person.user_id, "RESET", "id")
    assert (told.personal["name"], told.personal["email"]) == ("Siti Rahma", EMAIL)


async def test_where_a_role_needs_one_the_next_sign_in_leads_to_it(
    *, reset, secured, login, authenticator, school, as_owner
):
    person, _, _ = secured
    as_owner("identity", """update identity.tenants set password_policy = '{"second_factor_roles": ["teacher"]}'""")
    await reset(actor_of("school_admin", school), person.user_id)
    access = await login(school, EMAIL)
    assert access.actor.pending == {"SECOND_FACTOR"}
    await authenticator(access.actor)
    assert isinstance(await login(school, EMAIL), SecondFactorRequired)


async def test_who_has_none_or_has_only_begun_has_nothing_to_reset(*, reset, start, add_user, school, events, audited):
    person = await add_user(school, "teacher")
    admin = actor_of("school_admin", school)
    with pytest.raises(NoSecondFactor):
        await reset(admin, person.user_id)
    await start(person)
    with pytest.raises(NoSecondFactor):
        await reset(admin, person.user_id)
    assert events("SecondFactorChanged") == []
    assert "user.second_factor_reset" not in audited(school)


async def test_nobody_resets_their_own_nor_who_may_do_more(*, reset, secured, add_user, authenticator, school):
    person, _, _ = secured
    admin = await add_user(school, "school_admin")
    await authenticator(admin)
    with pytest.raises(OwnAccount):
        await reset(admin, admin.user_id)
    with pytest.raises(Forbidden):
        await reset(person, admin.user_id)
    await reset(admin, person.user_id)
    await reset(actor_of("school_admin", school), admin.user_id)


async def test_another_school_the_deleted_and_the_unknown_are_not_found(
    *, reset, secured, school, other_school, as_owner
):
    person, _, _ = secured
    for actor in (actor_of("school_admin", other_school), actor_of("super_admin", PLATFORM_TENANT_ID)):
        with pytest.raises(NotFound):
            await reset(actor, person.user_id)
    with pytest.raises(NotFound):
        await reset(actor_of("school_admin", school), new_id())
    as_owner("identity", "update identity.users set deleted_at = now()")
    with pytest.raises(NotFound):
        await reset(actor_of("school_admin", school), person.user_id)
    assert len(as_owner("identity", "select * from identity.second_factors")) == 1


async def test_the_platforms_administrator_resets_in_a_school_and_each_other_at_home(
    *, reset, secured, add_user, authenticator, school, audited
):
    person, _, _ = secured
    first, second = [await add_user(PLATFORM_TENANT_ID, "super_admin") for _ in range(2)]
    inside = actor_of("super_admin", school, user_id=first.user_id, acting_on=school)
    await reset(inside, person.user_id)
    assert "user.second_factor_reset" in audited(school)
    assert "user.second_factor_reset" in audited(PLATFORM_TENANT_ID)
    await authenticator(second)
    with pytest.raises(NotFound):
        await reset(actor_of("school_admin", school), second.user_id)
    with pytest.raises(NotFound):
        await reset(inside, second.user_id)
    await reset(first, second.user_id)
    assert audited(PLATFORM_TENANT_ID).count("user.second_factor_reset") == 2


async def test_of_two_resets_one_finds_nothing_left(*, reset, secured, school, events):
    person, _, _ = secured
    answers = await asyncio.gather(
        *(reset(actor_of("school_admin", school), person.user_id) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["NoSecondFactor", "NoneType"]
    assert [row["data"]["change"] for row in events("SecondFactorChanged")] == ["ENABLED", "RESET"]


async def test_a_sign_in_that_meets_a_reset_is_before_it_and_ended_or_after_it(
    *, reset, secured, login, renew, school, as_owner
):
    person, _, codes = secured
    access, _ = await asyncio.gather(
        login(school, EMAIL, otp=codes[0]), reset(actor_of("school_admin", school), person.user_id)
    )
    assert isinstance(access, Access)
    was_before = access.actor.version == 1
    assert await is_void(renew, access) is was_before
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 2}]
