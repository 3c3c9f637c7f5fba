"""`/dev/outbox`: pages for people, JSON for programs, and nothing of it in production."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from libs.settings import Settings
from libs.testing import GraphClient
from subgraphs.notification.app import create_app
from subgraphs.notification.channel.adapters.sink import Sink
from subgraphs.notification.channel.http import outbox_routes
from subgraphs.notification.channel.rules import write_mail
from tests.notification.world import START

JSON = {"accept": "application/json"}


async def fill(folder: Path, *addresses: str, name: str = "Budi") -> None:
    mails = [
        write_mail(
            sender="Wiyata <noreply@wiyata.test>",
            recipient=address,
            name=name,
            subject=f"Undangan {number} <b>",
            text=f"Halo <i>{number}</i>\nhttps://wiyata.test/account/invitation?token=a-b_{number}&x=1\n",
            html="<h1>Halo</h1><script>alert(1)</script>",
            message_id=str(number),
            sent_at=START,
        )
        for number, address in enumerate(addresses)
    ]
    await Sink(folder).deliver(mails)


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=list(outbox_routes(Sink(folder))))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as opened:
        yield opened


async def test_json_newest_first_with_links(tmp_path):
    await fill(tmp_path, "a@example.test", "b@example.test")
    async with client(tmp_path) as http:
        newest, oldest = (await http.get("/dev/outbox", headers=JSON)).json()
        one = (await http.get(f"/dev/outbox/{oldest['id']}", headers=JSON)).json()
    assert list(newest) == ["id", "to", "subject", "sentAt", "text", "html", "links"]
    assert (newest["to"], oldest["to"]) == ("b@example.test", "a@example.test")
    assert oldest["links"] == ["https://wiyata.test/account/invitation?token=a-b_0&x=1"]
    assert oldest["subject"] == "Undangan 0 <b>"
    assert oldest["html"].strip() == "<h1>Halo</h1><script>alert(1)</script>"
    assert datetime.fromisoformat(oldest["sentAt"]).tzinfo is not None
    assert one == oldest


async def test_filtered_by_recipient_whatever_the_case(tmp_path):
    await fill(tmp_path, "a@example.test", "b@example.test", "a@example.test")
    async with client(tmp_path) as http:
        found = (await http.get("/dev/outbox", params={"to": "A@Example.test"}, headers=JSON)).json()
        nothing = (await http.get("/dev/outbox", params={"to": "c@example.test"}, headers=JSON)).json()
    assert [mail["to"] for mail in found] == ["a@example.test"] * 2
    assert nothing == []


async def test_the_page_lists_and_leads_to_each_mail(tmp_path):
    await fill(tmp_path, "a@example.test", "b@example.test")
    async with client(tmp_path) as http:
        page = await http.get("/dev/outbox")
        links = re.findall(r'href="(/dev/outbox/[^"]+)"', page.text)
        mail = await http.get(links[0])
        html = await http.get(f"{links[0]}/html")
    assert page.headers["content-type"].startswith("text/html")
    assert len(links) == 2
    assert "2 mails" in page.text
    assert page.text.index("b@example.test") < page.text.index("a@example.test")
    assert 'href="https://wiyata.test/account/invitation?token=a-b_1&amp;x=1"' in mail.text
    assert "Halo &lt;i&gt;1&lt;/i&gt;" in mail.text
    assert html.text.startswith("<h1>Halo</h1>")


async def test_nothing_of_a_mail_acts_on_a_page(tmp_path):
    await fill(tmp_path, "a@example.test")
    async with client(tmp_path) as http:
        page = await http.get("/dev/outbox", params={"to": '"><script>x</script>'})
        listed = await http.get("/dev/outbox")
        path = re.search(r'href="(/dev/outbox/[^"]+)"', listed.text)[1]
        mail, html = await http.get(path), await http.get(f"{path}/html")
    for each in (page, listed, mail):
        assert "<script" not in each.text
        nonce = re.search(r"'nonce-([^']+)'", each.headers["content-security-policy"])[1]
        assert f'<style nonce="{nonce}">' in each.text
        assert "script-src" not in each.headers["content-security-policy"]
        assert each.headers["content-security-policy"].startswith("default-src 'self'")
    assert html.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in html.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["x", "%2e%2e", "..%2f..%2fetc%2fpasswd", "1782864000000000000." + "0" * 32])
async def test_an_unknown_mail_is_absent(tmp_path, path):
    async with client(tmp_path) as http:
        for suffix in ("", "/html"):
            assert (await http.get(f"/dev/outbox/{path}{suffix}")).status_code == 404


async def test_an_empty_outbox_says_so(tmp_path):
    async with client(tmp_path) as http:
        assert "No mail yet." in (await http.get("/dev/outbox")).text
        assert (await http.get("/dev/outbox", headers=JSON)).json() == []


async def test_it_is_there_in_test_and_development_and_absent_in_production_and_with_a_real_server(settings: Settings):
    variants = {
        "test": settings,
        "development": settings.model_copy(update={"environment": "development"}),
        "production": settings.model_copy(update={"environment": "production"}),
        "smtp": settings.model_copy(update={"mail_url": "smtp://127.0.0.1:1025"}),
    }
    statuses = {}
    for name, each in variants.items():
        async with GraphClient(create_app(each), each) as graph:
            statuses[name] = (await graph.http.get("/dev/outbox")).status_code
    assert statuses == {"test": 200, "development": 200, "production": 404, "smtp": 404}
