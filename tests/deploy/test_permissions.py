"""The catalogue of who may what says what the graph does: of every mutation, and of what the reading tests enforce."""

import importlib
import json
from typing import Any

import pytest
from graphql import GraphQLSchema

from deploy.permissions import permission_catalogue
from libs.auth import CATALOGUE, SYSTEM_ROLES
from libs.graph.requirements import undeclared
from libs.settings import SUBGRAPHS
from tests.libs.auth.test_permissions import MUTATIONS
from tests.reads.seen import RESOURCES, ROOT_PERMISSIONS

SCHEMAS: dict[str, GraphQLSchema] = {
    name: importlib.import_module(f"subgraphs.{name}.schema").schema._schema for name in SUBGRAPHS
}


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Any]:
    return json.loads(permission_catalogue(SCHEMAS))


def test_no_root_field_is_missing_and_each_says_who_may(catalogue):
    for subgraph, schema in SCHEMAS.items():
        for kind, part in (("query_type", "queries"), ("mutation_type", "mutations")):
            fields = getattr(schema, kind).fields if getattr(schema, kind) else ()
            assert {name for name in fields if not name.startswith("_")} <= catalogue[part].keys(), subgraph
        assert list(undeclared(subgraph, schema)) == [], "say metadata={'permission': …} or {'public': True}"


def test_a_mutation_needs_what_is_written_down_elsewhere(catalogue):
    there = {name: permission for name, permission in MUTATIONS.items() if name in catalogue["mutations"]}
    assert {name: catalogue["mutations"][name]["needs"] for name in there} == {
        name: [[permission]] for name, permission in there.items()
    }
    roles = catalogue["mutations"]["createRole"]["roles"]
    assert roles == [name for name, role in SYSTEM_ROLES.items() if "role:create" in role.permissions]
    assert catalogue["mutations"]["login"]["access"] == "public"
    assert catalogue["mutations"]["logout"] == {
        "access": "signedIn",
        "roles": list(SYSTEM_ROLES),
        "subgraph": "identity",
    }


def test_a_type_is_read_by_what_the_reading_tests_enforce(catalogue):
    for subgraph, resources in RESOURCES.items():
        for kind, resource in resources.items():
            reaches = (f"{resource}:read{reach}" for reach in ("", "_taught", "_own"))
            needed = [sorted(name for name in reaches if name in CATALOGUE)]
            assert catalogue["types"][kind][subgraph]["needs"] == needed, kind
    for name, permission in ROOT_PERMISSIONS.items():
        assert [permission] in catalogue["queries"][name]["needs"], name


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (
            "email",
            {
                "access": "permission",
                "needs": [["user:read", "user:read_own"]],
                "needsUnlessOwn": ["user:read_contact"],
                "roles": ["super_admin", "school_admin", "principal", "finance_staff"],
            },
        ),
        ("roles", {"needsUnlessOwn": ["user:read"]}),
        (
            "effectivePermissions",
            {"needsUnlessOwn": ["role:read"], "roles": ["super_admin", "school_admin", "principal"]},
        ),
        ("name", {"needs": [["user:read", "user:read_own"]], "roles": list(SYSTEM_ROLES)}),
    ],
)
def test_fields_of_accounts(catalogue, field, told):
    found = catalogue["types"]["User"]["identity"]["fields"][field]
    assert found.items() >= told.items()
    reached = set(found["roles"]) | set(found.get("rolesOnOwnRows", ()))
    assert reached == set(SYSTEM_ROLES)


def test_fields_of_other_types(catalogue):
    types = catalogue["types"]
    assert types["Teacher"]["academic"]["fields"]["nip"]["needs"] == [["teacher:read"], ["teacher:read_nip"]]
    assert types["Role"]["identity"]["fields"]["holders"]["needs"] == [["role:assign", "user:read"]]
    reads = [f"{resource}:{way}" for resource in ("class",) for way in ("read", "read_own", "read_taught")]
    assert reads in types["Enrollment"]["academic"]["fields"]["class"]["needs"]
    assert "student:read_own" not in catalogue["queries"]["studentAggregates"]["needs"][0]
