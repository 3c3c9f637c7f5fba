"""What a school demands of passwords."""

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID, InvalidInput, NotFound
from libs.testing import actor_of
from subgraphs.identity.credential.operations.accept_invitation import hash_first_password
from subgraphs.identity.credential.operations.password_policy import (
    configure_password_policy,
    password_strength,
    read_password_policy,
)
from subgraphs.identity.credential.rules import DEFAULT_POLICY, PasswordPolicy, PolicyKind, WeakPassword

PASSPHRASE = "bunga mekar di tepi sungai"
LENGTH = PasswordPolicy(kind=PolicyKind.LENGTH, min_length=16, history=3, second_factor_roles=("principal",))


@pytest.fixture
def configure(database, visitor):
    async def run(tenant_id, policy):
        actor = actor_of("school_admin", tenant_id)
        async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
            await configure_password_policy(tx, actor=actor, policy=policy, origin=visitor)

    return run


async def test_a_school_says_what_it_demands_and_no_other_school_changes(
    *, configure, database, school, other_school, events, audited
):
    await configure(school, LENGTH)
    assert await read_password_policy(database, school) == LENGTH
    assert await read_password_policy(database, other_school) == DEFAULT_POLICY
    (event,) = events("PasswordPolicyConfigured")
    assert (event["tenant_id"], event["data"]["kind"]) == (school, "LENGTH")
    assert audited(school) == ["password_policy.configured"]


@pytest.mark.parametrize(
    ("policy", "paths"),
    [
        (PasswordPolicy(min_length=7), ["input.minLength"]),
        (PasswordPolicy(kind=PolicyKind.LENGTH, min_length=14), ["input.minLength"]),
        (PasswordPolicy(min_length=65, history=0), ["input.minLength", "input.history"]),
        (PasswordPolicy(history=11), ["input.history"]),
    ],
)
async def test_what_no_school_may_demand(configure, school, policy, paths, audited):
    with pytest.raises(InvalidInput) as refused:
        await configure(school, policy)
    assert [fault.path for fault in refused.value.faults] == paths
    assert audited(school) == []


async def test_a_role_nobody_knows_needs_no_second_factor(configure, school):
    with pytest.raises(NotFound):
        await configure(school, PasswordPolicy(second_factor_roles=("kepala kantin",)))


async def test_a_first_password_keeps_the_schools_rules(
    *, configure, invite, invitations, database, contacts, hasher, school
):
    await invite(school)
    who = {"token": invitations()[0].secret["token"], "contacts": contacts, "hasher": hasher}
    with pytest.raises(WeakPassword) as weak:
        await hash_first_password(database, password=PASSPHRASE, **who)
    assert weak.value.data["rules"] == ["UPPER", "DIGIT", "SPECIAL"]
    await configure(school, LENGTH)
    assert await hash_first_password(database, password=PASSPHRASE, **who)
    with pytest.raises(WeakPassword) as weak:
        await hash_first_password(database, password="Melati-putih-7", **who)
    assert weak.value.data["rules"] == ["LENGTH"]


async def test_strength_is_a_score_and_the_rules_broken(*, configure, database, school, other_school):
    async def judge(password, tenant_id=school, **about):
        return await password_strength(database, tenant_id, password=password, **{"email": "", "name": ""} | about)

    await configure(school, LENGTH)
    strong = await judge(PASSPHRASE)
    assert (strong.score, strong.rules) == (4, [])
    assert (await judge(PASSPHRASE, other_school)).rules == ["UPPER", "DIGIT", "SPECIAL"]
    weak = await judge("letmein")
    assert (weak.score, weak.rules) == (0, ["LENGTH", "COMMON"])
    about = {"name": "Siti Nurhaliza", "email": "nurhaliza@x.test"}
    assert (await judge("nurhalizanurhaliza", **about)).rules == ["SIMILAR"]
    assert (await judge("nurhalizanurhaliza", **about)).score < (await judge("nurhalizanurhaliza")).score
    assert (await judge("x" * 100_000)).rules == ["TOO_LONG"]
    assert (await judge("")).score == 0
