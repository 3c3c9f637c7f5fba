"""A person at the router: sends operations as any client does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from libs.testing import GraphAnswer

_REFUSAL = "... on UserError { code message } ... on InvalidInput { fields { path code message } }"


@dataclass(frozen=True)
class Person:
    """Somebody, signed in or not; `tenant` goes into X-Tenant-Id when it is given."""

    http: httpx.AsyncClient
    tenant: str | None = None
    access: str | None = None
    refresh: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        headers = {"accept-language": "en"}
        if self.tenant:
            headers["x-tenant-id"] = self.tenant
        if self.access:
            headers["authorization"] = f"Bearer {self.access}"
        return headers

    async def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> GraphAnswer:
        """Sends one operation; the answer may hold errors."""
        body = {"query": document, "variables": dict(variables or {})}
        response = await self.http.post("/graphql", json=body, headers=self.headers | dict(headers or {}))
        answer = response.json()
        return GraphAnswer(response.status_code, answer.get("data"), answer.get("errors", []))

    async def read(self, document: str, **variables: Any) -> Any:
        """The data of an answer that must have no errors."""
        return (await self.ask(document, variables)).ok()

    async def attempt(self, name: str, given: Any, selection: str, headers: Mapping[str, str] | None = None) -> Any:
        """What a mutation answers, success or refusal, with its `__typename`."""
        kind = name[0].upper() + name[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {name}(input: $input)"
            f" {{ __typename ... on {kind}Success {{ {selection} }} {_REFUSAL} }} }}"
        )
        return (await self.ask(document, {"input": given}, headers)).ok()[name]

    async def do(self, name: str, given: Any, selection: str = "__typename") -> Any:
        """The success of a mutation that must not be refused."""
        answer = await self.attempt(name, given, selection)
        assert answer["__typename"].endswith("Success"), answer
        return answer

    async def sign_in(self, email: str, password: str) -> "Person":
        """The same person with tokens."""
        answer = await self.do("login", {"email": email, "password": password}, "accessToken refreshToken")
        return Person(self.http, self.tenant, answer["accessToken"], answer["refreshToken"])

    async def renew(self) -> "Person":
        """The same person with the next pair of tokens."""
        answer = await self.do("refreshToken", {"refreshToken": self.refresh}, "accessToken refreshToken")
        return Person(self.http, self.tenant, answer["accessToken"], answer["refreshToken"])

    def without(self, *, tenant: str | UUID | None) -> "Person":
        """The same tokens sent with another tenant header, or none."""
        return Person(self.http, str(tenant) if tenant else None, self.access, self.refresh)
