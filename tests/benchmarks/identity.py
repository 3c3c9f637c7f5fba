"""`just bench identity`: sign-ins against what bcrypt allows, tokens verified, `me` through the router and without it.

Runs the local stack with its demo in a folder and on ports of its own. The exit code is 1 when there was an error.
"""

import argparse
import asyncio
import base64
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import httpx
import orjson
import uvloop
from pydantic import SecretStr

from deploy.local.ports import LOOPBACK
from libs.auth import Claims, TokenVerifier
from libs.kernel import utc_now
from libs.settings import Settings
from subgraphs.identity.credential.queries import PasswordHasher
from tests.benchmarks.graph import LocalStack, running_demo
from tests.benchmarks.http_load import Question, closed_loop
from tests.benchmarks.results import Report, run

_CONDITIONS: Final = (
    "Sign-ins of all accounts of the demo, each with the token of its device, go to identity itself, eight at a time;"
    " bcrypt works in four threads at most. Its own limit is measured first, by one thread that does nothing else, with the"
    " same cost. `me` asks for id and name over one connection. Everything shares the cores; each document was asked"
    " before it is measured."
)
_LOGIN: Final = "mutation($i: LoginInput!) { login(input: $i) { ... on LoginSuccess { accessToken deviceToken } } }"
_ME: Final = "{ me { id name } }"

Accounts = list[tuple[dict[str, str], dict[str, str]]]
"""What each signs in with, and the headers that name the school."""


def per_call(run: Callable[[], Any], seconds: float) -> float:
    """Seconds of a core that one call takes, on average, however busy the machine is."""
    calls, began = 0, time.thread_time()
    while (lasted := time.thread_time() - began) < seconds:
        run()
        calls += 1
    return lasted / calls


def hash_seconds(seconds: float) -> float:
    """How long bcrypt takes for one password, in one thread, at the cost of production."""
    pepper = SecretStr(base64.b64encode(secrets.token_bytes(32)).decode())
    hasher = PasswordHasher(Settings(password_pepper=pepper))
    hashed = asyncio.run(hasher.hash("Melati-putih-7"))
    try:
        return per_call(lambda: hasher._verify("Melati-putih-7", hashed), seconds)
    finally:
        hasher.close()


def accounts(stack: LocalStack) -> Accounts:
    """Everybody of the demo who belongs to a school."""
    tenants = json.loads(stack.run("accounts"))["tenants"]
    return [
        ({"email": each["email"], "password": each["password"]}, {"x-tenant-id": tenant["id"]})
        for tenant in tenants
        for each in tenant["accounts"]
    ]


def asked(document: str, variables: Mapping[str, Any], headers: Mapping[str, str], marker: str) -> Question:
    """A request whose right answer holds the marker once."""
    body = orjson.dumps({"query": document, "variables": variables})
    head = [
        "POST /graphql HTTP/1.1",
        f"host: {LOOPBACK}",
        "content-type: application/json",
        "accept: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return Question("\r\n".join(head).encode() + b"\r\n\r\n" + body, marker.encode(), 1)


async def sign_in(port: int, people: Accounts) -> tuple[list[Question], str, dict[str, str]]:
    """Everybody once; answers their next sign-ins, and an access token with the headers of whom it is."""
    questions, token, whose = [], "", {}
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=30) as http:
        for given, headers in people:
            body = {"query": _LOGIN, "variables": {"i": given}}
            signed_in = (await http.post("/graphql", json=body, headers=headers)).json()["data"]["login"]
            known = given | {"deviceToken": signed_in["deviceToken"]}
            questions.append(asked(_LOGIN, {"i": known}, headers, '"accessToken"'))
            token, whose = signed_in["accessToken"], headers
    return questions, token, whose | {"authorization": f"Bearer {token}"}


