"""The pages under /account in a browser, at the width of a phone and of a desk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, Route, async_playwright

from deploy.local.chromium import obtain
from deploy.local.state import ROOT, StateFolder
from subgraphs.identity.session.queries import Access
from tests.identity.credential.conftest import NEW_PASSWORD

ORIGIN = "https://wiyata.test"
PHONE, DESK = {"width": 400, "height": 800}, {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def chromium() -> str:
    """The machine's Chromium, else a packaged one."""
    return str(obtain(StateFolder(ROOT / ".wiyata").chromium))


@pytest.fixture
def open_page(graph, chromium):
    """`async with open_page(width, language) as page`: a browser without scripts, to which the application answers."""

    async def answer(route: Route) -> None:
        request = route.request
        sent = await graph.http.request(
            request.method,
            request.url.removeprefix(ORIGIN),
            content=request.post_data_buffer or b"",
            headers=request.headers,
        )
        await route.fulfill(status=sent.status_code, headers=dict(sent.headers), body=sent.content)

    @asynccontextmanager
    async def opened(viewport, language="id-ID") -> AsyncIterator[Page]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], chromium_sandbox=False
            )
            page = await browser.new_page(viewport=viewport, locale=language, java_script_enabled=False)
            complaints = []
            page.on("console", lambda message: complaints.append(message.text))
            await page.route(f"{ORIGIN}/**", answer)
            yield page
            await browser.close()
            assert [text for text in complaints if "Content Security Policy" in text] == []

    return opened


async def fits(page: Page) -> bool:
    """Whether nothing is wider than the window, and what is to be touched is high enough for a finger."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    heights = [(await each.bounding_box())["height"] for each in await page.locator("input:visible, button").all()]
    return wide <= 0 and all(height >= 44 for height in heights)


@pytest.mark.parametrize(
    ("viewport", "language", "words"),
    [
        (PHONE, "id-ID", ("Lupa kata sandi", "Jika ada akun", "Buat kata sandi baru", "sudah diganti")),
        (DESK, "en-GB", ("Forgotten password", "If there is an account", "Choose a new password", "is changed")),
    ],
)
async def test_a_forgotten_password_from_the_form_to_a_sign_in(
    *, open_page, links, login, add_user, school, tmp_path, viewport, language, words
):
    await add_user(school, "parent", email="ibu@x.test")
    async with open_page(viewport, language) as page:

        async def seen(name, word):
            assert word in await page.inner_text("main")
            assert await fits(page)
            await page.screenshot(path=tmp_path / f"{name}.png", full_page=True)

        await page.goto(f"{ORIGIN}/account/forgot?school=school")
        await seen("forgot", words[0])
        assert "School school" in await page.inner_text("main")
        await page.fill("#email", "ibu@x.test")
        await page.click("button")
        await seen("sent", words[1])
        await page.goto(f"{ORIGIN}/account/reset-password?token={links()[0]}")
        await page.fill("#password", "ibu")
        await page.fill("#again", "ibu")
        await page.click("button")
        await seen("weak", words[2])
        assert await page.locator("[role=alert] li").count() == 5
        await page.fill("#password", NEW_PASSWORD)
        await page.fill("#again", NEW_PASSWORD)
        await page.click("button")
        await seen("done", words[3])
        await page.goto(f"{ORIGIN}/account/reset-password?token={links()[0]}")
        await page.fill("#password", NEW_PASSWORD)
        await page.fill("#again", NEW_PASSWORD)
        await page.click("button")
        await page.click("a")
        await seen("again", words[0])
    assert isinstance(await login(school, "ibu@x.test", NEW_PASSWORD), Access)


@pytest.mark.parametrize("viewport", [PHONE, DESK])
async def test_who_does_not_know_the_link_of_the_school_names_it(
    *, open_page, links, add_user, school, as_owner, tmp_path, viewport
):
    await add_user(school, "parent", email="ibu@x.test")
    as_owner("identity", "update identity.tenants set npsn = '20306577' where id = %s", (school,))
    async with open_page(viewport) as page:
        await page.goto(f"{ORIGIN}/account/forgot")
        await page.fill("#school", "sekolah-lain")
        await page.fill("#email", "ibu@x.test")
        await page.click("button")
        assert "tidak dikenal" in await page.inner_text("[role=alert]")
        assert await fits(page)
        await page.screenshot(path=tmp_path / "unknown.png", full_page=True)
        assert await page.input_value("#email") == "ibu@x.test"
        await page.fill("#school", "20306577")
        await page.click("button")
        assert "Jika ada akun" in await page.inner_text("main")
    assert len(links()) == 1


@pytest.mark.parametrize("viewport", [PHONE, DESK])
async def test_an_invitation_says_what_the_school_demands(
    *, open_page, invite, invitations, school, as_owner, tmp_path, viewport
):
    await invite(school)
    as_owner("identity", """update identity.tenants set password_policy = '{"kind": "LENGTH", "min_length": 20}'""")
    async with open_page(viewport) as page:
        await page.goto(f"{ORIGIN}/account/invitation?token={invitations()[0].secret['token']}")
        assert "Sedikitnya 20 karakter" in await page.inner_text("#hint")
        assert await fits(page)
        await page.screenshot(path=tmp_path / "invitation.png", full_page=True)
        for password, said in (("bunga mekar", "Kurang dari 20"), ("bunga mekar di tepi sungai", "Akun Anda aktif")):
            await page.fill("#password", password)
            await page.fill("#again", password)
            await page.click("button")
            assert said in await page.inner_text("main")
