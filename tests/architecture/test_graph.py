"""Each subgraph's generated schema agrees with the skeleton and keeps the conventions of the graph."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema

from libs.graph import ERROR_TYPES, Access
from libs.kernel import DomainError, InvalidInput
from tests.architecture import graph_rules as rules
from tests.architecture.sources import repository_files

SKELETON = rules.sections((Path(__file__).parent / "skeleton.graphql").read_text(encoding="utf-8"))
SUBGRAPHS = sorted(path.parts[1] for path in repository_files() if path.match("subgraphs/*/schema.py"))


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    """The strawberry schemas by subgraph."""
    return {subgraph: importlib.import_module(f"subgraphs.{subgraph}.schema").schema for subgraph in SUBGRAPHS}


@pytest.fixture(scope="module")
def schemas(declared: dict[str, Any]) -> dict[str, GraphQLSchema]:
    """The same as graphql-core knows them."""
    return {subgraph: schema._schema for subgraph, schema in declared.items()}


def by_subgraph(faults: dict[str, list[str]]) -> dict[str, list[str]]:
    return {subgraph: found for subgraph, found in faults.items() if found}


def test_the_skeleton_holds(schemas):
    assert (
        by_subgraph(
            {
                subgraph: [
                    *rules.disagreements(SKELETON[subgraph], schema),
                    *rules.disagreements(SKELETON["shared"], schema, optional=True),
                ]
                for subgraph, schema in schemas.items()
            }
        )
        == {}
    )


def test_entities_have_their_keys(declared):
    assert by_subgraph({s: list(rules.unkeyed(SKELETON[s], schema.as_str())) for s, schema in declared.items()}) == {}


@pytest.mark.parametrize("rule", [rules.undescribed, rules.mutation_faults, rules.connection_faults])
def test_every_schema_keeps_the_rule(schemas, rule):
    assert by_subgraph({subgraph: list(rule(schema)) for subgraph, schema in schemas.items()}) == {}


def test_connections_tell_their_size(declared):
    assert (
        by_subgraph(
            {subgraph: list(rules.unsized_connections(schema.as_str())) for subgraph, schema in declared.items()}
        )
        == {}
    )


def test_what_subgraphs_share_is_printed_alike(schemas):
    assert list(rules.shared_differences(schemas)) == []
    assert list(rules.doubled_roots(schemas)) == []


def test_every_mutation_says_who_may_call_it(declared):
    """A permission, the platform, or openly public; what says nothing is open to everybody signed in."""
    silent = {}
    for subgraph, schema in declared.items():
        mutation = schema.mutation and schema.mutation.__strawberry_definition__
        fields = mutation.fields if mutation else []
        silent[subgraph] = [
            field.python_name for field in fields if not says_who(field.metadata.get("access"), field.python_name)
        ]
    assert by_subgraph(silent) == {}


def test_what_belongs_to_a_feature_says_so(declared):
    """Whatever these subgraphs change is switched off with a feature of the school; reads stay."""
    features = {"operations": {"ATTENDANCE", "GRADING"}, "admission": {"ADMISSION"}, "finance": {"FINANCE"}}
    strays = [
        f"{subgraph}.{field.python_name}"
        for subgraph, known in features.items()
        for field in declared[subgraph].mutation.__strawberry_definition__.fields
        if field.metadata["access"].feature not in known
    ]
    assert strays == []


def says_who(access: Access | None, name: str) -> bool:
    """What is one's own is for everybody who is signed in."""
    return access is not None and bool(access.permission or access.public or name in rules.FOR_EVERYBODY)


def test_access_left_unsaid_is_found():
    said = (Access(permission="user:write"), Access(public=True), Access(), Access(platform=True), None)
    assert [says_who(access, "inviteUser") for access in said] == [True, True, False, False, False]


