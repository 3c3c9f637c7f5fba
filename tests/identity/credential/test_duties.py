"""Who has to change the password or set up a second factor does nothing else first, in no subgraph."""

import base64
import json

import pytest

from libs.kernel import new_id
from libs.testing import GraphClient
from subgraphs.academic.app import create_app as academic_app
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import LOGIN

INVITE = """mutation { inviteUser(input: {name: "Adi", email: "adi@x.test", roles: ["teacher"]}) { __typename } }"""
SUBJECT = """mutation { createSubject(input: {code: "FIS", name: "Fisika", category: WAJIB}) { __typename } }"""
START = """mutation { startTotp(input: {password: "Melati-putih-7"}) { __typename } }"""
LOGOUT = "mutation { logout { __typename } }"
REFRESH = """mutation($input: RefreshTokenInput!) { refreshToken(input: $input) {
  ... on RefreshTokenSuccess { accessToken } } }"""


@pytest.fixture
def sign_in(graph, school):
    async def run(email):
        given = {"input": {"email": email, "password": PASSWORD}}
        return (await graph(LOGIN, given, tenant_id=school)).ok()["login"]

    return run


async def test_a_duty_stands_in_every_token_and_closes_every_other_mutation(
    *, graph, sign_in, add_user, school, settings, as_owner
):
    await add_user(school, "school_admin", email="admin@x.test")
    as_owner("identity", "update identity.users set must_change_password = true")
    answer = await sign_in("admin@x.test")
    renewed = await graph(REFRESH, {"input": {"refreshToken": answer["refreshToken"]}})
    for token in (answer["accessToken"], renewed.ok()["refreshToken"]["accessToken"]):
        headers = {"authorization": f"Bearer {token}"}
        assert (await graph(INVITE, headers=headers)).codes == ["PASSWORD_CHANGE_REQUIRED"]
        assert (await graph(START, headers=headers)).codes == ["PASSWORD_CHANGE_REQUIRED"]
        assert (await graph("{ me { id } }", headers=headers)).ok()["me"]
        async with GraphClient(academic_app(settings), settings) as academic:
            assert (await academic(SUBJECT, headers=headers)).codes == ["PASSWORD_CHANGE_REQUIRED"]
    assert (await graph(LOGOUT, headers=headers)).ok()["logout"]["__typename"] == "LogoutSuccess"


async def test_roles_of_the_policy_have_to_set_up_a_second_factor(
    *, graph, sign_in, add_user, authenticator, school, as_owner, clock
):
    demanded = """update identity.tenants set password_policy = '{"second_factor_roles": ["principal"]}'"""
    as_owner("identity", demanded)
    await add_user(school, "teacher", email="guru@x.test")
    assert _pending(await sign_in("guru@x.test")) == []
    head = await add_user(school, "principal", email="kepala@x.test")
    answer = await sign_in("kepala@x.test")
    assert _pending(answer) == ["SECOND_FACTOR"]
    headers = {"authorization": f"Bearer {answer['accessToken']}"}
    assert (await graph(INVITE, headers=headers)).codes == ["SECOND_FACTOR_REQUIRED"]
    await authenticator(head)
    renewed = (await graph(REFRESH, {"input": {"refreshToken": answer["refreshToken"]}})).ok()["refreshToken"]
    assert _pending(renewed) == []


async def test_nobody_inherits_their_way_around_a_second_factor(*, graph, sign_in, add_user, school, as_owner):
    await add_user(school, "teacher", email="guru@x.test")
    role, heir = new_id(), new_id()
    for row_id, name, system, parent in ((role, "Wakil", "principal", None), (heir, "Wakil muda", None, role)):
        as_owner(
            "identity",
            "insert into identity.roles (tenant_id, id, name, is_system_role, parent_system_role, parent_id)"
            " values (%s, %s, %s, false, %s, %s) returning id",
            (school, row_id, name, system, parent),
        )
    as_owner(
        "identity",
        "update identity.user_roles set system_role = null, role_id = %s where tenant_id = %s returning id",
        (heir, school),
    )
    demanded = """update identity.tenants set password_policy = '{"second_factor_roles": ["principal"]}' returning id"""
    as_owner("identity", demanded)
    assert _pending(await sign_in("guru@x.test")) == ["SECOND_FACTOR"]


def _pending(answer):
    claims = answer["accessToken"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=="))["pending"]
