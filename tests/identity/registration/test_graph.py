"""Registration and verification through the graph and the page: every answer, and nothing told to strangers."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID, utc_now
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.registration.operations.verify_email import verify_email
from tests.identity.conftest import PASSWORD

PAGE = "/account/verification"
INVITATION = "/account/invitation"
CHOSEN = "Kenanga-ungu-9"
GIVEN = {"name": "Ibu Wati", "email": "Wati@x.test", "phone": "081234567890"}
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"


@pytest.fixture
def call(graph, school):
    """`await call("registerUser", …)`: the answer of a public mutation at the school."""

    async def run(name, /, tenant_id=school, **given):
        kind = name[0].upper() + name[1:]
        success = {"verifyEmail": "emailVerified", "acceptInvitation": "user { name }"}.get(name, "email")
        text = (
            f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename ... on {kind}Success {{ {success} }}"
            f" ... on UserError {{ code }} ... on InvalidInput {{ fields {{ path code }} }} }} }}"
        )
        return (await graph(text, {"input": given}, tenant_id=tenant_id)).ok()[name]

    return run


def users(as_owner):
    columns = (
        "name, status, password_hash is not null as has_password, email_verified_at is not null as is_verified, staff"
    )
    return as_owner("identity", f"select {columns} from identity.users order by created_at")


async def test_who_registers_is_in_once_the_reader_of_the_mail_chose_a_password(
    *, call, graph, open_school, as_owner, registrations, audited, events
):
    assert await call("registerUser", **GIVEN) == {"__typename": "RegisterUserSuccess", "email": "Wati@x.test"}
    pending = {"name": "Ibu Wati", "status": "INVITED", "has_password": False, "is_verified": False, "staff": False}
    assert users(as_owner) == [pending]
    assert as_owner("identity", "select hat from identity.user_roles") == [{"hat": "parent"}]
    (asked,) = registrations()
    assert asked.personal == {"name": "Ibu Wati", "email": "Wati@x.test"}
    assert asked.secret["token"] not in str(events("UserRegistered"))
    assert events("UserInvited") == events("EmailVerificationRequested") == []
    chosen = {"token": asked.secret["token"], "password": CHOSEN}
    assert (await call("acceptInvitation", **chosen | {"password": "ibuwati"}))["code"] == "WEAK_PASSWORD"
    completed = await call("acceptInvitation", tenant_id=None, **chosen)
    assert completed == {"__typename": "AcceptInvitationSuccess", "user": {"name": "Ibu Wati"}}
    assert users(as_owner) == [pending | {"status": "ACTIVE", "has_password": True, "is_verified": True}]
    assert len(events("UserActivated")) == 1
    assert audited(open_school) == ["user.created", "user.activated"]
    login = {"email": GIVEN["email"], "password": CHOSEN}
    assert (await graph(LOGIN, {"input": login}, tenant_id=open_school)).ok()["login"] == {"__typename": "LoginSuccess"}
    assert (await call("acceptInvitation", **chosen))["code"] == "INVALID_TOKEN"


async def test_who_registers_brings_no_password(graph, open_school, as_owner):
    text = "mutation($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    answer = await graph(text, {"input": GIVEN | {"password": CHOSEN}}, tenant_id=open_school)
    assert answer.codes == ["BAD_REQUEST"]
    assert users(as_owner) == []


async def test_the_page_of_the_link_takes_the_password(graph, register, registrations, as_owner):
    await register(GIVEN["email"])
    token = registrations()[0].secret["token"]
    for _ in range(2):
        shown = await graph.http.get(INVITATION, params={"token": token})
        assert (shown.status_code, f'value="{token}"' in shown.text) == (200, True)
    form = {"token": token, "password": CHOSEN, "again": CHOSEN}
    done = await graph.http.post(INVITATION, data=form, headers={"accept-language": "en"})
    assert (done.status_code, "Your account is active" in done.text) == (200, True)
    assert users(as_owner)[0]["is_verified"]
    gone = await graph.http.post(INVITATION, data=form, headers={"accept-language": "en"})
    assert (gone.status_code, "register again" in gone.text) == (410, True)


@pytest.mark.parametrize("active", [True, False])
async def test_an_address_with_an_account_gets_the_same_answer_and_another_mail(
    *, call, open_school, add_user, as_owner, events, active
):
    holder = await add_user(open_school, "teacher", email="wati@x.test", active=active)
    before = as_owner("identity", "select * from identity.users")
    created = len(events("UserCreated"))
    assert await call("registerUser", **GIVEN) == {"__typename": "RegisterUserSuccess", "email": "Wati@x.test"}
    assert as_owner("identity", "select * from identity.users") == before
    (repeated,) = events("RegistrationRepeated")
    assert repeated["data"]["user_id"] == str(holder.user_id)
    assert "wati" not in str(repeated["data"]).lower()
    assert len(events("UserCreated")) == created
    assert events("UserRegistered") == []


async def test_of_three_who_register_one_address_one_makes_the_account_and_the_last_link_counts(
    *, register, complete, as_owner, registrations, events
):
    await asyncio.gather(*(register(GIVEN["email"], name=name) for name in ("Satu", "Dua", "Tiga")))
    assert len(users(as_owner)) == len(events("UserCreated")) == 1
    *former, last = registrations()
    assert len(former) == 2
    for each in former:
        with pytest.raises(InvalidToken):
            await complete(each.secret["token"])
    await complete(last.secret["token"])
    assert [row["name"] for row in users(as_owner)] == [last.personal["name"]]
    assert events("RegistrationRepeated") == []


async def test_what_a_registration_can_be_refused_for(call, graph, school, as_owner):
    assert (await call("registerUser", **GIVEN))["code"] == "REGISTRATION_CLOSED"
    as_owner(
        "identity", "update identity.tenants set registration_role = 'parent' where id = %s returning id", (school,)
    )
    wrong = await call("registerUser", **GIVEN | {"email": "x", "phone": "1"})
    assert [field["path"] for field in wrong["fields"]] == ["input.email", "input.phone"]
    french = await call("registerUser", **GIVEN | {"language": "fr"})
    assert [field["path"] for field in french["fields"]] == ["input.language"]
    text = "mutation($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    nowhere = (await graph(text, {"input": GIVEN})).ok()["registerUser"]
    assert nowhere == {"__typename": "RegistrationClosed"}
    assert users(as_owner) == []


async def test_an_account_that_is_there_verifies_its_address(
    *, call, add_user, school, as_owner, verifications, events
):
    await add_user(school, "teacher", email="guru@x.test")
    assert (await call("resendVerification", email="GURU@x.test"))["__typename"] == "ResendVerificationSuccess"
    (asked,) = verifications()
    assert (await call("verifyEmail", token=asked.secret["token"]))["emailVerified"] is True
    (row,) = users(as_owner)
    assert (row["status"], row["is_verified"]) == ("ACTIVE", True)
    assert len(events("UserUpdated")) == 1
    await call("resendVerification", email="guru@x.test")
    assert len(verifications()) == 1


async def test_nobody_learns_who_has_an_account_by_asking_again(
    *, call, add_user, invite, school, other_school, verifications, as_owner
):
    await add_user(other_school, "teacher", email="lain@x.test")
    await invite(school, "undangan@x.test")
    await add_user(school, "teacher", email="keluar@x.test")
    as_owner("identity", "update identity.users set status = 'INACTIVE' where password_hash is not null returning id")
    for email in ("tidakada@x.test", "lain@x.test", "undangan@x.test", "keluar@x.test"):
        answer = await call("resendVerification", email=email)
        assert answer == {"__typename": "ResendVerificationSuccess", "email": email}
    assert verifications() == []


@pytest.mark.parametrize("again", ["resendVerification", "registerUser"])
async def test_a_registration_gets_three_mails_in_an_hour_and_the_last_link_alone_is_good(
    *, call, open_school, registrations, verifications, complete, as_owner, clock, again
):
    await call("registerUser", **GIVEN)
    for number in range(4):
        given = {"email": GIVEN["email"]} if again == "resendVerification" else GIVEN | {"name": f"Wati {number}"}
        assert await call(again, **given) == {
            "__typename": f"{again[0].upper()}{again[1:]}Success",
            "email": "Wati@x.test",
        }
    *former, last = [asked.secret["token"] for asked in registrations()]
    assert len(former) == 2
    clock.now = utc_now()
    for token in former:
        with pytest.raises(InvalidToken):
            await complete(token)
    await complete(last)
    assert verifications() == []
    (row,) = users(as_owner)
    assert row["name"] == ("Ibu Wati" if again == "resendVerification" else "Wati 1")


async def test_an_account_gets_three_mails_in_an_hour(*, call, add_user, school, verifications, clock, resend):
    await add_user(school, "teacher", email="guru@x.test")
    for _ in range(5):
        await call("resendVerification", email="guru@x.test")
    *former, last = [asked.secret["token"] for asked in verifications()]
    assert len(former) == 2
    for token in former:
        assert (await call("verifyEmail", token=token))["code"] == "INVALID_TOKEN"
    clock.now = utc_now() + timedelta(minutes=61)
    await resend("guru@x.test")
    assert len(verifications()) == 4
    assert (await call("verifyEmail", token=last))["code"] == "INVALID_TOKEN"


@pytest.fixture
async def token(add_user, resend, school, verifications):
    """A link that verifies the address of an account that is there."""
    await add_user(school, "teacher", email="guru@x.test")
    await resend("guru@x.test")
    return verifications()[0].secret["token"]


@pytest.fixture
def verify(database, contacts, visitor):
    async def run(token, tenant_id=PLATFORM_TENANT_ID):
        async with database.write(system_binding(tenant_id)) as tx:
            await verify_email(tx, token=token, origin=visitor, contacts=contacts)

    return run


async def test_a_token_is_good_once_for_a_day_in_its_school_until_its_account_is_out(
    *, verify, token, clock, other_school, as_owner
):
    with pytest.raises(InvalidToken):
        await verify(token, other_school)
    moved = clock.now
    clock.now = moved + timedelta(hours=24, minutes=1)
    with pytest.raises(InvalidToken):
        await verify(token)
    clock.now = moved
    for change, back in (
        ("status = 'INACTIVE'", "status = 'ACTIVE'"),
        ("status = 'INVITED'", "status = 'ACTIVE'"),
        ("deleted_at = now()", "deleted_at = null"),
    ):
        as_owner("identity", f"update identity.users set {change} returning id")
        with pytest.raises(InvalidToken):
            await verify(token)
        as_owner("identity", f"update identity.users set {back} returning id")
    answers = await asyncio.gather(verify(token), verify(token), return_exceptions=True)
    assert sum(isinstance(answer, InvalidToken) for answer in answers) == 1
    assert sum(answer is None for answer in answers) == 1


async def test_a_scanner_that_opens_the_link_uses_nothing_up(graph, token, as_owner):
    for _ in range(2):
        shown = await graph.http.get(PAGE, params={"token": token})
        assert shown.status_code == 200
        assert f'value="{token}"' in shown.text
        assert "<script" not in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'nonce-")
    assert not users(as_owner)[0]["is_verified"]
    done = await graph.http.post(PAGE, data={"token": token})
    assert done.status_code == 200
    assert "telah diverifikasi" in done.text
    assert users(as_owner)[0]["is_verified"]
    gone = await graph.http.post(PAGE, data={"token": token}, headers={"accept-language": "en"})
    assert gone.status_code == 410
    assert "not valid any more" in gone.text


async def test_odd_forms_verify_nothing(graph, token, as_owner):
    injected = await graph.http.get(PAGE, params={"token": '"><script>alert(1)</script>'})
    assert "<script" not in injected.text
    kind = {"content-type": "application/x-www-form-urlencoded"}
    odd = {b"": 410, b"token=%ff": 400, b"a=1&" * 20: 410, b"x" * 3000: 413, f"token={token}x".encode(): 410}
    for body, status in odd.items():
        assert (await graph.http.post(PAGE, content=body, headers=kind)).status_code == status
    assert (await graph.http.post(PAGE, json={"token": token})).status_code == 415
    assert not users(as_owner)[0]["is_verified"]
    assert PASSWORD not in token
