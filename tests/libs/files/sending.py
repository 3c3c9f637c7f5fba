"""A client that announces a file and sends it, in any subgraph."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx

from libs.auth import Actor
from libs.testing import GraphClient


@dataclass(frozen=True)
class Sender:
    """Somebody who uploads to one subgraph."""

    graph: GraphClient
    domain: str
    actor: Actor

    async def request(self, *, size: int, kind: str = "CSV", name: str = "../../etc/passwd", **headers: str) -> Any:
        """What `request<Domain>Upload` answers."""
        of = f"Request{self.domain.capitalize()}Upload"
        document = (
            f"mutation($input: {of}Input!) {{ request{self.domain.capitalize()}Upload(input: $input) {{ __typename"
            f" ... on {of}Success {{ uploadUrl fileId expiresAt }} ... on QuotaExceeded {{ quota used allowed }}"
            " ... on UserError { code } ... on InvalidInput { fields { path code } } } }"
        )
        given = {"input": {"name": name, "size": size, "type": kind}}
        answer = await self.graph(document, given, actor=self.actor, headers=headers)
        return answer.ok()[f"request{self.domain.capitalize()}Upload"]

    async def put(self, url: str, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
        """Sends the content; the address' origin is the router's."""
        parts = urlsplit(url)
        return await self.graph.http.put(f"{parts.path}?{parts.query}", content=content)

    async def upload(self, content: bytes, kind: str = "CSV") -> str:
        """Announces a file and sends it; answers its id."""
        told = await self.request(size=len(content), kind=kind)
        assert (await self.put(told["uploadUrl"], content)).status_code == 204
        return str(told["fileId"])


def altered(url: str, *, path: tuple[str, str] = ("", ""), **query: str) -> str:
    """The address with another part of the path, or other values of its query."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query)) | query
    return parts._replace(path=parts.path.replace(*path), query=urlencode(asked)).geturl()


async def assert_addresses_are_kept(sender: Sender, stranger: Actor, other_school: UUID) -> None:
    """An address takes what it was given for, once, and no other address takes anything."""
    content = b"nis,date\n1,2026-01-01\n"
    told = await sender.request(size=len(content))
    url, school = told["uploadUrl"], str(sender.actor.tenant_id)
    assert urlsplit(url).path == f"/files/{sender.domain}/uploads/{school}/{told['fileId']}"
    for wrong in (
        altered(url, signature=""),
        altered(url, signature="A" * 43),
        altered(url, expires="9999999999"),
        altered(url, expires="0"),
        altered(url, expires="x"),
        altered(url, path=(school, str(other_school))),
        altered(url, path=(told["fileId"], str(other_school))),
        url.partition("?")[0],
    ):
        assert (await sender.put(wrong, content)).status_code == 403, wrong
    assert (await sender.put(url, content + b"2")).status_code == 413
    assert (await sender.put(url, b"nis\x00" + content[4:])).status_code == 415
    assert (await sender.put(url, b"")).status_code == 415
    assert (await sender.put(url, content)).status_code == 204
    assert (await sender.put(url, content)).status_code == 410
    path = f"{urlsplit(url).path}?{urlsplit(url).query}"
    assert (await sender.graph.http.get(path)).status_code == 405
    refused = await Sender(sender.graph, sender.domain, stranger).request(size=1)
    assert refused == {"__typename": "Forbidden", "code": "FORBIDDEN"}
    for size, code in ((0, "TOO_SMALL"), (25 * 2**20 + 1, "TOO_LARGE")):
        assert (await sender.request(size=size))["fields"] == [{"path": "input.size", "code": code}]
