"""Apollo Client in Chromium, from an origin that the router allows: persisted queries, a subscription, errors that are shown."""

import asyncio

import httpx
import pytest
from redis import Redis

from tests.browser.conftest import OpenApp
from tests.journeys.school import School
from tests.journeys.stack import Stack
from tests.journeys.test_subscriptions import record

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


@pytest.fixture(scope="session")
def kamboja(running: Stack) -> School:
    """A school of its own."""

    async def open_it() -> School:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            school = School("kamboja", running, client, "20304110")
            await school.open()
        return school

    running.heal()
    return asyncio.run(open_it())


@pytest.fixture
def school(kamboja: School, http: httpx.AsyncClient) -> School:
    return kamboja.over(http)


@pytest.fixture
def unknown(stack: Stack) -> None:
    """No document is known by its hash: neither in Valkey nor in the router's memory."""
    stack.stop("router")
    with Redis.from_url(stack.settings.valkey_url) as valkey:
        for key in valkey.scan_iter("document:*"):
            valkey.delete(key)
    stack.start("router")


@pytest.mark.parametrize("get", [False, True], ids=["post", "get"])
async def test_a_document_is_sent_once_and_then_by_its_hash(
    unknown: None, open_app: OpenApp, school: School, get: bool
) -> None:
    """Fails where the router does not tell an unknown hash in the words that Apollo Client looks for, or does not keep the text."""
    async with open_app(get=get) as app:
        await app.sign_in(school, "Guru 1")
        for _ in range(2):
            await app.page.click("#read")
            assert len(await app.items("#pupils", 3)) == 3
            await app.page.evaluate("document.querySelector('#pupils').replaceChildren()")
        by_hash = "GET" if get else "POST"
        assert await app.operations() == [
            ("POST", "SignIn", "hash", NOT_FOUND),
            ("POST", "SignIn", "text", "ok"),
            (by_hash, "Pupils", "hash", NOT_FOUND),
            ("POST", "Pupils", "text", "ok"),
            (by_hash, "Pupils", "hash", "ok"),
        ]


async def test_what_has_not_changed_is_not_sent_again(open_app: OpenApp, school: School) -> None:
    """The browser asks by the ETag it has kept, and shows what it has when the answer is 304."""
    async with open_app(get=True) as app:
        session = await app.page.context.new_cdp_session(app.page)
        statuses: list[int] = []
        session.on("Network.responseReceivedExtraInfo", lambda event: statuses.append(event["statusCode"]))
        await session.send("Network.enable")
        await app.sign_in(school, "Guru 1")
        for _ in range(3):
            await app.page.click("#read")
            assert len(await app.items("#pupils", 3)) == 3
            await app.page.evaluate("document.querySelector('#pupils').replaceChildren()")
        assert statuses[-1] == 304


async def test_what_the_office_records_is_told_into_the_page(open_app: OpenApp, school: School) -> None:
    async with open_app() as app:
        await app.sign_in(school, "Wali 1")
        await app.page.click("#follow")
        await asyncio.sleep(1)  # nothing says that it has begun
        await record(school, "SAL")
        assert sorted(await app.items("#marks", 2)) == ["ABSENT", "SICK"]
        await record(school, "PAL")
        assert (await app.items("#marks", 3))[2:] == ["PRESENT"]


async def test_a_refusal_is_shown_by_its_type_and_a_refused_field_by_its_path(
    open_app: OpenApp, school: School
) -> None:
    async with open_app() as app:
        await app.sign_in(school, "Guru 1", "salah-Sandi-1")
        assert await app.says("[role=alert]", "InvalidCredentials: ")
        await app.sign_in(school, "Guru 1")
        assert await app.says("[role=alert]", school.name("Guru 1"))
        await app.page.click("#owed")
        told = await app.says("[role=alert]", "FORBIDDEN")
        assert told.split(", ") == [f"FORBIDDEN class.students.nodes.{n}.outstandingBalance" for n in range(3)]
        assert await app.items("#balances", 3) == [f"{school.name(f'Murid {n}')}: —" for n in (1, 2, 3)]


async def test_a_page_of_another_origin_gets_no_answer(open_app: OpenApp, served: str, school: School) -> None:
    """Two-sided: the page of the allowed origin also reads the headers that it needs."""
    async with open_app() as app:
        await app.sign_in(school, "Guru 1")
        assert "x-request-id" in await app.says("[role=status]", "content-type")
    async with open_app(served.replace("127.0.0.1", "localhost")) as app:
        await app.sign_in(school, "Guru 1")
        assert "Failed to fetch" in await app.says("[role=alert]", "TypeError")
        await app.page.evaluate("document.querySelector('[role=alert]').textContent = ''")
        await app.page.click("#follow")
        assert await app.says("[role=alert]", "Socket closed")  # as it was refused before it was one
