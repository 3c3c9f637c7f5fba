"""What is taken from somebody is gone in every subgraph within seconds: sessions, roles, the account itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from libs.kernel import new_id
from libs.settings import SUBGRAPHS
from tests.journeys.client import Person
from tests.journeys.school import PASSWORD, School
from tests.journeys.stack import Stack

_BAR_SECONDS = 5.0
_READS = {
    "identity": "{ me { id } }",
    "academic": "{ school { id } }",
    "notification": "{ notifications(first: 1) { totalCount } }",
    "operations": "{ __typename }",
    "admission": "{ __typename }",
    "finance": "{ __typename }",
}
_NOBODY = "{__typename}"
_MUTATIONS = {
    "identity": f'mutation {{ revokeSession(input: {{sessionId: "%s"}}) {_NOBODY} }}',
    "academic": f'mutation {{ activateSemester(input: {{semesterId: "%s"}}) {_NOBODY} }}',
    "operations": f'mutation {{ generateReportCard(input: {{studentId: "%s", semesterId: "%s"}}) {_NOBODY} }}',
    "admission": f'mutation {{ openAdmissionPeriod(input: {{periodId: "%s"}}) {_NOBODY} }}',
    "finance": 'mutation { recordPayment(input: {invoiceId: "%s", amount: 1, method: CASH, paidOn: "2026-01-05"})'
    f" {_NOBODY} }}",
}
"""One of each subgraph that has any, about something that is not there: it changes nothing."""


def documents(stack: Stack) -> Mapping[tuple[str, str], str]:
    """Every subgraph's own address, and the router's, with what is asked there."""
    nowhere = str(new_id())
    changes = {name: document.replace("%s", nowhere) for name, document in _MUTATIONS.items()}
    asked = [(name, each[name]) for each in (_READS, changes) for name in SUBGRAPHS if name in each]
    own = {(getattr(stack.settings, f"{name}_url"), document): name for name, document in asked}
    through = {(f"{stack.url}/graphql", document): "router" for name, document in asked if document != "{ __typename }"}
    return own | through


async def seconds_until_refused(stack: Stack, person: Person) -> float:
    """How long an access token is still taken anywhere. Raises AssertionError after the bar."""
    began = time.monotonic()

    async def watch(url: str, document: str) -> float:
        while True:
            asked_at = time.monotonic()
            answer = (await person.http.post(url, json={"query": document}, headers=person.headers)).json()
            codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", [])}
            if "UNAUTHENTICATED" in codes:
                return asked_at - began
            assert asked_at - began < _BAR_SECONDS, (url, document, answer)
            await asyncio.sleep(0.1)

    return max(await asyncio.gather(*(watch(*place) for place in documents(stack))))


async def is_taken_everywhere(stack: Stack, person: Person) -> bool:
    """Whether the token is good at every place: what is refused below was not refused before."""
    for url, document in documents(stack):
        answer = (await person.http.post(url, json={"query": document}, headers=person.headers)).json()
        if "UNAUTHENTICATED" in str(answer.get("errors", "")):
            return False
    return True


Change = Callable[[School, Person, str], Awaitable[Any]]


async def _deactivate(school: School, _person: Person, user_id: str) -> Any:
    return await school.people["Admin"].do("deactivateUser", {"userId": user_id})


async def _assign(school: School, _person: Person, user_id: str) -> Any:
    return await school.people["Admin"].do("assignRole", {"userId": user_id, "role": "finance_staff"})


async def _log_out_everywhere(_school: School, person: Person, _user_id: str) -> Any:
    return await person.do("logoutEverywhere", {"exceptThis": False}, "ended")


@pytest.mark.parametrize("change", [_deactivate, _assign, _log_out_everywhere])
async def test_an_old_token_is_refused_everywhere_within_five_seconds(
    *, stack: Stack, http: httpx.AsyncClient, change: Change
) -> None:
    school = School(f"s{str(new_id())[-12:]}", stack, http)
    await school.found()
    await school.employ("Wakil", "school_admin")
    person = await Person(http, school.tenant).sign_in(school.email("Wakil"), PASSWORD)
    assert await is_taken_everywhere(stack, person)
    await change(school, person, school.ids["Wakil"])
    lasted = await seconds_until_refused(stack, person)
    logging.getLogger(__name__).info("%s: refused everywhere after %.2f s", change.__name__, lasted)
    assert lasted < _BAR_SECONDS
    renewed = await Person(http, school.tenant).attempt("refreshToken", {"refreshToken": person.refresh}, "expiresIn")
    assert renewed["__typename"] == ("RefreshTokenSuccess" if change is _assign else "InvalidToken")
