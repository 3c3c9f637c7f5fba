"""Every check that an operation passes, on the real graph: who is refused by one way is refused by the other, with the same words.

The naive setting that fails: a check that stands behind the gateway alone, or before the lane alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from redis import Redis

from libs.auth import CLIENT_SCOPES, Actor, Revocations, TokenIssuer
from libs.kernel import new_id, utc_now
from libs.settings import SUBGRAPHS, Settings
from libs.testing import actor_of, owner_rows
from libs.testing.databases import add_school
from tests.lane.graph import BothWays, both_routers
from tests.reads.world import SCHOOLS, tenant_of
from tests.router.conftest import ROOT

OWN, OTHER = map(tenant_of, SCHOOLS)
JSON: Final = {"content-type": "application/json"}
READ = "{ school { name } }"
PLAIN: Final[dict[str, Any]] = {"json": {"query": READ}}
ELSEWHERE: Final = {
    "NOT_FOUND": "of paths, before anything is an operation",
    "SLOW_CLIENT": "of subscriptions, which no lane takes",
    "INTERNAL": "a fault, and no check",
    "UNAVAILABLE": "an outage: tests/router/test_lane.py walks those over both ways",
}
"""Codes of the router that refuse no operation."""


def query(text: str, **more: Any) -> dict[str, Any]:
    """A request with this document."""
    return {"json": {"query": text, **more}}


def hashed(sha256: str, version: int = 1, **more: Any) -> dict[str, Any]:
    """A request that names a document by its hash."""
    return {"json": {"extensions": {"persistedQuery": {"version": version, "sha256Hash": sha256}}, **more}}


def classmates(first: int) -> str:
    """A document whose cost is about a hundred times this number."""
    return (
        f"{{ students(first: {first}) {{ nodes {{ currentClass {{ students(first: 100) {{ nodes {{ id }} }} }} }} }} }}"
    )


@dataclass(frozen=True)
class Check:
    """What is refused: the request, and who sends it, where that is no principal of the first school."""

    code: str
    request: dict[str, Any]
    who: Callable[["Senders"], dict[str, str]] = lambda senders: senders.bearer()


@dataclass(frozen=True)
class Senders:
    """Headers of people who never asked before, so that nothing is counted of them; some have lost what they had."""

    settings: Settings
    suspended: UUID

    def bearer(self, *, tenant: UUID = OWN, role: str = "principal", **changed: Any) -> dict[str, str]:
        """Somebody with a token, perhaps with something of it changed."""
        return self.token(replace(actor_of(role, tenant), **changed))

    def token(self, actor: Actor, **late: float) -> dict[str, str]:
        """A token of this actor, issued some time ago."""
        token = TokenIssuer(self.settings).issue(actor, utc_now() - timedelta(**late))
        return {"authorization": f"Bearer {token}"}

    def integrator(self, *permissions: str) -> dict[str, str]:
        """A program with some of the permissions it may have."""
        return self.bearer(client_id="c1", roles=(), permissions=CLIENT_SCOPES & set(permissions))


REVOKED, ENDED = new_id(), new_id()
_MANIFEST = (ROOT / "router" / "documents" / "manifest.json").read_text(encoding="utf-8")
PUPILS: Final = re.findall(r'"(\w{64})": \{\s+"file": "pupils.graphql"', _MANIFEST)[0]
CHECKS: Final[dict[str, Check]] = {
    "a broken token": Check("UNAUTHENTICATED", PLAIN, lambda _: {"authorization": "Bearer a.b.c"}),
    "another scheme": Check("UNAUTHENTICATED", PLAIN, lambda _: {"authorization": "Basic eDp5"}),
    "an expired token": Check("TOKEN_EXPIRED", PLAIN, lambda it: it.token(actor_of("principal", OWN), hours=1)),
    "a revoked token": Check("UNAUTHENTICATED", PLAIN, lambda it: it.bearer(user_id=REVOKED)),
    "an ended session": Check("UNAUTHENTICATED", PLAIN, lambda it: it.bearer(session_id=ENDED)),
    "a suspended school": Check("TENANT_SUSPENDED", PLAIN, lambda it: it.bearer(tenant=it.suspended)),
    "a school that is not there": Check("TENANT_UNKNOWN", PLAIN, lambda it: it.bearer(tenant=new_id())),
    "another school": Check("TENANT_MISMATCH", PLAIN, lambda it: it.bearer() | {"x-tenant-id": str(OTHER)}),
    "a tenant that is no UUID": Check("BAD_REQUEST", PLAIN, lambda it: it.bearer() | {"x-tenant-id": "gp"}),
    "nobody": Check("UNAUTHENTICATED", query("{ me { name } }"), lambda _: {"x-tenant-id": str(OWN)}),
    "a scope that is missing": Check("FORBIDDEN", query("{ students { totalCount } }"), lambda it: it.bearer(permissions=frozenset())),
    "a scope of a field": Check(
        "FORBIDDEN", query("{ apiClients { totalCount } }"), lambda it: it.bearer(role="teacher")
    ),
    "an integrator's own document": Check("PERSISTED_QUERY_ONLY", PLAIN, lambda it: it.integrator("school:read")),
    "an integrator's own hash": Check(
        "PERSISTED_QUERY_ONLY", hashed("0" * 64), lambda it: it.integrator("school:read")
    ),
    "a scope of a registered document": Check("FORBIDDEN", hashed(PUPILS), lambda it: it.integrator("student:read")),
    "too costly": Check("COST_LIMIT", query(classmates(100))),
    "too deep": Check("DEPTH_LIMIT", query("{ students " + "{ nodes { currentClass { students " * 5 + "{ totalCount }" + " } } }" * 5 + " }")),
    "too many aliases": Check("ALIAS_LIMIT", query("{ school { " + " ".join(f"a{n}: name" for n in range(31)) + " } }")),
    "too many directives": Check("DIRECTIVE_LIMIT", query("{ school { name " + " ".join("@include(if: true)" for _ in range(21)) + " } }")),
    "too many root fields": Check("ROOT_FIELD_LIMIT", query("{ " + "school { name } " * 21 + "}")),
    "too many tokens": Check("TOKEN_LIMIT", query("{ school { " + "name " * 2_000 + "} }")),
    "too many in a batch": Check("BATCH_LIMIT", {"json": [{"query": READ}] * 11}),
    "an unknown hash": Check("PERSISTED_QUERY_NOT_FOUND", hashed("0" * 64)),
    "another document's hash": Check("BAD_REQUEST", hashed("0" * 64, query=READ)),
    "another version": Check("BAD_REQUEST", hashed("0" * 64, version=2)),
    "no operation of that name": Check("BAD_REQUEST", query(f"query A {READ}", operationName="B")),
    "two operations and no name": Check("BAD_REQUEST", query(f"query A {READ} query B {READ}")),
    "a field that is not there": Check("BAD_REQUEST", query("{ school { secret } }")),
    "no document": Check("BAD_REQUEST", query("{ school")),
    "variables that are no object": Check("BAD_REQUEST", query(READ, variables=[1])),
    "a variable that is missing": Check("BAD_REQUEST", query("query($id: ID!) { class(id: $id) { name } }")),
    "a body that is no JSON": Check("BAD_REQUEST", {"content": b"{", "headers": JSON}),
    "a foreign page's form": Check("UNSUPPORTED_MEDIA_TYPE", {"data": {"query": READ}}),
    "a foreign page's text": Check("UNSUPPORTED_MEDIA_TYPE", {"content": b'{"query":"{ school { name } }"}', "headers": {"content-type": "text/plain"}}),
    "a mutation by GET": Check("BAD_REQUEST", {"method": "GET", "params": {"query": "mutation { logout { __typename } }"}}),
    "another method": Check("METHOD_NOT_ALLOWED", {"method": "PUT", **PLAIN}),
    "too large a body": Check("PAYLOAD_TOO_LARGE", query("#" * (2**20 + 1))),
}  # fmt: skip


@pytest.fixture(scope="module")
def counting(loaded: Settings, subgraph_urls: dict[str, str], node_modules: None) -> Iterator[BothWays]:
    """Both routers, which exempt nobody from the rates and believe us where a request comes from."""
    given = {"WIYATA_RATE_EXEMPT": "", "WIYATA_TRUSTED_PROXIES": "127.0.0.0/8"}
    with both_routers(loaded, subgraph_urls, "test", **given) as routers:
        asyncio.run(_revoke(routers))
        yield routers


async def _revoke(routers: BothWays) -> None:
    """Returns when it is in force."""
    revocations = Revocations(routers.settings)
    await revocations.publish_many({REVOKED: 2}, [ENDED])
    await revocations.close()
    headers = CHECKS["an ended session"].who(Senders(routers.settings, OTHER))
    for _ in range(100):
        if "errors" in (await routers.send(**PLAIN, headers=headers)).normal.json():
            break
        await asyncio.sleep(0.1)
    await routers.close()


@pytest.fixture(scope="module")
def suspended(loaded: Settings) -> UUID:
    """A school that is suspended."""
    tenant = add_school(loaded, "suspended")
    for subgraph in SUBGRAPHS:
        owner_rows(loaded, subgraph, f"update {subgraph}.tenants set status = 'SUSPENDED' where id = %s", (tenant,))
    return tenant


@pytest.fixture
async def ways(counting: BothWays) -> AsyncIterator[BothWays]:
    """The same with empty counters."""
    with Redis.from_url(counting.settings.valkey_url) as valkey:
        for database in (1, 2):
            valkey.execute_command("SELECT", database)
            valkey.flushdb()
    yield counting
    await counting.close()


@pytest.mark.parametrize("name", CHECKS)
async def test_every_check_holds_on_both_ways(ways: BothWays, suspended: UUID, name: str):
    check, senders = CHECKS[name], Senders(ways.settings, suspended)
    before = await ways.lane.taken()
    request = {**check.request, "headers": {**check.who(senders), **check.request.get("headers", {})}}
    answer = (await ways.send(**request)).check()
    errors = answer.json()["errors"]
    assert {each["extensions"].get("code", "") for each in errors} == {check.code}
    assert not any((answer.json().get("data") or {}).values())
    assert await ways.lane.taken() == before


RATES: Final = {
    "reads": (lambda it: it.bearer(), query("{ " + "a: school { name } " * 20 + "}"), 5),
    "reads of an administrator": (lambda it: it.bearer(role="super_admin", tenant=OWN), query("{ " + "tenant { name } " * 10 + "}"), 5),
    "cost": (lambda it: it.bearer(), query(classmates(90)), 21),
    "visitors of an address": (lambda _: {"x-tenant-id": str(OWN), "x-forwarded-for": "203.0.113.9"}, query("{ " + "openAdmissionPeriods { id } " * 20 + "}"), 15),
}  # fmt: skip
"""Who asks what, and how often that is allowed within a minute."""


@pytest.mark.parametrize("name", RATES)
async def test_rates_are_counted_on_both_ways(ways: BothWays, suspended: UUID, name: str):
    who, request, allowed = RATES[name]
    headers = who(Senders(ways.settings, suspended))
    before = await ways.lane.taken()
    for _ in range(allowed):
        assert "errors" not in (await ways.send(**request, headers=headers)).check().json()
    assert (await ways.lane.taken() - before).total() == allowed
    refused = await ways.send(**request, headers=headers)
    for answer in (refused.lane, refused.normal):
        assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert answer.headers["retry-after"] == answer.headers["x-ratelimit-reset"]
    told = [(each.status_code, each.headers["x-ratelimit-limit"]) for each in (refused.lane, refused.normal)]
    assert told[0] == told[1]
    assert (await ways.lane.taken() - before).total() == allowed


def test_every_code_of_the_router_is_walked():
    """A new check comes with a code, or refuses by one that is walked already."""
    text = (ROOT / "router" / "refusals.mjs").read_text(encoding="utf-8")
    codes = set(re.findall(r"^  ([A-Z_]+): \[", text, re.MULTILINE))
    assert len(codes) > 20
    assert codes - {check.code for check in CHECKS.values()} - {"RATE_LIMITED"} == set(ELSEWHERE)
