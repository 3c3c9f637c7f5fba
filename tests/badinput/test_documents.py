"""Documents that schemathesis makes from the schema: whatever they ask, no failure of ours comes back."""

import json
from typing import Any

import pytest
import schemathesis
from graphql import NameNode, ObjectFieldNode, build_schema, introspection_from_schema, print_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from libs.auth import SYSTEM_ROLES
from libs.settings import SUBGRAPHS
from tests.badinput.conftest import Setting
from tests.badinput.sending import send
from tests.badinput.test_mutations import schema_of

_FEW, _MANY = 20, 1_000
_DATES = st.dates().map(str) | st.text(max_size=12)
_SCALARS = {
    "Date": _DATES,
    "DateTime": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.text(max_size=12),
    "LocalTime": st.times().map(str) | st.text(max_size=12),
    "EmailAddress": st.emails() | st.text(max_size=12),
    "PhoneNumber": st.text("+0123456789", max_size=16),
}


def register_scalars() -> None:
    """Tells schemathesis what our scalars look like, right and wrong."""
    for name, values in _SCALARS.items():
        schemathesis.graphql.scalar(name, values.map(nodes.String))
    schemathesis.graphql.scalar("Rupiah", st.integers(-10, 2**54).map(nodes.Int))
    schemathesis.graphql.scalar("Score", st.integers(-10, 1_000).map(nodes.Int))
    references = st.fixed_dictionaries(
        {
            "__typename": st.sampled_from(["User", "Student", "School", "SchoolOverview", "Nope"]),
            "id": st.uuids().map(str),
        }
    )
    schemathesis.graphql.scalar("_Any", references.map(_node))


def documents_of(subgraph: str) -> st.SearchStrategy[Any]:
    """Any query or mutation of a subgraph."""
    register_scalars()
    known = build_schema(print_schema(schema_of(subgraph)), assume_valid_sdl=True)
    made = schemathesis.graphql.from_dict({"data": introspection_from_schema(known)})
    return made.as_strategy()


def _node(value: dict[str, str]) -> Any:
    fields = [ObjectFieldNode(name=NameNode(value=name), value=nodes.String(text)) for name, text in value.items()]
    return nodes.Object(fields)


@pytest.fixture
def documents(subgraph: str, examples: int) -> list[tuple[Any, str | None]]:
    """What is asked, and as whom. Made before there is an application, which would wait meanwhile and hear of nothing."""
    made: list[tuple[Any, str | None]] = []

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=documents_of(subgraph), role=st.sampled_from([None, *SYSTEM_ROLES]))
    def collect(case: Any, role: str | None) -> None:
        made.append((case.body, role))

    collect()
    return made


@pytest.mark.parametrize("examples", [_FEW, pytest.param(_MANY, marks=pytest.mark.deep)])
@pytest.mark.parametrize("subgraph", SUBGRAPHS)
async def test_generated_documents_never_fail_inside(
    documents: list[tuple[Any, str | None]], setting: Setting, examples: int
) -> None:
    assert len(documents) >= examples
    for body, role in documents:
        sent = body if isinstance(body, dict) else {"query": body}
        reply = await send(setting.graph, json.dumps(sent).encode(), actor=setting.actor(role) if role else None)
        reply.assert_decent((role, sent))
