"""Access of integrators given, renewed and taken away."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import permissions_of, system_binding
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, InvalidInput, NotFound
from libs.testing import actor_of
from subgraphs.identity.api_client import rules
from subgraphs.identity.api_client.operations.revoke_api_client import revoke_api_client
from subgraphs.identity.api_client.operations.rotate_api_client_secret import rotate_api_client_secret
from subgraphs.identity.api_client.operations.upkeep import purge_assertions
from tests.identity.api_client.integrator import ec_key, jwks_of, rsa_key

DAY = timedelta(days=1)


@pytest.fixture
def rotate(database, visitor, revocations, school):
    async def run(client, overlap=DAY, *, jwks=None, actor=None, tenant_id=school):
        async with database.write(system_binding(tenant_id)) as tx:
            return await rotate_api_client_secret(
                tx,
                actor=actor or actor_of("school_admin", school),
                api_client_id=client.id,
                overlap=overlap,
                jwks=jwks,
                origin=visitor,
                revocations=revocations,
            )

    return run


@pytest.fixture
def revoke(database, visitor, revocations, school):
    async def run(client, tenant_id=school):
        async with database.write(system_binding(tenant_id)) as tx:
            actor = actor_of("school_admin", school)
            await revoke_api_client(tx, actor=actor, api_client_id=client.id, origin=visitor, revocations=revocations)

    return run


@pytest.fixture
def kept(as_owner):
    def rows():
        return as_owner("identity", "select * from identity.api_clients order by created_at, id")

    return rows


async def test_a_client_is_made_and_its_secret_kept_as_a_hash(add_client, school, kept, events, audited):
    client = await add_client(school, "user:read", "role:read")
    (row,) = kept()
    assert (row["tenant_id"], row["id"]) == rules.read_client_identifier(client.client_id) == (school, client.id)
    assert (row["scopes"], row["ver"], row["keys"]) == (["role:read", "user:read"], 1, None)
    assert bytes(row["secret_hash"]) == rules.hashed(client.secret)
    (event,) = events("ApiClientCreated")
    assert event["data"]["scopes"] == ["role:read", "user:read"]
    assert client.secret not in str(event)
    assert audited(school) == ["api_client.created"]


async def test_a_client_with_keys_has_no_secret(add_client, school, kept):
    key = ec_key()
    assert (await add_client(school, key=key)).secret is None
    assert kept()[0]["keys"] == {"keys": [key.as_dict(private=False)]}


async def test_a_point_on_no_curve_is_no_key(add_client, school, kept):
    class Forged:
        def as_dict(self, *, private):
            return ec_key().as_dict(private=private) | {"y": ec_key().as_dict(private=private)["y"]}

    with pytest.raises(InvalidInput) as invalid:
        await add_client(school, key=Forged())
    assert [fault.code for fault in invalid.value.faults] == ["UNSUITABLE_KEY"]
    assert kept() == []


async def test_a_name_is_given_once_whoever_is_first(add_client, school, other_school, kept):
    made = await asyncio.gather(*(add_client(school) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, rules.ApiClientNameTaken) for each in made) == 3
    await add_client(other_school)
    assert {row["tenant_id"] for row in kept()} == {school, other_school}


@pytest.mark.parametrize("role", ["principal", "teacher", "finance_staff"])
async def test_nobody_gives_what_they_do_not_hold(add_client, school, kept, role):
    with pytest.raises(Forbidden):
        await add_client(school, "role:assign", actor=actor_of(role, school))
    assert kept() == []


async def test_the_platform_has_no_clients(add_client):
    with pytest.raises(Forbidden):
        await add_client(PLATFORM_TENANT_ID, actor=actor_of("super_admin", PLATFORM_TENANT_ID))


async def test_a_platform_administrator_makes_one_for_a_school(add_client, school, audited):
    await add_client(school, actor=actor_of("super_admin", school, acting_on=school))
    assert audited(school)[-1] == audited(PLATFORM_TENANT_ID)[-1] == "api_client.created"


async def test_rotation_keeps_the_former_secret_for_a_while(
    *, add_client, rotate, school, kept, events, audited, clock
):
    client = await add_client(school)
    rotated = await rotate(client, timedelta(hours=3))
    (row,) = kept()
    assert bytes(row["secret_hash"]) == rules.hashed(rotated.secret)
    assert bytes(row["former_secret_hash"]) == rules.hashed(client.secret)
    assert row["former_valid_until"] == rotated.former_valid_until == clock.now + timedelta(hours=3)
    assert row["ver"] == 1
    assert len(events("ApiClientSecretRotated")) == 1
    assert audited(school) == ["api_client.created", "api_client.rotated"]


async def test_without_overlap_the_former_secret_and_all_tokens_end(*, add_client, rotate, school, kept, revocations):
    client = await add_client(school)
    await rotate(client, DAY)
    await rotate(client, timedelta(0))
    (row,) = kept()
    assert (row["former_secret_hash"], row["former_valid_until"], row["ver"]) == (None, None, 2)
    assert revocations._versions[client.id][0] == 2


async def test_of_two_rotations_at_once_one_wins(add_client, rotate, school, kept):
    client = await add_client(school)
    done = await asyncio.gather(*(rotate(client) for _ in range(4)), return_exceptions=True)
    (won,) = [each for each in done if not isinstance(each, Exception)]
    assert sum(isinstance(each, rules.RotationUnderWay) for each in done) == 3
    (row,) = kept()
    assert bytes(row["secret_hash"]) == rules.hashed(won.secret)
    assert bytes(row["former_secret_hash"]) == rules.hashed(client.secret)


async def test_after_the_overlap_a_secret_is_rotated_again(add_client, rotate, school, clock):
    client = await add_client(school)
    await rotate(client, DAY)
    clock.now += DAY
    assert (await rotate(client, DAY)).former_valid_until == clock.now + DAY


async def test_keys_are_replaced(add_client, rotate, school, kept):
    client = await add_client(school, key=ec_key())
    new = rsa_key("new")
    assert (await rotate(client, jwks=jwks_of(new))).secret is None
    assert kept()[0]["keys"] == {"keys": [new.as_dict(private=False)]}
    assert kept()[0]["ver"] == 1
    await rotate(client, timedelta(0), jwks=jwks_of(new))
    assert kept()[0]["ver"] == 2


async def test_what_a_rotation_is_refused_for(*, add_client, rotate, revoke, school, other_school, kept):
    client = await add_client(school)
    keyed = await add_client(school, name="Bank", key=ec_key())
    before = kept()
    with pytest.raises(InvalidInput):
        await rotate(client, jwks=jwks_of(ec_key()))
    with pytest.raises(InvalidInput):
        await rotate(keyed)
    with pytest.raises(InvalidInput):
        await rotate(keyed, jwks=jwks_of(ec_key(), private=True))
    with pytest.raises(NotFound):
        await rotate(client, tenant_id=other_school)
    assert kept() == before
    await revoke(client)
    with pytest.raises(rules.ApiClientRevoked):
        await rotate(client)


async def test_a_secret_is_told_to_those_alone_who_may_do_what_its_client_may(add_client, rotate, school, kept):
    client = await add_client(school, "grade:record_any")
    before = kept()
    assert "grade:record_any" not in permissions_of(["principal"])
    with pytest.raises(Forbidden):
        await rotate(client, actor=actor_of("principal", school))
    assert kept() == before


async def test_revoking_ends_tokens_and_is_told_once(
    *, add_client, revoke, school, kept, events, revocations, as_owner
):
    client = await add_client(school)
    for _ in range(2):
        await revoke(client)
    (row,) = kept()
    assert row["revoked_at"] is not None
    assert row["ver"] == revocations._versions[client.id][0] == 2
    assert len(events("ApiClientRevoked")) == 1
    said = as_owner("identity", "select user_id, ver from identity.revocations")
    assert said == [{"user_id": client.id, "ver": 2}]


async def test_another_schools_client_is_not_there(add_client, revoke, school, other_school, kept):
    client = await add_client(school)
    with pytest.raises(NotFound):
        await revoke(client, tenant_id=other_school)
    assert kept()[0]["revoked_at"] is None


async def test_spent_assertions_are_forgotten_when_their_time_is_over(*, add_client, database, school, clock, as_owner):
    client = await add_client(school, key=ec_key())
    for seconds in (-1, 60):
        as_owner(
            "identity",
            "insert into identity.spent_assertions (tenant_id, id, client_id, assertion_hash, expires_at)"
            " values (%s, gen_random_uuid(), %s, %s, %s)",
            (school, client.id, bytes([seconds % 256]), clock.now + timedelta(seconds=seconds)),
        )
    async with database.write(system_binding(school)) as tx:
        await purge_assertions(tx)
    rows = as_owner("identity", "select assertion_hash from identity.spent_assertions")
    assert [bytes(row["assertion_hash"]) for row in rows] == [bytes([60])]
