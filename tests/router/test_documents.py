"""Documents known by their hash: automatic persisted queries of apps, registered documents of integrators and visitors."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from redis import Redis

from deploy.local.engines import Engines
from tests.router.conftest import GP, Graph, Router, StartRouter, Tokens
from tests.router.subgraphs import Subgraph
from tests.sockets import asking

SCHOOL = "query School { school }"
PUPILS = "query Pupils($first: Int) { pages(first: $first) { nodes { name } } }"
ENROLL = "mutation Enroll { enroll }"
TICK = "subscription Tick { ticks(every: 0.01, count: 1) }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_hash(text: str, **more: Any) -> dict[str, Any]:
    """A request that names a document by its hash alone."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}} | more


def code_of(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    code: str = error["extensions"]["code"]
    return code


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is registered."""
    folder = tmp_path_factory.mktemp("documents")
    manifest = {}
    for name, text, cost in (
        ("school", SCHOOL, 10),
        ("pupils", PUPILS, 50),
        ("enroll", ENROLL, 20),
        ("tick", TICK, 10),
    ):
        (folder / f"{name}.graphql").write_text(text)
        entry = {"file": f"{name}.graphql", "owner": "tests", "scopes": ["student:read"], "cost": cost, "personal": []}
        manifest[sha256(text)] = entry
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def routers(start_router: StartRouter, engines: Engines, documents: Path) -> dict[str, Router]:
    shared = {"WIYATA_VALKEY_URL": engines.valkey_url, "WIYATA_ROUTER_DOCUMENTS": str(documents)}
    return {
        "one": start_router(**shared),
        "other": start_router(**shared),
        "production": start_router(WIYATA_ENVIRONMENT="production", **shared),
    }


@pytest.fixture
async def apart(
    routers: dict[str, Router], subgraphs: dict[str, Subgraph], engines: Engines
) -> AsyncIterator[dict[str, Graph]]:
    """Routers by name; nothing is stored."""
    with Redis.from_url(engines.valkey_url) as valkey:
        valkey.flushall()
    for subgraph in subgraphs.values():
        subgraph.calls.clear()
    clients = {name: httpx.AsyncClient(base_url=router.url, timeout=10) for name, router in routers.items()}
    yield {name: Graph(routers[name], client, subgraphs) for name, client in clients.items()}
    for client in clients.values():
        await client.aclose()


async def test_hash_is_asked_for_its_document_once_for_all_routers(apart, tokens: Tokens):
    """Trap 6: fails with `persistedDocuments`, which runs before plugins: a hash it does not know is refused for good."""
    headers, text = tokens.bearer(), "query Once { level(of: 3) }"
    unknown = await apart["one"].client.post("/graphql", json=by_hash(text), headers=headers)
    assert (unknown.status_code, code_of(unknown)) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    told = await apart["one"].client.post("/graphql", json=by_hash(text, query=text), headers=headers)
    assert told.json() == {"data": {"level": 3}}
    for router in ("one", "other"):
        known = await apart[router].client.post("/graphql", json=by_hash(text), headers=headers)
        assert known.json() == {"data": {"level": 3}}


async def test_a_subscription_is_asked_for_by_its_hash_alone(apart, tokens: Tokens):
    """Fails where the empty text, without which graphql-transport-ws takes no message, counts as a document."""
    text = "subscription Ticks { ticks(every: 0.01, count: 1) }"
    url = apart["one"].router.url.replace("http", "ws")
    async with asking(f"{url}/graphql", tokens.bearer()) as socket:

        async def subscribe(**payload: Any) -> None:
            await socket.send(id="1", type="subscribe", payload=payload)

        await subscribe(**by_hash(text, query=""))
        assert await socket.refusal() == "PERSISTED_QUERY_NOT_FOUND"
        for query in (text, ""):
            await subscribe(**by_hash(text, query=query))
            assert await socket.told() == {"ticks": 0}
            assert (await socket.receive())["type"] == "complete"
        await subscribe(query="")
        assert await socket.refusal() == "BAD_REQUEST"


@pytest.mark.parametrize("naming", [by_hash(TICK), {"documentId": sha256(TICK)}], ids=["hash", "document id"])
async def test_an_integrator_subscribes_to_a_registered_document(apart, tokens: Tokens, naming):
    url = apart["one"].router.url.replace("http", "ws")
    integrator = tokens.bearer(client_id="c1", permissions=["student:read"])
    async with asking(f"{url}/graphql", integrator) as socket:
        await socket.send(id="1", type="subscribe", payload={"query": ""} | naming)
        assert await socket.told() == {"ticks": 0}


async def test_hash_must_be_that_of_the_document(apart, tokens: Tokens):
    wrong = {"query": "{ school }"} | by_hash("{ level(of: 1) }")
    answer = await apart["one"].client.post("/graphql", json=wrong, headers=tokens.bearer())
    assert code_of(answer) == "BAD_REQUEST"
    lost = await apart["one"].client.post("/graphql", json=by_hash("{ level(of: 1) }"), headers=tokens.bearer())
    assert code_of(lost) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "extension",
    [
        {"version": 2, "sha256Hash": "0" * 64},
        {"version": 1, "sha256Hash": "../../etc/passwd"},
        {"version": 1, "sha256Hash": "A" * 64},
        {"version": 1, "sha256Hash": 5},
        {"version": 1, "sha256Hash": None},
        "0" * 64,
    ],
)
async def test_what_is_no_hash_is_refused(apart, tokens: Tokens, extension):
    body = {"extensions": {"persistedQuery": extension}}
    answer = await apart["one"].client.post("/graphql", json=body, headers=tokens.bearer())
    assert code_of(answer) == "BAD_REQUEST"


async def test_a_refused_document_is_not_kept(apart, tokens: Tokens):
    text = "{ " + "school " * 2_001 + "}"
    for body in (by_hash(text, query=text), by_hash(text)):
        answer = await apart["one"].client.post("/graphql", json=body, headers=tokens.bearer())
        assert code_of(answer) in {"TOKEN_LIMIT", "PERSISTED_QUERY_NOT_FOUND"}
    assert code_of(answer) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_long_document_is_answered_and_not_kept(apart, tokens: Tokens):
    text = "{ level(of: 3) } #" + "x" * 40_000
    for _ in range(2):
        told = await apart["one"].client.post("/graphql", json=by_hash(text, query=text), headers=tokens.bearer())
        assert told.json() == {"data": {"level": 3}}
        answer = await apart["one"].client.post("/graphql", json=by_hash(text), headers=tokens.bearer())
        assert code_of(answer) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "body", [{"query": SCHOOL}, by_hash(SCHOOL), by_hash(SCHOOL, query=SCHOOL), {"documentId": sha256(SCHOOL)}]
)
async def test_integrator_sends_registered_documents(apart, tokens: Tokens, body):
    headers = tokens.bearer(client_id="c1", permissions=["student:read"])
    answer = await apart["one"].client.post("/graphql", json=body, headers=headers)
    assert answer.json() == {"data": {"school": "SMA Gabriel Pereira"}}


@pytest.mark.parametrize(
    "document", ["{ school }", "query School { school } ", "{ __typename }", "mutation { enroll }"]
)
async def test_integrator_sends_nothing_else(apart, tokens: Tokens, document):
    headers = tokens.bearer(client_id="c1", permissions=["student:read", "graph:adhoc"])
    for body in ({"query": document}, by_hash(document, query=document), by_hash(document)):
        answer = await apart["one"].client.post("/graphql", json=body, headers=headers)
        assert code_of(answer) == "PERSISTED_QUERY_ONLY"
    assert apart["one"].subgraphs["academic"].operations == []


async def test_in_a_batch_each_is_registered(apart, tokens: Tokens):
    """Fails where the first operation of a batch is looked at for all."""
    school, told = {"query": SCHOOL}, {"data": {"school": "SMA Gabriel Pereira"}}
    integrator = tokens.bearer(client_id="c1", permissions=["student:read"])
    for graph, headers in ((apart["one"], integrator), (apart["production"], {"x-tenant-id": GP})):
        batch = [school, {"query": "{ school }"}, by_hash(SCHOOL), {"query": "mutation { enroll }"}]
        answer = await graph.client.post("/graphql", json=batch, headers=headers)
        codes = [each["errors"][0]["extensions"]["code"] if "errors" in each else each for each in answer.json()]
        assert codes == [told, "PERSISTED_QUERY_ONLY"] * 2


async def test_what_an_app_has_stored_is_not_registered(apart, tokens: Tokens):
    text = "{ level(of: 5) }"
    stored = await apart["one"].client.post("/graphql", json=by_hash(text, query=text), headers=tokens.bearer())
    assert stored.json() == {"data": {"level": 5}}
    integrator = tokens.bearer(client_id="c1", permissions=["student:read"])
    assert (
        code_of(await apart["one"].client.post("/graphql", json=by_hash(text), headers=integrator))
        == "PERSISTED_QUERY_ONLY"
    )
    visitor = await apart["production"].client.post("/graphql", json=by_hash(text), headers={"x-tenant-id": GP})
    assert code_of(visitor) == "PERSISTED_QUERY_ONLY"


async def test_integrator_holds_the_scopes_of_the_document(apart, tokens: Tokens):
    headers = tokens.bearer(client_id="c1", permissions=["class:read"])
    answer = await apart["one"].client.post("/graphql", json={"query": SCHOOL}, headers=headers)
    assert code_of(answer) == "FORBIDDEN"


async def test_registered_document_costs_what_was_registered(apart, tokens: Tokens):
    headers = tokens.bearer(client_id="c1", permissions=["student:read"])
    ok = await apart["one"].client.post("/graphql", json={"query": PUPILS, "variables": {"first": 49}}, headers=headers)
    assert len(ok.json()["data"]["pages"]["nodes"]) == 49
    body = {"query": PUPILS, "variables": {"first": 50}}
    (error,) = (await apart["one"].client.post("/graphql", json=body, headers=headers)).json()["errors"]
    assert error["extensions"] == {"code": "COST_LIMIT", "estimated": 51, "allowed": 50}


async def test_visitors_send_anything_in_development_and_registered_documents_in_production(apart):
    headers = {"x-tenant-id": GP}
    for name, document, is_served in (
        ("one", "{ school }", True),
        ("production", "{ school }", False),
        ("production", SCHOOL, True),
    ):
        answer = await apart[name].client.post("/graphql", json={"query": document}, headers=headers)
        assert ("data" in answer.json()) is is_served, (name, document)
        assert is_served or code_of(answer) == "PERSISTED_QUERY_ONLY"


async def test_dashboards_and_apps_send_anything_in_production(apart, tokens: Tokens):
    for claims in ({}, {"permissions": ["graph:adhoc"]}):
        answer = await apart["production"].client.post(
            "/graphql", json={"query": "{ school }"}, headers=tokens.bearer(**claims)
        )
        assert answer.json() == {"data": {"school": "SMA Gabriel Pereira"}}


async def test_persisted_query_over_get_has_an_etag(apart, tokens: Tokens):
    client, headers = apart["one"].client, tokens.bearer()
    extensions = quote(json.dumps(by_hash(SCHOOL)["extensions"]))
    first = await client.get(f"/graphql?extensions={extensions}", headers=headers)
    assert first.json() == {"data": {"school": "SMA Gabriel Pereira"}}
    assert first.headers["cache-control"] == "private, no-cache"
    assert {"authorization", "x-tenant-id", "accept-language"} <= set(first.headers["vary"].lower().split(", "))
    again = await client.get(
        f"/graphql?extensions={extensions}", headers={**headers, "if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await client.get(f"/graphql?extensions={extensions}", headers={**headers, "if-none-match": '"x"'})
    assert other.status_code == 200


async def test_get_never_changes_anything(apart, tokens: Tokens):
    for query in (f"documentId={sha256(ENROLL)}", f"query={quote(ENROLL)}"):
        answer = await apart["one"].client.get(f"/graphql?{query}", headers=tokens.bearer())
        assert answer.status_code == 405
    assert apart["one"].subgraphs["academic"].operations == []


@pytest.mark.parametrize("query", ["variables=%7B", "extensions=5", "variables=%5B1%5D", "", "documentId=x"])
async def test_broken_url_is_refused(apart, tokens: Tokens, query):
    answer = await apart["one"].client.get(f"/graphql?{query}", headers=tokens.bearer())
    assert code_of(answer) == "BAD_REQUEST"


@pytest.mark.parametrize("fault", ["changed", "missing", "unregistered", "no manifest"])
def test_router_does_not_start_over_documents_that_are_not_what_was_registered(
    start_router: StartRouter, documents: Path, tmp_path: Path, fault: str
):
    for file in documents.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    if fault == "changed":
        (tmp_path / "school.graphql").write_text("{ school }")
    elif fault == "missing":
        (tmp_path / "school.graphql").unlink()
    elif fault == "unregistered":
        (tmp_path / "more.graphql").write_text("{ school }")
    else:
        (tmp_path / "manifest.json").unlink()
    with pytest.raises(RuntimeError, match=r"just documents|manifest"):
        start_router(WIYATA_ROUTER_DOCUMENTS=str(tmp_path))
