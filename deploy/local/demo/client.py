"""The seed's way into the graph: the same mutations any client sends, through the router."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

_TOGETHER = 20  # mutations in one document: as many root fields as the router lets through
_AT_ONCE = 3  # documents under way at a time: the subgraph works while the database writes
_MAIL_SECONDS = 60
_JOB_SECONDS = 120
_LOOK_SECONDS = 0.1


class SeedError(Exception):
    """The graph refused something that the seed takes for granted."""


class Graph:
    """One signed-in client, or nobody's."""

    def __init__(self, http: httpx.AsyncClient, tenant_id: str | None = None, token: str | None = None) -> None:
        self._http = http
        self.tenant_id = tenant_id
        self._headers = {"accept-language": "en"}
        if tenant_id:
            self._headers["x-tenant-id"] = tenant_id
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        """Sends one operation and returns its data. Raises SeedError with what the graph said."""
        response = await self._http.post(
            "/graphql", json={"query": document, "variables": variables}, headers=self._headers
        )
        answer: dict[str, Any] = response.json()
        if answer.get("errors"):
            raise SeedError("; ".join(error["message"] for error in answer["errors"][:3]))
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(
        self,
        name: str,
        inputs: Sequence[dict[str, Any]],
        selection: str,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[Any]:
        """Calls one mutation for every input, several to a document; returns the successes in order.

        Raises SeedError with the first refusal.
        """
        turns = asyncio.Semaphore(_AT_ONCE)

        async def send(some: Sequence[dict[str, Any]]) -> list[Any]:
            async with turns:
                answers = await self._mutate_together(name, some, selection)
            advance(len(some))
            return answers

        parts = [send(inputs[start : start + _TOGETHER]) for start in range(0, len(inputs), _TOGETHER)]
        return [answer for answers in await asyncio.gather(*parts) for answer in answers]

    async def _mutate_together(self, name: str, inputs: Sequence[dict[str, Any]], selection: str) -> list[Any]:
        kind = name[0].upper() + name[1:]
        heads = ", ".join(f"$i{place}: {kind}Input!" for place in range(len(inputs)))
        calls = " ".join(
            f"m{place}: {name}(input: $i{place}) {{ __typename ... on {kind}Success {{ {selection} }}"
            " ... on UserError { code message } ... on InvalidInput { fields { path code message } } }"
            for place in range(len(inputs))
        )
        data = await self(f"mutation({heads}) {{ {calls} }}", **{f"i{n}": each for n, each in enumerate(inputs)})
        answers = [data[f"m{place}"] for place in range(len(inputs))]
        for answer in answers:
            if answer["__typename"] != f"{kind}Success":
                raise SeedError(f"{name}: {answer}")
        return answers

    async def finish(self, job: dict[str, Any], field: str) -> None:
        """Waits for the end of long work, which `field` follows. Raises SeedError unless it succeeded."""
        query = f"query($id: ID!) {{ {field}(id: $id) {{ id status errors {{ path code message }} }} }}"
        for _ in range(int(_JOB_SECONDS / _LOOK_SECONDS)):
            if job["status"] not in ("QUEUED", "RUNNING"):
                break
            await asyncio.sleep(_LOOK_SECONDS)
            job = (await self(query, id=job["id"]))[field]
        if job["status"] != "SUCCEEDED":
            raise SeedError(f"{field}: {job}")

    async def sign_in(self, email: str, password: str) -> Self | None:
        """A client signed in to the same school, or None when the password is not the account's."""
        data = await self(
            "mutation($input: LoginInput!) { login(input: $input) { ... on LoginSuccess { accessToken } } }",
            input={"email": email, "password": password},
        )
        token = data["login"].get("accessToken")
        return type(self)(self._http, self.tenant_id, token) if token else None

    async def accept_invitation(self, email: str, password: str) -> None:
        """Waits for the invitation's mail in the local outbox and accepts it. Raises SeedError."""
        token = await self._invitation(email)
        await self.mutate("acceptInvitation", [{"token": token, "password": password}], "user { id }")

    async def _invitation(self, email: str) -> str:
        for _ in range(int(_MAIL_SECONDS / _LOOK_SECONDS)):
            response = await self._http.get("/dev/outbox", params={"to": email}, headers={"accept": "application/json"})
            for mail in response.json():
                for link in mail["links"]:
                    if urlsplit(link).path == "/account/invitation":
                        return str(parse_qs(urlsplit(link).query)["token"][0])
            await asyncio.sleep(_LOOK_SECONDS)
        raise SeedError(f"no invitation for {email} in the outbox")
