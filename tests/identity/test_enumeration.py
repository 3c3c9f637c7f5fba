"""How long an answer takes tells no stranger whether an address has an account: measured, and judged by its ranks."""

import math
import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from libs.auth import system_binding
from libs.kernel import new_id
from libs.testing import GraphClient
from subgraphs.identity.app import create_app
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.credential import queries
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.user.queries import Contact, NewAccount, create_accounts

SAMPLES: Final = 20
WARMING: Final = 2
EVEN_SECONDS: Final = 0.15  # instead of 0.5: what it hides takes some 20 ms here
COST: Final = 10  # some 60 ms: that a password is not hashed is seen on a busy machine too
FALSE_ALARMS: Final = 1e-3
"""How often equal times may come out as different. What does is measured again, with other accounts, and fails when it
does so twice: one run in fifty thousand, with some twenty comparisons."""
UNSEEN: Final = 0.002  # seconds that are lost in the noise of any network, whatever their ranks say
NONCE: Final = re.compile('nonce="[^"]+"')

Ask = Callable[[str, int], Awaitable[None]]


class Stopwatch:
    """Times an application until its answer has left: what it does afterwards keeps nobody waiting."""

    def __init__(self, app: Starlette) -> None:
        self.router, self._app, self.seconds = app.router, app, 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def timed(message):
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.seconds = time.perf_counter() - began

        await self._app(scope, receive, timed)


@pytest.fixture
def watch(settings, monkeypatch):
    monkeypatch.setattr(queries, "_EVEN_SECONDS", EVEN_SECONDS)
    return Stopwatch(create_app(settings.model_copy(update={"bcrypt_cost": COST})))


@pytest.fixture
async def client(watch, settings):
    async with GraphClient(watch, settings) as opened:
        yield opened


@pytest.fixture
def people(database, contacts, settings, open_school, as_owner):
    """`await people("INACTIVE")`: as many addresses as are asked with, whose accounts stand so."""
    hasher = PasswordHasher(settings.model_copy(update={"bcrypt_cost": COST}))

    async def made(state):
        emails = [f"{state.lower()}.{number}@x.test" for number in range(2 * (SAMPLES + WARMING))]
        if state != "UNKNOWN":
            await _add(state, emails)
        return emails

    async def _add(state, emails):
        is_known = state not in {"INVITED", "REGISTERED"}
        password_hash = await hasher.hash("Melati-putih-7") if is_known else None
        accounts = [
            NewAccount(
                id=new_id(),
                name=state,
                contact=Contact(email, "+6281234567890"),
                roles=[system_role("parent")],
                password_hash=password_hash,
                is_registration=state == "REGISTERED",
            )
            for email in emails
        ]
        async with database.write(system_binding(open_school)) as tx:
            await create_accounts(tx, accounts, contacts=contacts, doer=NOBODY, since=tx.now.date())
        out = {"INACTIVE": "status = 'INACTIVE'", "DELETED": "deleted_at = now()"}.get(state)
        if out:
            as_owner("identity", f"update identity.users set {out} where name = %s returning id", (state,))

    return made


@pytest.fixture
def open_school(school, as_owner):
    as_owner("identity", "update identity.tenants set registration_role = 'parent' where id = %s", (school,))
    return school


@pytest.fixture
def lock(as_owner, contacts, school):
    """Locks addresses as fifty failures do, be there an account or not."""
    row = """insert into identity.account_failures (tenant_id, id, email_blind, since, failures, locked_at)
      values (%s, %s, %s, now(), 50, now()) returning id"""

    def do(emails):
        for email in emails:
            as_owner("identity", row, (school, new_id(), contacts.blind(school, email)))

    return do


@pytest.fixture
def ask(client, school, as_owner):
    """Entry -> what somebody sends there, each time from elsewhere."""
    (tenant,) = as_owner("identity", "select slug from identity.tenants where id = %s", (school,))

    def mutation(name, /, **more):
        kind = name[0].upper() + name[1:]
        text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename }} }}"

        async def send(email, number):
            where = {"x-forwarded-for": f"203.0.113.{number % 250}"}
            answer = await client(text, {"input": {"email": email, **more}}, tenant_id=school, headers=where)
            return answer.ok()[name]["__typename"]

        return send

    def page(name):
        async def send(email, _):
            answer = await client.http.post(f"/account/{name}", data={"school": tenant["slug"], "email": email})
            return answer.status_code, NONCE.sub("", answer.text.replace(email, ""))

        return send

    return {
        "login": mutation("login", password="Melati-merah-3"),
        "registerUser": mutation("registerUser", name="Ibu Wati"),
        "requestPasswordReset": mutation("requestPasswordReset"),
        "resendVerification": mutation("resendVerification"),
        "forgot": page("forgot"),
        "unlock": page("unlock"),
    }


