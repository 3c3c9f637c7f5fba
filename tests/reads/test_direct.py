"""Every subgraph addressed without the router, `_entities` included: what stands before any field is asked.

Who has no token, or one of another school, stands in test_canaries.py and test_matrix.py; here are tokens that are not
ours and those of a suspended school.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from libs.auth import Actor, TokenIssuer
from libs.kernel import new_id, utc_now
from libs.settings import Settings
from libs.testing import TestKeys, owner_rows
from tests.reads.families import OTHER, OWN, tenant_of
from tests.reads.stages import APPS, LAST, ROLES, Stage, Stages, person, stages
from tests.reads.ways import Way, ways_of

__all__ = ["stages"]
SUBGRAPHS = tuple(APPS)


def all_ways(stage: Stage, subgraph: str) -> Iterator[Way]:
    """Each root field and each entity, as the school's administrator would ask."""
    ways = ways_of(stage.seen(person("school_admin"), subgraph))
    yield from ways.roots(0)
    yield from (way for _, way in ways.entities(0))


def forged(settings: Settings, actor: Actor) -> dict[str, str]:
    """Tokens that are right but for one thing."""
    now = utc_now()
    strange = settings.model_copy(update={"token_signing_keys": TestKeys().token_signing_keys})
    made = {
        "of another audience": (settings.model_copy(update={"token_audience": "dapodik"}), now),
        "of another issuer": (settings.model_copy(update={"token_issuer": "https://wiyata.example"}), now),
        "of another key": (strange, now),
        "of yesterday": (settings, now - timedelta(days=1)),
        "of tomorrow": (settings, now + timedelta(days=1)),
    }
    whole = TokenIssuer(settings).issue(actor, now)
    head, body, signature = whole.split(".")
    return {label: TokenIssuer(by).issue(actor, at) for label, (by, at) in made.items()} | {
        "without its signature": f"{head}.{body}.",
        "with another's body": f"{head}.{TokenIssuer(settings).issue(person('parent'), now).split('.')[1]}.{signature}",
    }


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
def test_a_token_that_is_not_ours_opens_nothing(stages: Stages, subgraph: str) -> None:
    stage = stages[LAST]
    for label, token in forged(stage.settings, person("school_admin")).items():
        for way in all_ways(stage, subgraph):
            headers = {"authorization": f"Bearer {token}"}
            answer = stage.ask(subgraph, way.document, None, way.variables, headers=headers)
            expected = {"UNAUTHENTICATED", "TOKEN_EXPIRED"} if label == "of yesterday" else {"UNAUTHENTICATED"}
            assert answer.data is None, (label, way.document)
            assert set(answer.codes) <= expected, (label, answer.codes)


def suspend(stage: Stage) -> None:
    """As identity's event does, in every subgraph."""
    for subgraph in SUBGRAPHS:
        statement = f"update {subgraph}.tenants set status = 'SUSPENDED', updated_at = now() where id = %s"
        owner_rows(stage.settings, subgraph, statement, (tenant_of(OWN),))


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
def test_a_living_token_of_a_suspended_school_opens_nothing(stages: Stages, subgraph: str) -> None:
    stage = stages["suspended"]
    suspend(stage)
    ways = list(all_ways(stage, subgraph))
    for name in ROLES:
        for way in ways:
            answer = stage.ask(subgraph, way.document, person(name), way.variables)
            assert (answer.data, answer.codes) == (None, ["TENANT_SUSPENDED"]), (name, way.document)
    here = stage.ask(subgraph, "{ __typename }", person("school_admin", OTHER))
    assert here.ok() == {"__typename": "Query"}
    assert stage.ask(subgraph, "{ __typename }", person("super_admin")).ok() == {"__typename": "Query"}


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
def test_what_is_public_of_a_suspended_school_tells_no_more_than_that(stages: Stages, subgraph: str) -> None:
    stage = stages["suspended"]
    suspend(stage)
    for way in all_ways(stage, subgraph):
        answer = stage.ask(subgraph, way.document, None, way.variables, tenant_id=tenant_of(OWN))
        if way.asked.name == "publicSchool":
            told: Any = answer.data["publicSchool"]
            assert told["status"] == ("SUSPENDED" if str(tenant_of(OWN)) == told["id"] else "ACTIVE")
        else:
            assert not any((answer.data or {}).values()), way.document
            assert set(answer.codes) <= {"UNAUTHENTICATED", "TENANT_SUSPENDED"}, way.document


@pytest.mark.parametrize("subgraph", SUBGRAPHS)
def test_an_actor_of_another_school_finds_none_of_our_ids(stages: Stages, subgraph: str) -> None:
    """With every permission there is: our ids are told apart from nobody's by nothing."""
    stage = stages[LAST]
    powerful = replace(person("school_admin", OTHER), permissions=person("super_admin").permissions)
    seen = stage.seen(person("school_admin"), subgraph)
    for kind, way in ways_of(seen).entities(0):
        mine = [str(row["id"]) for row in seen.everything(kind) if "id" in row]
        nobodys = [str(new_id()) for _ in mine]
        told = [
            stage.ask(subgraph, way.document, powerful, {"them": [{"__typename": kind, "id": each} for each in ids]})
            for ids in (mine, nobodys)
        ]
        ours, nothing = [[each and each | {"id": None} for each in answer.data["_entities"]] for answer in told]
        assert (ours, told[0].codes) == (nothing, told[1].codes), kind
