"""What the platform says of a school is in force in every subgraph within five seconds, while all of them run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from libs.settings import SUBGRAPHS
from tests.journeys.client import Person
from tests.journeys.school import PASSWORD, School
from tests.journeys.stack import PLATFORM_PASSWORD, Stack

_BAR = 5.0
_SUSPENDED = "TENANT_SUSPENDED"
_SWITCHED = {
    "operations": ("ATTENDANCE", "importAttendance", {"file": {"text": "x"}}),
    "admission": ("ADMISSION", "openAdmissionPeriod", {"periodId": "00000000-0000-7000-8000-00000000dead"}),
    "finance": ("FINANCE", "generateMonthlyInvoices", {"month": "1999-13"}),
}
"""A mutation of each feature that changes nothing even where it is switched on."""


@pytest.fixture
async def school(request: pytest.FixtureRequest, stack: Stack, http: httpx.AsyncClient) -> School:
    """A school of the test's own with one administrator, called by the parameter."""
    made = School(request.param, stack, http)
    await made.found()
    return made


@pytest.fixture
async def platform(stack: Stack, http: httpx.AsyncClient) -> Person:
    return await Person(http).sign_in(stack.settings.platform_email, PLATFORM_PASSWORD)


async def codes_of(stack: Stack, http: httpx.AsyncClient, person: Person, subgraph: str, document: Any) -> set[str]:
    """The codes a subgraph answers somebody who comes to it without the router."""
    url = getattr(stack.settings, f"{subgraph}_url")
    answer = (await http.post(url, json=document, headers=person.headers)).json()
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


async def seconds_until(holds: Callable[[], Awaitable[bool]]) -> float:
    """How long until it holds; fails after twice the bar."""
    started = time.monotonic()
    while not await holds():
        assert time.monotonic() - started < 2 * _BAR, "never in force"
        await asyncio.sleep(0.05)
    return time.monotonic() - started


async def all_in_force(*waits: Awaitable[float]) -> None:
    """Each of these within the bar, counted from now."""
    took = await asyncio.gather(*waits)
    assert max(took) < _BAR, took


@pytest.mark.parametrize("school", ["anggrek"], indirect=True)
async def test_a_suspension_and_its_end_are_in_force_everywhere(
    stack: Stack, http: httpx.AsyncClient, school: School, platform: Person
) -> None:
    admin = school.people["Admin"]
    asked = {"query": "{ __typename }"}
    about = {"tenantId": school.tenant, "reason": "Kontrak berakhir"}

    async def everywhere(wanted: set[str]) -> None:
        def refused_by(subgraph: str) -> Callable[[], Awaitable[bool]]:
            async def holds() -> bool:
                return await codes_of(stack, http, admin, subgraph, asked) == wanted

            return holds

        await all_in_force(*(seconds_until(refused_by(subgraph)) for subgraph in SUBGRAPHS))

    await everywhere(set())
    await platform.do("suspendTenant", about, "tenant { status }")
    await everywhere({_SUSPENDED})
    assert (await admin.ask("{ me { name } school { name } }")).codes == [_SUSPENDED] * 2
    given = {"email": school.email("Admin"), "password": PASSWORD}
    assert (await Person(http, school.tenant).attempt("login", given, "accessToken"))["code"] == _SUSPENDED
    for visitor in (Person(http), Person(http, school.tenant)):
        again = await visitor.attempt("refreshToken", {"refreshToken": admin.refresh}, "accessToken")
        assert again["code"] == "INVALID_TOKEN"
    acting = platform.without(tenant=school.tenant)
    assert (await acting.read("{ tenant { status } }"))["tenant"] == {"status": "SUSPENDED"}
    await platform.do("resumeTenant", about, "tenant { status }")
    await everywhere(set())
    assert await (await admin.renew()).read("{ me { name } school { name } }")


@pytest.mark.parametrize("school", ["bougenvil"], indirect=True)
async def test_a_feature_is_switched_off_and_on_everywhere(
    stack: Stack, http: httpx.AsyncClient, school: School, platform: Person
) -> None:
    admin = school.people["Admin"]

    async def everywhere(*, off: bool) -> None:
        def switched(subgraph: str) -> Callable[[], Awaitable[bool]]:
            _, name, given = _SWITCHED[subgraph]
            kind = name[0].upper() + name[1:]
            text = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename }} }}"

            async def holds() -> bool:
                codes = await codes_of(stack, http, admin, subgraph, {"query": text, "variables": {"input": given}})
                return ("FEATURE_DISABLED" in codes) is off

            return holds

        await all_in_force(*(seconds_until(switched(subgraph)) for subgraph in _SWITCHED))

    version = (await admin.read("{ tenant { version } }"))["tenant"]["version"]
    change = {"tenantId": school.tenant, "features": [], "expectedVersion": version}
    await platform.do("configureTenant", change, "tenant { features }")
    await everywhere(off=True)
    assert await admin.read("{ invoices { totalCount } applications { totalCount } assessments { totalCount } }")
    on = change | {"features": ["ATTENDANCE", "GRADING", "FINANCE", "ADMISSION"], "expectedVersion": version + 1}
    await platform.do("configureTenant", on, "tenant { features }")
    await everywhere(off=False)
