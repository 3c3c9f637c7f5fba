"""gql as an integrator: a token of its own, registered documents by their hash, a connection read to its end."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

from tests.identity.api_client.integrator import Integrator, ask
from tests.journeys.school import School
from tests.journeys.stack import ROOT, Stack

SCOPES = ["class:read", "student:read"]
PUPILS = (ROOT / "router" / "documents" / "pupils.graphql").read_text()
INVOICES = (ROOT / "router" / "documents" / "invoices.graphql").read_text()
SCHOOL = "{ school { name } }"
COUNT = 7


def sha256(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def by_hash(document: str, variables: dict[str, Any] | None = None) -> GraphQLRequest:
    """A document as gql prints it, beside the hash that it is registered by."""
    named = {"persistedQuery": {"version": 1, "sha256Hash": sha256(document)}}
    return GraphQLRequest(document, variable_values=variables, extensions=named)


class ById(GraphQLRequest):
    """A registered document named by its id alone, as gql lets a request say it."""

    @property
    def payload(self) -> dict[str, Any]:
        return {"documentId": sha256(PUPILS), "variables": self.variable_values}


@pytest.fixture(scope="session")
def teratai(running: Stack) -> tuple[School, Integrator]:
    """A school with pupils, and a program that it has let in."""

    async def found() -> tuple[School, Integrator]:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            school = School("teratai", running, client, "20304111")
            await school.found()
            await school.begin_year()
            await school.import_pupils([line(school, number) for number in range(1, COUNT + 1)])
            given = {"name": "Dinas Pendidikan", "scopes": SCOPES, "method": "CLIENT_SECRET"}
            selection = "clientId clientSecret apiClient { id }"
            made = await school.people["Admin"].do("createApiClient", given, selection)
        return school, Integrator(made["apiClient"]["id"], made["clientId"], made["clientSecret"])

    running.heal()
    return asyncio.run(found())


def line(school: School, number: int) -> str:
    """A pupil of the workbook, without a class."""
    who = f"Murid {number}"
    return f"{number},{number:010d},{school.name(who)},L,2010-01-01,,,,,,{school.email(who)}"


@pytest.fixture
def school(teratai: tuple[School, Integrator]) -> School:
    return teratai[0]


@pytest.fixture
async def session(teratai: tuple[School, Integrator], http: httpx.AsyncClient) -> AsyncIterator[Any]:
    """gql with the program's token."""
    school, program = teratai
    token = (await ask(http, program.posted())).json()["access_token"]
    transport = HTTPXAsyncTransport(f"{school.stack.url}/graphql", headers={"authorization": f"Bearer {token}"})
    async with Client(transport=transport) as opened:
        yield opened


@pytest.mark.parametrize(
    "named",
    [lambda given: by_hash(PUPILS, given), lambda given: ById(PUPILS, variable_values=given)],
    ids=["hash", "document id"],
)
async def test_a_connection_is_read_to_its_end(session: Any, school: School, named: Any) -> None:
    sizes, names, after = [], [], None
    while True:
        page = (await session.execute(named({"first": 3, "after": after})))["students"]
        sizes.append(len(page["nodes"]))
        names += [pupil["fullName"] for pupil in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sizes == [3, 3, 1]
    assert sorted(names) == [school.name(f"Murid {n}") for n in range(1, COUNT + 1)]


@pytest.mark.parametrize(
    "request_",
    [
        GraphQLRequest(SCHOOL),
        GraphQLRequest("mutation { logout { __typename } }"),
        GraphQLRequest(PUPILS.replace("100", "99")),
        GraphQLRequest(PUPILS),
        by_hash(SCHOOL),
    ],
    ids=["a query", "a mutation", "another page", "printed anew", "a hash of its own"],
)
async def test_what_is_not_registered_is_refused(session: Any, request_: GraphQLRequest) -> None:
    """gql prints each document anew, without comments: it is the registered one only where its hash is named beside it."""
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(request_)
    assert [error["extensions"]["code"] for error in refused.value.errors or []] == ["PERSISTED_QUERY_ONLY"]
    assert refused.value.data is None


async def test_a_registered_document_needs_its_scopes(session: Any) -> None:
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(by_hash(INVOICES))
    assert [error["extensions"]["code"] for error in refused.value.errors or []] == ["FORBIDDEN"]
