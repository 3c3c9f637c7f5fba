"""The page behind an invitation's link."""

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import UserInvited
from libs.events.sealing import unseal_event
from tests.identity.conftest import PASSWORD

PAGE = "/account/invitation"


@pytest.fixture
async def token(add_user, school, events, settings):
    await add_user(school, "parent", email="ibu@x.test", name="Ibu Wati", active=False)
    row = events("UserInvited")[-1]
    return unseal_event(KeyRing.from_settings(settings), row["tenant_id"], UserInvited, row["data"]).secret["token"]


async def post(graph, **fields):
    return await graph.http.post(PAGE, data=fields)


async def test_the_form_speaks_the_visitors_language_and_runs_no_script(graph, token):
    shown = await graph.http.get(PAGE, params={"token": token})
    assert shown.status_code == 200
    assert f'value="{token}"' in shown.text
    assert "Aktifkan akun" in shown.text
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "form-action 'self'; frame-ancestors 'none'" in policy
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cache-control"] == "no-store"
    english = await graph.http.get(PAGE, headers={"accept-language": "en-GB"})
    assert "Activate your account" in english.text


async def test_what_stands_in_the_link_is_escaped(graph):
    shown = await graph.http.get(PAGE, params={"token": '"><script>alert(1)</script>'})
    assert "<script" not in shown.text


async def test_the_form_accepts_once(graph, token, as_owner):
    assert (await post(graph, token=token, password=PASSWORD, again="other")).status_code == 422
    weak = await post(graph, token=token, password="ibuwati", again="ibuwati")
    assert weak.status_code == 422
    assert "mirip nama" in weak.text
    done = await post(graph, token=token, password=PASSWORD, again=PASSWORD)
    assert done.status_code == 200
    assert "Akun Anda aktif" in done.text
    assert as_owner("identity", "select status from identity.users") == [{"status": "ACTIVE"}]
    assert (await post(graph, token=token, password=PASSWORD, again=PASSWORD)).status_code == 410


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 410),
        (b"token=%ff&password=a&again=a", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 20, "application/x-www-form-urlencoded", 410),
        (b"x" * 9000, "application/x-www-form-urlencoded", 413),
        (b'{"token": "x"}', "application/json", 415),
    ],
)
async def test_odd_forms_change_nothing(*, graph, token, as_owner, body, kind, status):
    answer = await graph.http.post(PAGE, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert as_owner("identity", "select status from identity.users") == [{"status": "INVITED"}]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"school": "", "email": ""}, 422),
        ({"school": "school", "email": "no address"}, 422),
        ({"school": "nobody", "email": "ibu@x.test"}, 422),
        ({"school": "School", "email": "nobody@x.test"}, 200),
        ({"school": "school", "email": "IBU@x.test"}, 200),
    ],
)
async def test_a_forgotten_password_is_asked_for_by_a_form(*, graph, add_user, school, links, fields, status):
    await add_user(school, "parent", email="ibu@x.test")
    answer = await graph.http.post("/account/forgot", data=fields)
    assert answer.status_code == status
    assert len(links()) == (1 if fields.get("email") == "IBU@x.test" else 0)


async def test_the_page_of_a_new_password_tells_nothing_of_a_forged_link(graph):
    answer = await graph.http.post("/account/reset-password", data={"token": "x", "password": "a", "again": "a"})
    assert answer.status_code == 410
    assert "/account/forgot" in answer.text


async def test_the_public_keys_are_published(graph):
    answer = await graph.http.get("/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in key