def test_every_domain_error_has_a_type_in_the_graph(declared):
    """Every error of a subgraph's rules and operations that a mutation may raise is told as a type of its own."""
    for path in repository_files():
        if (
            path.parts[0] == "subgraphs"
            and path.parts[1] in declared
            and ({"rules", "rules.py", "operations", "operations.py"} & set(path.parts[2:]))
        ):
            importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    ours = {
        error
        for error in subclasses(DomainError)
        if error.__module__.split(".")[1:2] and error.__module__.split(".")[1] in declared
    }
    untold = {
        f"{error.__module__}.{error.__name__}"
        for error in ours
        if error not in ERROR_TYPES and not issubclass(error, InvalidInput)
    }
    assert untold == set()


def subclasses(kind: type) -> set[type]:
    return {one for child in kind.__subclasses__() for one in (child, *subclasses(child))}


BAD = """
directive @listSize(slicingArguments: [String!], sizedFields: [String!], assumedSize: Int, requireOneSlicingArgument: Boolean) on FIELD_DEFINITION
"A query." type Query { "Said." school(id: ID): School! pupils: PupilConnection! tenant(slug: String = "x"): String }
type School { "Said." id: ID! name: String }
enum Level { "Said." SD SMP }
type PupilConnection { nodes: [School!]! }
type Mutation { enroll(id: ID!): EnrollResult! leave(input: LeaveInput!): Boolean drop(input: DropInput!): DropResult! }
input LeaveInput { id: ID } input DropInput { id: ID }
union EnrollResult = School union DropResult = DropSuccess | Odd | InvalidInput | NotFound | Forbidden
type DropSuccess { id: ID } type Odd { id: ID } type InvalidInput { id: ID } type NotFound { id: ID } type Forbidden { id: ID }
"""


def test_differences_from_a_skeleton_are_found():
    expected = rules.sections(
        """# == one
        type Query { school: School pupils: PupilConnection! tenant(slug: String): String gone: Int }
        type School @key(fields: "id") { id: ID! name: String! other: Int @shape(exact: false) }
        enum Level { SD SMA SMP }
        union EnrollResult = School | NotFound
        input LeaveInput { id: ID = "1" }
        type Missing { id: ID }
        """
    )["one"]
    assert list(rules.disagreements(expected, build_schema(BAD))) == [
        "Query.school: School!, not School",
        "Query.school(id): too many",
        'Query.tenant(slug): default "x", not None',
        "Query.gone: missing",
        "School.name: String, not String!",
        "School.other: missing",
        "Level: lacks ['SMA'], has [] too many",
        "EnrollResult: lacks ['NotFound'], has [] too many",
        'LeaveInput.id: default None, not "1"',
        "Missing: missing",
    ]
    assert (
        list(
            rules.disagreements(
                rules.sections("# == one\ntype Missing { id: ID }")["one"], build_schema(BAD), optional=True
            )
        )
        == []
    )
    assert list(rules.unkeyed(expected, BAD)) == ["School: lacks ['@key(fields: \"id\")']"]


def test_broken_conventions_are_found():
    schema = build_schema(BAD)
    assert {"School", "Query.pupils", "Query.school(id)", "Level.SMP", "LeaveInput.id"} <= set(
        rules.undescribed(schema)
    )
    assert not {"Query", "Query.school", "School.id", "Level.SD"} & set(rules.undescribed(schema))
    assert [fault.split(":")[0] for fault in rules.mutation_faults(schema)] == [
        "enroll",
        "enroll",
        "enroll",
        "leave",
        *["drop"] * 4,
    ]
    assert [fault.split(":")[0] for fault in rules.connection_faults(schema)] == ["PupilConnection", "PupilEdge"]
    assert list(rules.unsized_connections(BAD)) == ["Query.pupils: @listSize {}"]
    other = build_schema('"A query." type Query { "Said." school: String } enum Level { SD }')
    assert list(rules.shared_differences({"one": schema, "two": other})) == ["Level: one and two differ"]
    assert list(rules.doubled_roots({"one": schema, "two": other})) == ["Query.school: one and two"]


def test_the_skeleton_itself_is_valid():
    for subgraph in set(SKELETON) - {"shared"}:
        names = {node.name.value for node in SKELETON[subgraph].definitions}
        assert len(names) == len(SKELETON[subgraph].definitions)
