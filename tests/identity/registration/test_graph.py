"""Registration and verification through the graph and the page: every answer, and nothing told to strangers."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.registration.operations.verify_email import verify_email
from tests.identity.conftest import PASSWORD

PAGE = "/account/verification"
GIVEN = {"name": "Ibu Wati", "email": "Wati@x.test", "phone": "081234567890", "password": "Kenanga-ungu-9"}
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"


@pytest.fixture
def call(graph, school):
    """`await call("registerUser", …)`: the answer of a public mutation at the school."""

    async def run(name, /, tenant_id=school, **given):
        kind = name[0].upper() + name[1:]
        success = "emailVerified" if name == "verifyEmail" else "email"
        weak = " ... on WeakPassword { rules }" if name == "registerUser" else ""
        text = (
            f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename ... on {kind}Success {{ {success} }}"
            f" ... on UserError {{ code }} ... on InvalidInput {{ fields {{ path code }} }}{weak} }} }}"
        )
        return (await graph(text, {"input": given}, tenant_id=tenant_id)).ok()[name]

    return run


def users(as_owner):
    columns = (
        "name, status, password_hash is not null as has_password, email_verified_at is not null as is_verified, staff"
    )
    return as_owner("identity", f"select {columns} from identity.users order by created_at")


async def test_who_registers_is_in_once_the_address_is_verified(
    *, call, graph, open_school, as_owner, verifications, audited, events
):
    assert await call("registerUser", **GIVEN) == {"__typename": "RegisterUserSuccess", "email": "Wati@x.test"}
    pending = {"name": "Ibu Wati", "status": "INVITED", "has_password": True, "is_verified": False, "staff": False}
    assert users(as_owner) == [pending]
    assert as_owner("identity", "select hat from identity.user_roles") == [{"hat": "parent"}]
    login = {"email": GIVEN["email"], "password": GIVEN["password"]}
    assert (await graph(LOGIN, {"input": login}, tenant_id=open_school)).ok()["login"] == {
        "__typename": "InvalidCredentials"
    }
    (asked,) = verifications()
    assert asked.personal == {"name": "Ibu Wati", "email": "Wati@x.test"}
    assert asked.secret["token"] not in str(events("EmailVerificationRequested"))
    verified = await call("verifyEmail", tenant_id=None, token=asked.secret["token"])
    assert verified == {"__typename": "VerifyEmailSuccess", "emailVerified": True}
    assert users(as_owner) == [pending | {"status": "ACTIVE", "is_verified": True}]
    assert len(events("UserActivated")) == 1
    assert audited(open_school)[:2] == ["user.created", "auth.login_failed"]
    assert (await graph(LOGIN, {"input": login}, tenant_id=open_school)).ok()["login"] == {"__typename": "LoginSuccess"}
    assert (await call("verifyEmail", token=asked.secret["token"]))["code"] == "INVALID_TOKEN"


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
    assert events("EmailVerificationRequested") == []


async def test_of_two_who_register_one_address_one_gets_the_account(call, open_school, as_owner, events):
    await asyncio.gather(*(call("registerUser", **GIVEN) for _ in range(3)))
    assert len(users(as_owner)) == len(events("EmailVerificationRequested")) == 1
    assert len(events("RegistrationRepeated")) == 2


async def test_what_a_registration_can_be_refused_for(call, graph, school, as_owner):
    assert (await call("registerUser", **GIVEN))["code"] == "REGISTRATION_CLOSED"
    as_owner(
        "identity", "update identity.tenants set registration_role = 'parent' where id = %s returning id", (school,)
    )
    weak = await call("registerUser", **GIVEN | {"password": "ibuwati"})
    assert weak["code"] == "WEAK_PASSWORD"
    wrong = await call("registerUser", **GIVEN | {"email": "x", "phone": "1"})
    assert [field["path"] for field in wrong["fields"]] == ["input.email", "input.phone"]
    french = await call("registerUser", **GIVEN | {"language": "fr"})
    assert [field["path"] for field in french["fields"]] == ["input.language"]
    text = "mutation($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    assert (await graph(text, {"input": GIVEN})).codes == ["BAD_REQUEST"]
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


async def test_an_account_gets_three_mails_in_an_hour_and_the_last_link_alone_is_good(call, open_school, verifications):
    await call("registerUser", **GIVEN)
    for _ in range(4):
        await call("resendVerification", email=GIVEN["email"])
    *former, last = [asked.secret["token"] for asked in verifications()]
    assert len(former) == 2
    for token in former:
        assert (await call("verifyEmail", token=token))["code"] == "INVALID_TOKEN"
    assert (await call("verifyEmail", token=last))["emailVerified"] is True


@pytest.fixture
async def token(call, open_school, verifications):
    await call("registerUser", **GIVEN)
    return verifications()[0].secret["token"]


@pytest.fixture
def verify(database, contacts, revocations, visitor):
    async def run(token, tenant_id=PLATFORM_TENANT_ID):
        async with database.write(system_binding(tenant_id)) as tx:
            return await verify_email(tx, token=token, origin=visitor, contacts=contacts, revocations=revocations)

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
        ("status = 'INACTIVE'", "status = 'INVITED'"),
        ("deleted_at = now()", "deleted_at = null"),
        ("password_hash = null", "password_hash = '-'"),
    ):
        as_owner("identity", f"update identity.users set {change} returning id")
        with pytest.raises(InvalidToken):
            await verify(token)
        as_owner("identity", f"update identity.users set {back} returning id")
    answers = await asyncio.gather(verify(token), verify(token), return_exceptions=True)
    assert sum(isinstance(answer, InvalidToken) for answer in answers) == 1
    assert sum(answer == "ACTIVE" for answer in answers) == 1


async def test_a_scanner_that_opens_the_link_uses_nothing_up(graph, token, as_owner):
    for _ in range(2):
        shown = await graph.http.get(PAGE, params={"token": token})
        assert shown.status_code == 200
        assert f'value="{token}"' in shown.text
        assert "<script" not in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'nonce-")
    assert users(as_owner)[0]["status"] == "INVITED"
    done = await graph.http.post(PAGE, data={"token": token})
    assert done.status_code == 200
    assert "telah diverifikasi" in done.text
    assert users(as_owner)[0]["status"] == "ACTIVE"
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
    assert users(as_owner)[0]["status"] == "INVITED"
    assert PASSWORD not in token
