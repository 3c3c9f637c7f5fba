"""What an operation costs is known before anything of it runs, and what is too large or too costly reaches no subgraph."""

from typing import Any

import pytest

from tests.router.conftest import GP, Graph, Tokens

MANY = "friends { friends { friends { name } } }"  # of a pupil: 10, 100 and 1,000


def cost_of(answer: dict[str, Any]) -> dict[str, int]:
    """What a refusal tells of the cost."""
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "COST_LIMIT"
    return {name: error["extensions"][name] for name in ("estimated", "allowed")}


@pytest.mark.parametrize(
    ("document", "variables", "estimated"),
    [
        ("{ pupils { name } }", {}, 10),
        ("{ a: pupils { name } b: pupils { name } }", {}, 20),
        ("{ pupils { name } ...Same } fragment Same on Query { pupils { mean } }", {}, 10 * (1 + 5)),
        ("{ pages { totalCount } }", {}, 1),
        ("{ pages { nodes { name } } }", {}, 1 + 20),
        ("{ pages(first: 3) { nodes { name } } }", {}, 1 + 3),
        ("query($n: Int) { pages(first: $n) { nodes { name } } }", {"n": 7}, 1 + 7),
        ("query($n: Int = 5) { pages(first: $n) { nodes { name } } }", {}, 1 + 5),
        ("query($n: Int) { pages(first: $n) { nodes { name } } }", {"n": None}, 1 + 20),
        ("query($x: Boolean!) { pupils @include(if: $x) { name } }", {"x": False}, 0),
        ("query($x: Boolean!) { pupils @skip(if: $x) { name } }", {"x": False}, 10),
        (
            "query($x: Boolean!) { ...F @include(if: $x) ...F } fragment F on Query { pupils { name } }",
            {"x": False},
            10,
        ),
        ("{ pupils { user { student } } }", {}, 10 * (1 + 1)),
        # identity is asked for each of the ten: a look-up is an object too
        ("{ pupils { user { name } } }", {}, 10 * (1 + 1 + 1)),
        ("{ pupils { user { name notifications } } }", {}, 10 * (1 + 1 + 2)),
        ("mutation { enroll }", {}, 10),
        ("{ __schema { types { name fields { name } } } }", {}, 0),
    ],
)
async def test_cost_is_estimated_from_schema_and_variables(priced, document, variables, estimated):
    answer = await priced.ask(document, **variables)
    assert answer["extensions"]["cost"] == {"estimated": estimated, "allowed": 500}


async def test_mutation_over_budget_never_reaches_a_subgraph(graph: Graph):
    """Trap 2: fails with `demandControl` in the place of our own cost, which counts when the mutation is done."""
    aliases = " ".join(f"m{place}: enroll" for place in range(20))
    document = f"mutation {{ {aliases} pupils: enrollAll {{ {MANY} }} }}".replace("m19: enroll ", "")
    assert cost_of(await graph.ask(document)) == {"estimated": 20 * 10 + 1 + 1_110, "allowed": 500}
    assert graph.subgraphs["academic"].operations == []


@pytest.mark.parametrize(("claims", "allowed"), [({}, 10_000), ({"permissions": ["graph:adhoc"]}, 50_000), (None, 500)])
async def test_each_tier_has_a_budget(graph: Graph, tokens: Tokens, claims, allowed):
    headers = tokens.bearer(GP, **claims) if claims is not None else {}
    deep = "{ pupils { friends { friends { friends { friends { name } } } } } }"
    assert cost_of(await graph.ask(deep, headers)) == {"estimated": 111_110, "allowed": allowed}
    assert graph.subgraphs["academic"].operations == []


async def test_document_that_unfolds_without_end_is_refused_at_once(graph: Graph):
    fragments = "".join(
        f"fragment F{n} on Pupil {{ friends {{ name ...F{n + 1} }} friends {{ mean ...F{n + 1} }} }} "
        for n in range(11)
    )
    document = "{ pupils { ...F0 } } " + fragments + "fragment F11 on Pupil { name }"
    (error,) = (await graph.ask(document))["errors"]
    assert error["extensions"]["code"] in {"COST_LIMIT", "DEPTH_LIMIT"}


@pytest.mark.parametrize(
    ("document", "code", "allowed"),
    [
        ("{ " + "a: school " * 31 + "}", "ALIAS_LIMIT", 30),
        ("{ " + " ".join(f"a{n}: school" for n in range(21)) + "}", "ROOT_FIELD_LIMIT", 20),
        (
            "{ ...F ...F ...F } fragment F on Query { " + " ".join(f"a{n}: school" for n in range(11)) + " }",
            "ALIAS_LIMIT",
            30,
        ),
        ("{ school " + "@skip(if: false) " * 21 + "}", "DIRECTIVE_LIMIT", 20),
        ("{ pupils " + "{ friends " * 12 + "{ name }" + " }" * 12 + " }", "DEPTH_LIMIT", 12),
        ("{ " + "school " * 2_001 + "}", "TOKEN_LIMIT", 2_000),
    ],
)
async def test_document_is_limited_whoever_sends_it(graph: Graph, tokens: Tokens, document, code, allowed):
    headers = tokens.bearer(GP, permissions=["graph:adhoc"])
    (error,) = (await graph.ask(document, headers))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["allowed"]) == (code, allowed)
    assert str(allowed) in error["message"]
    assert graph.subgraphs["academic"].operations == []


async def test_a_limit_itself_is_allowed(graph: Graph):
    twenty = " ".join(f"a{n}: school @skip(if: false)" for n in range(20))
    for document in ("{ " + twenty + " }", "{ me " + "{ friends " * 10 + "{ name }" + " }" * 10 + " }"):
        assert "LIMIT" not in str(await graph.ask(document)), document


async def test_refused_document_is_a_fault_of_the_document(graph: Graph):
    body = {"query": "{ school " + "@skip(if: false) " * 21 + "}"}
    assert (await graph.client.post("/graphql", json=body)).status_code == 200
    strict = {"accept": "application/graphql-response+json"}
    assert (await graph.client.post("/graphql", json=body, headers=strict)).status_code == 400
    (error,) = (await graph.client.post("/graphql", json=body, headers={"accept-language": "id"})).json()["errors"]
    assert error["message"] == "Lebih dari 20 direktif."


async def test_cost_is_told_in_development_alone_and_on_both_ways(graph: Graph, priced: Graph):
    assert "extensions" not in await graph.ask("{ school }")
    for document, data in (
        ("{ pupils { name } }", {"pupils": [{"name": "Siti"}]}),
        ("mutation { enroll }", {"enroll": "enrolled"}),
    ):
        assert await priced.ask(document) == {"data": data, "extensions": {"cost": {"estimated": 10, "allowed": 500}}}
