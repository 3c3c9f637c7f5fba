"""Documents that schemathesis makes from what the router tells of its graph, sent by every kind of client.

The same over the real graph is tests/badinput/test_router.py, and over each subgraph tests/badinput/test_documents.py. The plain HTTP
routes have no OpenAPI document from which requests could be made; tests/router/test_origin.py walks them.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, CheckContext, Response

from tests.router.conftest import GP, PLATFORM, Router, Tokens
from tests.router.test_probes import LEAKS

_FEW, _MANY = 30, 400
# A subgraph of the tests waits for as long as it is told: those fields are late for any large number, as they ought to be.
_WAITING = r"\.(school|seen|enroll)$"
_JSON = "application/json; charset=utf-8"
_GRAPH = "application/graphql-response+json; charset=utf-8"
_OWN_FAULTS = {"INTERNAL", "UNAVAILABLE"}


def senders(tokens: Tokens) -> dict[str, dict[str, str]]:
    """The headers of each kind of client, and of what they accept."""
    granted = ["user:read", "audit:read"]
    of = {
        "visitor": {},
        "app": tokens.bearer(GP),
        "app with permissions": tokens.bearer(GP, permissions=granted),
        "dashboard": tokens.bearer(GP, permissions=[*granted, "graph:adhoc"]),
        "integrator": tokens.bearer(GP, permissions=granted, client_id="c1"),
        "administrator": tokens.bearer(PLATFORM, permissions=granted),
    }
    return {name: headers | {"x-tenant-id": GP} for name, headers in of.items()}


def assert_conforms(body: Any) -> None:
    """Asserts the shape of a GraphQL answer, every error with a code of ours."""
    assert isinstance(body, dict)
    assert set(body) <= {"data", "errors", "extensions"}
    assert "data" in body or body["errors"]
    assert isinstance(body.get("data"), dict | None)
    for error in body.get("errors", ()):
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert isinstance(error["message"], str)
        assert isinstance(error["extensions"]["code"], str)
        assert error["extensions"]["code"] not in _OWN_FAULTS
        if "data" in body:
            assert all(isinstance(step, str | int) for step in error["path"])
    if (data := body.get("data")) is not None:
        told = {error["path"][0] for error in body.get("errors", ())}
        assert told <= set(data)


@pytest.mark.parametrize("accept", [_JSON, _GRAPH])
@pytest.mark.parametrize("examples", [_FEW, pytest.param(_MANY, marks=pytest.mark.deep)])
def test_generated_documents_are_answered_as_they_should_be(
    router: Router, tokens: Tokens, examples: int, accept: str
) -> None:
    of = senders(tokens)
    accepting = {"accept": accept.split(";", maxsplit=1)[0]}
    schema = schemathesis.graphql.from_url(f"{router.url}/graphql", headers=of["app"]).exclude(name_regex=_WAITING)
    answered: set[str] = set()

    # Its own `not_a_server_error` takes every error at a field for a failure, and so what a client may not see: ours tells by the code.
    def conforms(_: CheckContext, response: Response, case: Case[Any]) -> None:
        assert response.status_code in {200, 400}
        assert response.headers["content-type"] == [accept]
        text = response.content.decode()
        assert [leak for leak in LEAKS if leak in text and leak not in str(case.body)] == []
        assert_conforms(response.json())

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=schema.as_strategy())
    def ask(case: Case[Any]) -> None:
        for name, headers in of.items():
            told = case.call_and_validate(headers=headers | accepting, checks=[conforms]).json()
            if "data" in told:
                answered.add(name)
            assert name != "integrator" or told["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_ONLY"

    ask()
    assert answered == set(of) - {"integrator"}