async def measured(
    watch: Stopwatch, ask: Ask, groups: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[float]], set[object]]:
    """Seconds of each group, which are asked in turn, each turn in another order; and what was answered."""
    order, times, answers = random.Random(7), {name: [] for name in groups}, set()
    number = 0
    for turn in range(len(next(iter(groups.values())))):
        for name in order.sample(list(groups), len(groups)):
            number += 1
            answers.add(await ask(groups[name][turn], number))
            if turn >= WARMING:
                times[name].append(watch.seconds)
    return times, answers


def rank_score(one: Sequence[float], other: Sequence[float]) -> float:
    """Mann and Whitney's U in standard deviations from where it lies when both are drawn alike."""
    above = sum((a > b) + (a == b) / 2 for a in one for b in other)
    pairs = len(one) * len(other)
    return (above - pairs / 2) / math.sqrt(pairs * (len(one) + len(other) + 1) / 12)


def told_apart(times: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """The groups whose times differ from the first one's, by more than chance and by what could be seen."""
    limit = statistics.NormalDist().inv_cdf(1 - FALSE_ALARMS / 2)
    (first, expected), *others = times.items()
    found = {}
    for name, seconds in others:
        score = rank_score(seconds, expected)
        gap = statistics.median(seconds) - statistics.median(expected)
        if abs(score) > limit and abs(gap) > UNSEEN:
            found[f"{name} and {first}"] = f"{1000 * gap:+.1f} ms, {score:+.1f} standard deviations"
    return found


async def tell(watch: Stopwatch, ask: Ask, groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What an answer's text, or its time, tells: nothing, or what it told twice."""
    half = SAMPLES + WARMING
    found: list[dict[str, str]] = []
    for part in (slice(None, half), slice(half, None)):
        times, answers = await measured(watch, ask, {name: emails[part] for name, emails in groups.items()})
        if len(answers) > 1:
            return {"answers": str(answers)}
        found.append(told_apart(times))
        if not found[-1]:
            return {}
    return {name: f"{found[0][name]}, then {said}" for name, said in found[1].items() if name in found[0]}


def test_what_differs_is_told_apart_and_what_does_not_is_not():
    noise = random.Random(3)

    def drawn(median):
        return [median + abs(noise.gauss(0, 0.010)) for _ in range(SAMPLES)]

    equal = told_apart({"UNKNOWN": drawn(0.1)} | {str(number): drawn(0.1) for number in range(1000)})
    assert len(equal) <= 10
    assert len(told_apart({"UNKNOWN": drawn(0.1)} | {str(number): drawn(0.12) for number in range(100)})) == 100


@pytest.mark.deep
@pytest.mark.parametrize(
    ("entry", "states"),
    [
        ("login", ("UNKNOWN", "ACTIVE", "INVITED", "INACTIVE", "DELETED")),
        ("registerUser", ("UNKNOWN", "ACTIVE", "INVITED", "INACTIVE", "REGISTERED")),
        ("requestPasswordReset", ("UNKNOWN", "ACTIVE", "INVITED", "INACTIVE")),
        ("forgot", ("UNKNOWN", "ACTIVE", "INVITED", "INACTIVE")),
        ("resendVerification", ("UNKNOWN", "ACTIVE", "INVITED", "REGISTERED")),
    ],
)
async def test_time_and_answer_tell_no_state_of_an_account(watch, ask, people, entry, states):
    groups = {state: await people(state) for state in states}
    assert await tell(watch, ask[entry], groups) == {}


@pytest.mark.deep
@pytest.mark.parametrize("entry", ["login", "unlock"])
async def test_time_and_answer_tell_no_account_where_an_address_is_locked(*, watch, ask, people, lock, entry):
    groups = {state: await people(state) for state in ("UNKNOWN", "ACTIVE", "INACTIVE")}
    for emails in groups.values():
        lock(emails)
    assert await tell(watch, ask[entry], groups) == {}
