"""`@authenticated` and `@requiresScopes` at the router: refused fields are null, never asked for, and the rest stands."""

from tests.router.conftest import Graph, Tokens


def errors_of(result: dict) -> list[tuple[str, list]]:  # type: ignore[type-arg]
    return [(error["extensions"]["code"], error["path"]) for error in result.get("errors", [])]


async def test_a_protected_field_without_a_token_is_null_and_no_subgraph_hears_of_it(graph: Graph) -> None:
    """Trap 8, directives: fails without `genericAuth`, where the supergraph's directives do nothing."""
    result = await graph.ask("{ me { name } school }")
    assert result["data"] == {"me": None, "school": "SMA Gabriel Pereira"}
    assert list(result["data"]) == ["me", "school"]
    assert errors_of(result) == [("UNAUTHENTICATED", ["me"])]
    assert graph.subgraphs["identity"].operations == []


async def test_a_scope_not_held_is_forbidden_and_one_held_is_answered(graph: Graph, tokens: Tokens) -> None:
    query = "{ me { id email name } audit }"
    without = await graph.ask(query, tokens.bearer(permissions=["class:read"]))
    assert without["data"] == {"me": {"id": "u1", "email": None, "name": "Sri"}, "audit": None}
    assert list(without["data"]["me"]) == ["id", "email", "name"]
    assert errors_of(without) == [("FORBIDDEN", ["me", "email"]), ("FORBIDDEN", ["audit"])]
    having = await graph.ask(query, tokens.bearer(permissions=["user:read", "audit:read"]))
    assert having == {"data": {"me": {"id": "u1", "email": "sri@example.test", "name": "Sri"}, "audit": "secret"}}


async def test_refused_fields_are_found_in_lists_fragments_and_under_aliases(graph: Graph, tokens: Tokens) -> None:
    """Fails with the gateway's own handling (`rejectUnauthenticated: false` alone): it loses its way in fragments."""
    query = """
      fragment Mail on User { mail: email }
      query A { me { ...Mail friends { name ... on User { ...Mail } } } }
      query B { school }"""
    answer = await graph.client.post("/graphql", json={"query": query, "operationName": "A"}, headers=tokens.bearer())
    result = answer.json()
    assert result["data"] == {"me": {"mail": None, "friends": [{"name": "Adi", "mail": None}]}}
    assert errors_of(result) == [("FORBIDDEN", ["me", "mail"])]


async def test_a_refused_field_of_nothing_is_nothing(graph: Graph, tokens: Tokens) -> None:
    """Fails with the gateway's own handling, which answers `{"nobody": {"email": null}}`: a person that does not exist."""
    assert await graph.ask("{ nobody { name email } }", tokens.bearer()) == {"data": {"nobody": None}}


async def test_a_field_of_which_all_is_refused_is_null_and_tells_why(graph: Graph, tokens: Tokens) -> None:
    for query in ("{ me { email } }", "{ me { ...Mail } } fragment Mail on User { ... on User { email } }"):
        result = await graph.ask(query, tokens.bearer())
        assert result["data"] == {"me": None}
        assert errors_of(result) == [("FORBIDDEN", ["me", "email"])]


async def test_a_refused_field_that_is_skipped_is_not_there(graph: Graph, tokens: Tokens) -> None:
    for query in (
        "query($no: Boolean!) { school me @include(if: $no) { email } }",
        "query($no: Boolean!) { school audit @include(if: $no) }",
        "query($no: Boolean!) { school ... @include(if: $no) { audit } }",
        "query($no: Boolean!) { school ...Log @include(if: $no) } fragment Log on Query { audit }",
    ):
        result = await graph.ask(query, tokens.bearer(), no=False)
        assert result == {"data": {"school": "SMA Gabriel Pereira"}}, query


async def test_a_document_of_refused_fields_alone_is_answered(graph: Graph) -> None:
    result = await graph.ask("{ audit me { email } }")
    assert result["data"] == {"audit": None, "me": None}
    assert sorted(errors_of(result)) == [("UNAUTHENTICATED", ["audit"]), ("UNAUTHENTICATED", ["me"])]
