"""Attacks by registering an account for an address of somebody else."""

import pytest

from libs.auth import system_binding
from libs.events import EventMeta
from libs.events.contracts.academic import GuardianContact, StudentCreated
from libs.kernel import new_id
from subgraphs.identity.consumers import consumers

GIVEN = {"name": "Bukan Ibu", "email": "Ibu@x.test", "password": "Kenanga-ungu-9"}
REGISTER = "mutation($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
VERIFY = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { __typename } }"
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
ACCEPT = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { __typename } }"


@pytest.fixture
def say(graph, open_school):
    """The typename that a public mutation answers at the school."""

    async def run(text, **given):
        (answer,) = (await graph(text, {"input": given}, tenant_id=open_school)).ok().values()
        return answer["__typename"]

    return run


@pytest.fixture
def enrol(database, contacts, revocations, clock):
    """`await enrol(school, email)`: academic tells of a pupil whose mother has that address."""

    async def run(tenant_id, email):
        mother = GuardianContact(
            guardian_id=new_id(), relation="MOTHER", user_id=None, personal={"name": "Ibu Asli", "email": email}
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


async def test_a_stranger_who_registers_a_parents_address_gets_nothing_of_the_pupil(
    *, say, enrol, open_school, verifications, invitations
):
    assert await say(REGISTER, **GIVEN) == "RegisterUserSuccess"
    await enrol(open_school, "ibu@x.test")
    (mailed,) = verifications()
    assert await say(VERIFY, token=mailed.secret["token"]) == "InvalidToken"
    (invited,) = invitations()
    assert invited.roles == ("parent",)
    own = {"token": invited.secret["token"], "password": "Melati-merah-3"}
    assert await say(ACCEPT, **own) == "AcceptInvitationSuccess"
    strangers = {"email": GIVEN["email"], "password": GIVEN["password"]}
    assert await say(LOGIN, **strangers) == "InvalidCredentials"
    assert await say(LOGIN, **strangers | {"password": own["password"]}) == "LoginSuccess"


async def test_an_account_that_was_verified_keeps_its_password(*, say, enrol, open_school, verifications, invitations):
    assert await say(REGISTER, **GIVEN) == "RegisterUserSuccess"
    (mailed,) = verifications()
    assert await say(VERIFY, token=mailed.secret["token"]) == "VerifyEmailSuccess"
    await enrol(open_school, "ibu@x.test")
    assert invitations() == []
    assert await say(LOGIN, email=GIVEN["email"], password=GIVEN["password"]) == "LoginSuccess"
