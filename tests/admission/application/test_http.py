"""The public pages through the application itself."""

import asyncio
import re
from uuid import uuid4

import pytest
from httpx import Response

from tests.admission.graph import FORM, Scene

INDONESIAN, ENGLISH = {"accept-language": "id-ID,id"}, {"accept-language": "en-GB"}
FIELDS = dict(FORM)


def path(here: Scene) -> str:
    return f"/ppdb/school/{here.period.id}"


async def send(here: Scene, key: str | None = None, **changes: str) -> Response:
    fields = FIELDS | {"key": key or str(uuid4())} | changes
    return await here.graph.http.post(path(here), data=fields, headers=INDONESIAN)


def told(page: Response) -> list[str]:
    return re.findall(r'<dd class="code">([^<]+)</dd>', page.text)


async def test_a_school_s_page_shows_where_one_can_apply(here: Scene, there: Scene):
    page = await here.graph.http.get("/ppdb/School", headers=INDONESIAN)
    assert page.status_code == 200
    assert "Gelombang 1" in page.text
    assert "Gelombang 2" not in page.text  # a draft
    assert "Rp150.000" in page.text
    assert f'href="/ppdb/School/{here.period.id}"' in page.text
    assert str(there.period.id) not in page.text
    assert '<html lang="id">' in page.text
    english = await here.graph.http.get("/ppdb/school", headers=ENGLISH)
    assert "Applications for new pupils" in english.text
    assert (english.headers["content-language"], english.headers["vary"]) == ("en", "Accept-Language")


async def test_the_pages_run_no_script_and_are_kept_nowhere(here: Scene):
    for page in (await here.graph.http.get("/ppdb/school"), await here.graph.http.get(path(here)), await send(here)):
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'nonce-")
        assert "<script" not in page.text
        assert 'name="viewport"' in page.text
        assert "set-cookie" not in page.headers


async def test_a_family_applies_and_sees_how_it_stands(here: Scene):
    form = await here.graph.http.get(path(here), headers=INDONESIAN)
    key = re.search(r'name="key" value="([^"]+)"', form.text).group(1)
    page = await send(here, key)
    number, secret = told(page)
    row = here.world.applications()[-1]
    assert (row["number"], row["full_name"], row["gender"]) == (number, "Budi Santoso", "MALE")
    for given in ({"secret": secret.lower()}, {"birthDate": "2012-05-06"}, {"secret": secret, "birthDate": ""}):
        status = await here.graph.http.post("/ppdb/school/status", data={"number": number} | given, headers=INDONESIAN)
        assert "Terkirim" in status.text
        assert "Bayar biaya pendaftaran" in status.text
    other = "/ppdb/other-school/status"
    wrong = [
        ("/ppdb/school/status", {"number": number}),
        ("/ppdb/school/status", {"number": number, "secret": "AAAA"}),
        ("/ppdb/school/status", {"number": "\0", "birthDate": "2012-05-06"}),
        ("/ppdb/school/status", {"number": number, "birthDate": "2012-05-07"}),
    ]
    pages = [await here.graph.http.post(where, data=data, headers=INDONESIAN) for where, data in wrong]
    assert len({re.sub(r'nonce="[^"]+"', "", page.text) for page in pages}) == 1
    assert "tidak cocok" in pages[0].text
    assert (await here.graph.http.post(other, data={"number": number})).status_code == 404


async def test_the_same_form_sent_again_shows_the_same(here: Scene):
    key = str(uuid4())
    pages = await asyncio.gather(*(send(here, key) for _ in range(4)))
    assert {page.status_code for page in pages} == {200}
    assert len({tuple(told(page)) for page in pages}) == 1
    assert len(here.world.applications()) == 2
    other = await send(here, key, fullName="Next One", nik="", nisn="")
    assert other.status_code == 409
    assert key not in other.text
    again = await send(here)
    assert again.status_code == 409
    assert "sudah terdaftar" in again.text
    assert 'value="Budi Santoso"' in again.text


async def test_all_faults_stand_beside_their_fields(here: Scene):
    key = str(uuid4())
    wrong = {
        "fullName": "<b>\u0007",
        "birthDate": "yesterday",
        "gender": "",
        "nik": "1",
        "nisn": "1",
        "parentPhone": "12",
        "parentEmail": "nobody",
        "birthPlace": " ",
    }
    page = await send(here, key, **wrong)
    assert page.status_code == 422
    marked = set(re.findall(r'id="(\w+)-fault"', page.text))
    assert marked == set(wrong)
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert f'value="{key}"' in page.text
    assert len(here.world.applications()) == 1
    empty = await here.graph.http.post(path(here), data={"key": "none"}, headers=ENGLISH)
    required = {"fullName", "gender", "birthPlace", "birthDate", "parentName", "parentPhone"}
    assert set(re.findall(r'id="(\w+)-fault"', empty.text)) == required


async def test_what_cannot_be_shown(here: Scene, there: Scene):
    http = here.graph.http
    for missing in (
        "/ppdb/nobody",
        "/ppdb/%00",
        f"/ppdb/nobody/{here.period.id}",
        "/ppdb/school/1",
        f"/ppdb/school/{uuid4()}",
    ):
        assert (await http.get(missing)).status_code == 404
    for absent in (here.draft.id, there.period.id):
        assert (await http.get(f"/ppdb/school/{absent}")).status_code == 404
        assert (await http.post(f"/ppdb/school/{absent}", data=FIELDS)).status_code == 404
    assert len(here.world.applications()) == len(there.world.applications()) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"fullName=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 41, "application/x-www-form-urlencoded", 400),
        (b"fullName=" + b"x" * 33_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_no_browser_sends_is_refused(here: Scene, content: bytes, kind: str, status: int):
    for where in (path(here), "/ppdb/school/status"):
        answer = await here.graph.http.post(where, content=content, headers={"content-type": kind})
        assert answer.status_code == status


@pytest.mark.parametrize("change", ["features = '{FINANCE}'", "status = 'SUSPENDED'"])
async def test_a_school_that_takes_no_applications_has_no_page(here: Scene, change: str):
    here.world.as_owner("admission", f"update admission.tenants set {change} where slug = 'school'")
    assert (await here.graph.http.get("/ppdb/school")).status_code == 404
    assert (await send(here)).status_code == 404
    assert len(here.world.applications()) == 1


async def test_a_full_period_says_so(here: Scene):
    here.world.as_owner("admission", "update admission.periods set max_applicants = 1 where code = 'A'")
    page = await send(here)
    assert page.status_code == 409
    assert "Kuota 1 pendaftar periode ini sudah penuh." in page.text


@pytest.mark.parametrize(("language", "text"), [("id", "Tidak ada sekolah seperti itu"), ("en", "There is no such")])
async def test_a_school_that_is_not_there_is_told_of_in_the_visitor_s_language(here: Scene, language: str, text: str):
    page = await here.graph.http.get("/ppdb/nowhere", headers={"accept-language": language})
    assert (page.status_code, page.text.startswith(text)) == (404, True)
    assert (page.headers["content-language"], page.headers["vary"]) == (language, "Accept-Language")