async def measure_sign_ins(
    stack: LocalStack, report: Report, questions: Sequence[Question], *, limit: float, seconds: float
) -> None:
    """How many there are, and how much of what they cost is bcrypt. `limit` is bcrypt's own, each second and core."""
    before = stack.cpu_seconds()
    outcome = await closed_loop(stack.ports["identity"], questions, seconds)
    used = {name: value - before.get(name, 0.0) for name, value in stack.cpu_seconds().items()}
    done = len(outcome.latencies) - outcome.errors
    per_core = done / sum(used.values())
    report.table("Sign-ins", "Figure")
    report.row("bcrypt's own limit, a second and core", f"{limit:.2f}")
    report.row("sign-ins a second", f"{outcome.rate:.2f}")
    report.row("sign-ins a second and core, all processes counted", f"{per_core:.2f}")
    report.row("of bcrypt's own limit", f"{per_core / limit:.2f}")
    report.row("p50, p95", f"{outcome.percentile(0.5):.0f} ms, {outcome.percentile(0.95):.0f} ms")
    report.row("errors", outcome.errors, bar="0", reached=not outcome.errors)


async def measure_tokens(stack: LocalStack, report: Report, token: str, seconds: float) -> None:
    """A token that was seen before, against one whose signature is verified."""
    url = f"http://{LOOPBACK}:{stack.ports['identity']}/.well-known/jwks.json"
    verifier, now = TokenVerifier(Settings(jwks_url=url)), utc_now()
    await verifier.verify(token, now)

    async def cached() -> Claims:
        return await verifier.verify(token, now)

    async def uncached() -> Claims:
        verifier._verified.clear()
        return await verifier.verify(token, now)

    known, new = await per_await(cached, seconds), await per_await(uncached, seconds)
    report.table("Verification of a token", "Each")
    report.row("seen before", f"{known * 1e6:.1f} µs")
    report.row("signature verified", f"{new * 1e6:.0f} µs")
    report.row("the former of the latter", f"{known / new:.4f}")


async def per_await(run: Callable[[], Awaitable[Any]], seconds: float) -> float:
    """Seconds of one call, on average."""
    calls, began = 0, time.perf_counter()
    while (lasted := time.perf_counter() - began) < seconds:
        await run()
        calls += 1
    return lasted / calls


async def measure_me(stack: LocalStack, report: Report, headers: Mapping[str, str], seconds: float) -> None:
    """The same question at the subgraph and through the router."""
    question, medians = asked(_ME, {}, headers, '"name"'), {}
    report.table("`me` over one connection", "Answers a second", "p50", "p95", "Errors")
    for name in ("identity", "router"):
        await closed_loop(stack.ports[name], [question], 1.0, connections=1)
        outcome = await closed_loop(stack.ports[name], [question], seconds, connections=1)
        medians[name] = outcome.percentile(0.5)
        cells = (f"{outcome.rate:.0f}", f"{medians[name]:.2f} ms", f"{outcome.percentile(0.95):.2f} ms")
        report.row(name, *cells, outcome.errors, bar="0 errors", reached=not outcome.errors)
    report.row("router against identity", "", f"{medians['router'] / medians['identity']:.2f}", "", "")


async def measure(stack: LocalStack, report: Report, *, limit: float, seconds: float) -> None:
    """All of it, one after the other."""
    questions, token, headers = await sign_in(stack.ports["identity"], accounts(stack))
    await measure_sign_ins(stack, report, questions, limit=limit, seconds=seconds)
    await measure_tokens(stack, report, token, seconds / 2)
    await measure_me(stack, report, headers, seconds)


def main() -> int:
    """See `run`."""
    parser = argparse.ArgumentParser(prog="just bench identity")
    parser.add_argument("--seconds", type=float, default=20, help="of each loop")

    def measured(asked: argparse.Namespace, report: Report) -> None:
        limit = 1 / hash_seconds(min(asked.seconds, 10))
        with running_demo() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(stack, report, limit=limit, seconds=asked.seconds))

    return run(parser, _CONDITIONS, measured)


if __name__ == "__main__":
    sys.exit(main())
