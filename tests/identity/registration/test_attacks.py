"""Attacks by registering an account for an address of somebody else."""

import asyncio

import pytest

from libs.auth import system_binding
from libs.events import EventMeta
from libs.events.contracts.academic import GuardianContact, StudentCreated
from libs.jobs import JobRunner
from libs.kernel import new_id, utc_now
from libs.testing import actor_of
from subgraphs.identity.app import open_queue, open_uploads
from subgraphs.identity.consumers import consumers
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.jobs import jobs

EMAIL = "Ibu@x.test"
STRANGERS = {"name": "Bukan Ibu", "phone": "+6289999999999"}
PASSWORD = "Melati-merah-3"
ACCEPT = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { __typename } }"
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
FILE = "name,email,roles\nIbu Asli,ibu@x.test,parent\n"
WHO = (
    "select id, tenant_id, name, status, phone_blind from identity.users where email_blind = %s and deleted_at is null"
)


@pytest.fixture
def say(graph, open_school):
    """The typename that a public mutation answers at the school."""

    async def run(text, **given):
        (answer,) = (await graph(text, {"input": given}, tenant_id=open_school)).ok().values()
        return answer["__typename"]

    return run


@pytest.fixture
def enrol(database, contacts, revocations, clock):
    """`await enrol(school)`: academic tells of a pupil whose mother has the address."""

    async def run(tenant_id):
        mother = GuardianContact(
            guardian_id=new_id(), relation="MOTHER", user_id=None, personal={"name": "Ibu Asli", "email": EMAIL.lower()}
        )
        event = StudentCreated(
            student_id=new_id(),
            nis="1",
            nisn=None,
            gender="MALE",
            status="ACTIVE",
            user_id=None,
            guardians=(mother,),
            personal={"name": "Andi Wijaya"},
        )
        async with database.write(system_binding(tenant_id)) as tx:
            meta = EventMeta(id=new_id(), sequence=1, time=clock.now, tenant_id=tenant_id)
            await consumers(contacts, revocations)[StudentCreated](tx, event, meta)

    return run


@pytest.fixture
def add(*, graph, enrol, invite, open_school, database, contacts, settings, clock):
    """`await add("invited")`: the school adds the person, in one of its ways."""
    admin = actor_of("school_admin", open_school)

    async def do(name, given):
        kind = name[0].upper() + name[1:]
        text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename }} }}"
        assert (await graph(text, {"input": given}, actor=admin)).ok()[name]["__typename"] == f"{kind}Success"

    async def run(way):
        given = {"name": "Ibu Asli", "email": EMAIL, "roles": ["parent"]}
        match way:
            case "enrolled":
                await enrol(open_school)
            case "invited":
                await invite(open_school, EMAIL, roles=("parent",), name="Ibu Asli")
            case "created":
                await do("createUser", given | {"password": PASSWORD})
            case "imported":
                await do("importUsers", {"file": {"text": FILE}})
                clock.now = utc_now()
                assert await JobRunner(database, open_queue(settings), jobs(contacts, open_uploads(settings))).run_next(
                    asyncio.Event()
                )
            case "moved":
                user_id = await invite(open_school, "lama@x.test", roles=("parent",), name="Ibu Asli")
                await do("updateUser", {"userId": str(user_id), "email": EMAIL})

    return run


@pytest.mark.parametrize("way", ["enrolled", "invited", "created", "imported", "moved"])
async def test_nothing_a_stranger_registered_is_left_once_the_school_adds_the_person(
    *, register, add, complete, open_school, other_school, registrations, contacts, as_owner, events, audited, way
):
    await register(EMAIL, **STRANGERS)
    await register(EMAIL, **STRANGERS, tenant_id=other_school)
    blind = contacts.blind(open_school, EMAIL)
    (before,) = as_owner("identity", WHO, (blind,))
    await add(way)
    (after,) = as_owner("identity", WHO, (blind,))
    assert (after["name"], after["id"] != before["id"]) == ("Ibu Asli", True)
    for table, column in (("users", "id"), ("user_roles", "user_id"), ("data_keys", "subject_id")):
        assert as_owner("identity", f"select 1 from identity.{table} where {column} = %s", (before["id"],)) == []
    assert after["phone_blind"] != before["phone_blind"]
    words = as_owner("identity", "select tenant_id from identity.user_names where token = 'bukan'")
    assert words == [{"tenant_id": other_school}]
    assert [row["data"]["user_id"] for row in events("UserDeleted")] == [str(before["id"])]
    assert "user.deleted" in audited(open_school)
    assert "Bukan" not in str(as_owner("identity", "select old_values, new_values from identity.audit_logs"))
    here, there = registrations()
    with pytest.raises(InvalidToken):
        await complete(here.secret["token"])
    assert (await complete(there.secret["token"], tenant_id=other_school)).tenant_id == other_school


async def test_who_was_added_after_a_strangers_registration_is_invited_like_anybody(
    *, say, register, enrol, open_school, invitations
):
    await register(EMAIL, **STRANGERS)
    await enrol(open_school)
    (invited,) = invitations()
    assert invited.roles == ("parent",)
    assert invited.personal["name"] == "Ibu Asli"
    assert await say(ACCEPT, token=invited.secret["token"], password=PASSWORD) == "AcceptInvitationSuccess"
    assert await say(LOGIN, email=EMAIL, password=PASSWORD) == "LoginSuccess"


async def test_an_account_that_was_completed_keeps_its_password(
    *, say, register, enrol, open_school, registrations, invitations
):
    await register(EMAIL)
    (mailed,) = registrations()
    assert await say(ACCEPT, token=mailed.secret["token"], password=PASSWORD) == "AcceptInvitationSuccess"
    await enrol(open_school)
    assert invitations() == []
    assert await say(LOGIN, email=EMAIL, password=PASSWORD) == "LoginSuccess"


async def test_nobody_completes_what_somebody_else_said(
    *, register, complete, registrations, as_owner, contacts, school
):
    """A stranger registers the address, then its owner does: the owner's link makes an account of what they said."""
    await register(EMAIL, **STRANGERS)
    await register(EMAIL, name="Ibu Asli", phone=None)
    strangers, own = (each.secret["token"] for each in registrations())
    with pytest.raises(InvalidToken):
        await complete(strangers)
    await complete(own)
    (row,) = as_owner("identity", WHO, (contacts.blind(school, EMAIL),))
    assert (row["name"], row["status"], row["phone_blind"]) == ("Ibu Asli", "ACTIVE", None)
    assert {each["token"] for each in as_owner("identity", "select token from identity.user_names")} == {"ibu", "asli"}


@pytest.mark.parametrize("way", ["restored", "activated"])
async def test_what_the_school_lets_in_again_is_its_own_invitation(
    *, register, complete, graph, school, registrations, invitations, resend, as_owner, way
):
    await register(EMAIL)
    (user,) = as_owner("identity", "select id from identity.users")
    for name in ("deleteUser", "restoreUser") if way == "restored" else ("deactivateUser", "activateUser"):
        kind = name[0].upper() + name[1:]
        text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename }} }}"
        given = {"input": {"userId": str(user["id"])}}
        (await graph(text, given, actor=actor_of("school_admin", school))).ok()
    with pytest.raises(InvalidToken):
        await complete(registrations()[0].secret["token"])
    await resend(EMAIL)
    assert len(registrations()) == 1
    await complete(invitations()[0].secret["token"])
