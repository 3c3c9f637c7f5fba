"""Where a request comes from is what trusted proxies say, and nobody else."""

from collections.abc import AsyncIterator

import httpx
import pytest
from redis import Redis

from deploy.local.engines import Engines
from tests.router.conftest import GP, Graph, Router, StartRouter
from tests.router.subgraphs import Subgraph
from tests.router.test_origin import raw
from tests.router.test_process import run

TRUSTED = {"WIYATA_TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.0/8, 2001:db8:1::/48"}


@pytest.fixture(scope="session")
def _proxied(start_router: StartRouter, engines: Engines) -> Router:
    counting = {"WIYATA_VALKEY_URL": engines.valkey_url, "WIYATA_RATE_EXEMPT": "192.0.2.0/24"}
    return start_router(**TRUSTED, **counting)


@pytest.fixture
async def proxied(_proxied: Router, subgraphs: dict[str, Subgraph], engines: Engines) -> AsyncIterator[Graph]:
    """The graph behind a proxy at 127.0.0.1."""
    for subgraph in subgraphs.values():
        subgraph.calls.clear()
    async with httpx.AsyncClient(base_url=_proxied.url, timeout=10) as client:
        graph = Graph(_proxied, client, subgraphs)
        await graph.mend()
        with Redis.from_url(engines.valkey_url) as valkey:
            valkey.flushall()
        for subgraph in subgraphs.values():
            subgraph.calls.clear()
        yield graph


@pytest.mark.parametrize(
    ("told", "address"),
    [
        (None, "127.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("6.6.6.6,203.0.113.9 , 10.1.2.3,10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8::9, 2001:db8:1::5", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, unknown, 10.1.2.3", "10.1.2.3"),
        ("6.6.6.6, <script>", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_last_address_that_is_no_proxy_s_is_the_client_s(proxied: Graph, told: str | None, address: str) -> None:
    """Fails with the first address of the header, which the client writes itself."""
    headers = {} if told is None else {"x-forwarded-for": told}
    await proxied.post("{ school }", headers)
    await proxied.client.post("/account/x", headers=headers)
    for subgraph in ("academic", "identity"):
        (call,) = proxied.subgraphs[subgraph].calls
        assert call.headers["x-forwarded-for"] == address


async def test_a_header_given_twice_is_read_as_one_list(proxied: Graph) -> None:
    request = b"POST /account/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 203.0.113.9\r\n"
    await raw(proxied.router, request + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    (call,) = proxied.subgraphs["identity"].calls
    assert call.headers["x-forwarded-for"] == "203.0.113.9"


async def test_rates_are_counted_by_the_client_s_address(proxied: Graph) -> None:
    async def left(address: str) -> str | None:
        headers = {"x-tenant-id": GP, "x-forwarded-for": f"6.6.6.6, {address}"}
        answer = await proxied.post("{ school }", headers)
        remaining: str | None = answer.headers.get("x-ratelimit-remaining")
        return remaining

    told = [await left(address) for address in ("203.0.113.1", "203.0.113.1", "203.0.113.2", "192.0.2.7")]
    assert told == ["299", "298", "299", None]


@pytest.mark.parametrize(
    "header", ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-real-ip"]
)
async def test_what_anybody_else_says_is_dropped(graph: Graph, header: str) -> None:
    await graph.client.post("/account/x", headers={header: "6.6.6.6"})
    (call,) = graph.subgraphs["identity"].calls
    assert "6.6.6.6" not in str(call.headers)


async def test_production_sends_whoever_comes_without_tls_to_https(start_router: StartRouter) -> None:
    proxied, open_to_all = (
        start_router(WIYATA_ENVIRONMENT="production", **more) for more in (TRUSTED, {"WIYATA_TRUSTED_PROXIES": ""})
    )
    body = {"query": "mutation { enroll }"}
    plain = {"x-forwarded-proto": "http", "host": "sekolah.example.test:80"}
    async with httpx.AsyncClient(base_url=proxied.url) as client:
        moved = await client.post("/graphql?a=%20b", json=body, headers=plain)
        assert (moved.status_code, moved.headers["location"]) == (308, "https://sekolah.example.test/graphql?a=%20b")
        assert moved.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert (await client.get("/account/x", headers=plain | {"host": "a/b@c"})).status_code == 400
        for proto in ("https", "HTTPS", "https, http", None):
            given = {} if proto is None else {"x-forwarded-proto": proto}
            answer = await client.get("/account/x", headers=given)
            assert answer.status_code == 200
            assert answer.json()["headers"]["x-forwarded-proto"] == ("http" if proto is None else "https")
    async with httpx.AsyncClient(base_url=open_to_all.url) as client:
        assert (await client.get("/account/x", headers=plain)).status_code == 200


async def test_other_environments_stay_where_they_are(proxied: Graph) -> None:
    assert (await proxied.client.get("/account/x", headers={"x-forwarded-proto": "http"})).status_code == 200


@pytest.mark.parametrize("networks", ["10.0.0.1", "10.0.0.0/33", "proxy/8", "2001:db8::/129"])
def test_networks_that_are_none_are_refused(networks: str) -> None:
    assert "WIYATA_TRUSTED_PROXIES" in run("router/server.mjs", WIYATA_TRUSTED_PROXIES=networks).stderr
