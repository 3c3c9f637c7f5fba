"""The router as a process of its own over three tiny subgraphs, with keys of its own."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from deploy.local.node import find_node
from tests.router.subgraphs import SCHEMAS, Subgraph

ROOT = Path(__file__).parents[2]
ROUTER = ROOT / "router"
NODE = find_node()
ISSUER, AUDIENCE = "https://wiyata.id", "wiyata"
GP = "01890000-0000-7000-8000-00000000000a"
MS = "01890000-0000-7000-8000-00000000000b"
PLATFORM = "00000000-0000-7000-8000-000000000001"
USUAL = {
    "WIYATA_ROUTER_UPSTREAM_TIMEOUT_MS": "2000",
    "WIYATA_CORS_ORIGINS": "https://app.example.test,https://b.example.test",
}


def node_environment(**settings: str) -> dict[str, str]:
    """The environment of a Node process: ours without WIYATA_*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WIYATA_")}
    return inherited | NODE.environment() | settings


@dataclass
class Tokens:
    """Signs access tokens as identity does."""

    key: ECKey
    published_rsa: RSAKey

    @property
    def jwks(self) -> dict[str, Any]:
        """What identity publishes: the key that signs, and one of an algorithm that tokens must not have."""
        return {"keys": [self.key.as_dict(private=False), self.published_rsa.as_dict(private=False)]}

    def sign(
        self,
        tenant: str = GP,
        *,
        typ: str = "at+jwt",
        alg: str = "ES256",
        key: Any = None,
        kid: str = "test-1",
        **claims: Any,
    ) -> str:
        now = int(time.time())
        payload = {
            "sub": "u1",
            "tenant_id": tenant,
            "permissions": [],
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
        } | claims
        header = {"alg": alg, "typ": typ, "kid": kid}
        return jwt.encode(header, payload, key or self.key, algorithms=[alg])

    def bearer(self, tenant: str = GP, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.sign(tenant, **claims)}"}


class Router:
    """A running router; `log` is what it has printed."""

    def __init__(self, **settings: str) -> None:
        self.process = subprocess.Popen(
            [NODE.program, "router/server.mjs"],
            cwd=ROOT,
            env=node_environment(WIYATA_ROUTER_PORT="0", **{"WIYATA_ENVIRONMENT": "test"} | settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[dict[str, Any]] = []
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if not first:
            _, fault = self.process.communicate()
            raise RuntimeError(fault)
        self.port: int = json.loads(first)["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(json.loads(line))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


@dataclass
class Graph:
    """The router with its subgraphs, and a client."""

    router: Router
    client: httpx.AsyncClient
    subgraphs: dict[str, Subgraph]

    async def post(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
        answer = await self.post(query, headers, **variables)
        result: dict[str, Any] = answer.json()
        return result

    async def mend(self) -> None:
        """Asks academic until the router finds it, so that no failure counts on: a test can order those of academic alone."""
        for _ in range(100):
            if "errors" not in await self.ask("{ school }"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the circuit of academic stays open")


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens(
        ECKey.generate_key("P-256", {"kid": "test-1", "use": "sig", "alg": "ES256"}),
        RSAKey.generate_key(2048, {"kid": "test-2", "use": "sig", "alg": "RS256"}),
    )


@pytest.fixture(scope="session")
def subgraphs(tokens: Tokens) -> Iterator[dict[str, Subgraph]]:
    running = {name: Subgraph(name) for name in SCHEMAS}
    running["identity"].jwks = tokens.jwks
    for subgraph in running.values():
        subgraph.start()
    yield running
    for subgraph in running.values():
        subgraph.stop()


@pytest.fixture(scope="session")
def supergraph(tmp_path_factory: pytest.TempPathFactory, node_modules: None) -> Path:
    """The supergraph of the tiny subgraphs, composed as the real one is."""
    folder = tmp_path_factory.mktemp("schema")
    for name, schema in SCHEMAS.items():
        (folder / f"{name}.graphql").write_text(schema.as_str())
    subprocess.run([NODE.program, ROUTER / "compose.mjs", folder], env=node_environment(), check=True)
    return folder / "supergraph.graphql"


StartRouter = Callable[..., Router]


@pytest.fixture(scope="session")
def start_router(subgraphs: dict[str, Subgraph], supergraph: Path) -> Iterator[StartRouter]:
    """Starts routers over the subgraphs; settings given by name win."""
    started: list[Router] = []

    def start(**settings: str) -> Router:
        urls = {f"WIYATA_{name.upper()}_URL": subgraph.url for name, subgraph in subgraphs.items()}
        alone = {"WIYATA_VALKEY_URL": "redis://127.0.0.1:1", "WIYATA_RATE_EXEMPT": "127.0.0.0/8"}
        router = Router(**{"WIYATA_SUPERGRAPH": str(supergraph)} | alone | urls | settings)
        started.append(router)
        return router

    yield start
    for router in started:
        router.stop()


@pytest.fixture(scope="session")
def router(start_router: StartRouter) -> Router:
    return start_router(**USUAL)


@pytest.fixture(scope="session")
def bereft(start_router: StartRouter) -> Router:
    """A router that finds no academic."""
    return start_router(WIYATA_ACADEMIC_URL="http://127.0.0.1:1/graphql")


@pytest.fixture(scope="session")
def _development(start_router: StartRouter) -> Router:
    return start_router(WIYATA_ENVIRONMENT="development")


@asynccontextmanager
async def _graph(router: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    for subgraph in subgraphs.values():
        subgraph.calls.clear()
        subgraph.socket_params.clear()
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        made = Graph(router, client, subgraphs)
        yield made
        for subgraph in subgraphs.values():
            subgraph.fault = None
        await made.mend()


@pytest.fixture
async def graph(router: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    """The graph with nothing remembered and nothing broken."""
    async with _graph(router, subgraphs) as made:
        yield made


@pytest.fixture(scope="session")
def _planning(start_router: StartRouter) -> Router:
    return start_router(**USUAL, WIYATA_ROUTER_FAST_LANE="false")


@pytest.fixture
async def planned(_planning: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    """The same without the fast lane: everything is planned."""
    async with _graph(_planning, subgraphs) as made:
        yield made


@pytest.fixture
async def priced(_development: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    """The graph of developers, who are told what their operations cost."""
    async with _graph(_development, subgraphs) as made:
        yield made
