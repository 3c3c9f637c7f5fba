"""The page that opens a locked account."""

import dataclasses

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import UnlockRequested
from libs.events.sealing import unseal_event

PAGE = "/account/unlock"
EMAIL = "a@x.test"


@pytest.fixture
def links(events, settings):
    """The tokens of the links that were mailed."""

    def opened():
        ring = KeyRing.from_settings(settings)
        rows = events("UnlockRequested")
        return [unseal_event(ring, row["tenant_id"], UnlockRequested, row["data"]).secret["token"] for row in rows]

    return opened


@pytest.fixture
async def token(login, add_user, school, visitor, links):
    """The link to a locked account."""
    await add_user(school, "teacher", email=EMAIL)
    for number in range(50):
        origin = dataclasses.replace(visitor, address=f"198.51.100.{number}")
        await login(school, EMAIL, "wrong", origin=origin)
    return links()[0]


@pytest.fixture
def slug(school, as_owner):
    return as_owner("identity", "select slug from identity.tenants where id = %s", (school,))[0]["slug"]


def is_locked(as_owner):
    return bool(as_owner("identity", "select * from identity.account_failures where locked_at is not null"))


async def test_the_link_shows_a_button_and_the_button_opens(graph, token, as_owner):
    shown = await graph.http.get(PAGE, params={"token": token})
    assert shown.status_code == 200
    assert f'value="{token}"' in shown.text
    assert "Buka kunci akun" in shown.text
    assert "<script" not in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'nonce-")
    assert shown.headers["referrer-policy"] == "no-referrer"
    english = await graph.http.get(PAGE, params={"token": token}, headers={"accept-language": "en"})
    assert "Unlock your account" in english.text
    assert (await graph.http.head(PAGE, params={"token": token})).status_code == 200
    assert is_locked(as_owner)
    done = await graph.http.post(PAGE, data={"token": token})
    assert (done.status_code, "Akun Anda terbuka" in done.text) == (200, True)
    assert not is_locked(as_owner)


async def test_a_used_link_offers_another_one_of_its_school(graph, token, slug, as_owner):
    await graph.http.post(PAGE, data={"token": token})
    gone = await graph.http.post(PAGE, data={"token": token})
    assert gone.status_code == 410
    assert "tidak berlaku lagi" in gone.text
    assert f'name="school" value="{slug}"' in gone.text
    odd = await graph.http.post(PAGE, data={"token": '"><script>x</script>'})
    assert (odd.status_code, "<script" in odd.text) == (410, False)


async def test_a_new_link_is_mailed_without_telling_whether_the_account_is_there(graph, token, slug, links, as_owner):
    as_owner("identity", "update identity.one_time_tokens set created_at = created_at - interval '6 minutes'")
    answers = {}
    for email in (EMAIL, "nobody@x.test"):
        answer = await graph.http.post(PAGE, data={"school": slug, "email": email})
        nonce = answer.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
        answers[email] = (answer.status_code, answer.text.replace(nonce, ""))
    assert answers[EMAIL] == answers["nobody@x.test"]
    assert "tautan baru sedang dikirim" in answers[EMAIL][1]
    assert len(links()) == 2
    assert (await graph.http.post(PAGE, data={"token": token})).status_code == 410
    assert (await graph.http.post(PAGE, data={"token": links()[1]})).status_code == 200


async def test_the_school_is_named_by_address_or_npsn(graph, slug, school, as_owner):
    as_owner("identity", "update identity.tenants set npsn = '20304777' where id = %s", (school,))
    asked = await graph.http.get(PAGE, params={"school": slug})
    assert f'<input type="hidden" name="school" value="{slug}">' in asked.text
    asked = await graph.http.get(PAGE)
    assert '<input id="school" name="school" value=""' in asked.text
    for named in (slug.upper(), "20304777"):
        assert (await graph.http.post(PAGE, data={"school": named, "email": EMAIL})).status_code == 200
    wrong = await graph.http.post(PAGE, data={"school": "tidak-ada", "email": "bukan alamat"})
    assert wrong.status_code == 422
    assert "Sekolah ini tidak ditemukan." in wrong.text
    assert "Alamat e-mail ini tidak sah." in wrong.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 422),
        (b"school=%00&email=a%00%40x.test", "application/x-www-form-urlencoded", 422),
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 20, "application/x-www-form-urlencoded", 422),
        (b"x" * 5000, "application/x-www-form-urlencoded", 413),
        (b'{"token": "x"}', "application/json", 415),
    ],
)
async def test_odd_forms_do_nothing(*, graph, school, body, kind, status):
    answer = await graph.http.post(PAGE, content=body, headers={"content-type": kind})
    assert answer.status_code == status
