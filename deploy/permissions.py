"""`schema/permissions.json`: what every root field, mutation and field of a type needs, and which roles have it."""

import json
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLSchema

from libs.auth import SYSTEM_ROLES
from libs.graph.requirements import Requirement, mutations_of, queries_of, subscriptions_of, types_of


def permission_catalogue(schemas: Mapping[str, GraphQLSchema]) -> str:
    """The file, sorted. `schemas` by the name of their subgraph.

    Of each list in `needs` one permission is needed, and on rows that are not the own ones of `needsUnlessOwn` too;
    `roles` are the system roles to whom that gives it, `rolesOnOwnRows` those to whom it does on their own rows alone.
    """
    queries: dict[str, Any] = {}
    mutations: dict[str, Any] = {}
    subscriptions: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for subgraph, schema in schemas.items():
        queries |= {name: _told(needed) | {"subgraph": subgraph} for name, needed in queries_of(subgraph, schema)}
        mutations |= {name: _told(needed) | {"subgraph": subgraph} for name, needed in mutations_of(schema)}
        asked = subscriptions_of(subgraph, schema)
        subscriptions |= {name: _told(needed) | {"subgraph": subgraph} for name, needed in asked}
        for name, whole, fields in types_of(subgraph, schema):
            told = _told(whole) | {"fields": {field: _told(needed) for field, needed in fields.items()}}
            types.setdefault(name, {})[subgraph] = told
    roles = {name: sorted(role.permissions) for name, role in SYSTEM_ROLES.items()}
    roots = {"queries": queries, "mutations": mutations, "subscriptions": subscriptions}
    whole_file = {"roles": roles, **roots, "types": types}
    return f"{json.dumps(whole_file, indent=1, sort_keys=True)}\n"


def _told(needed: Requirement) -> dict[str, Any]:
    if needed.public:
        return {"access": "public"}
    told: dict[str, Any] = {"access": "permission" if needed.needs or needed.own else "signedIn"}
    if needed.needs:
        told["needs"] = [sorted(need) for need in needed.needs]
    told["roles"] = [name for name, role in SYSTEM_ROLES.items() if needed.admits(role.permissions)]
    if needed.own:
        told["needsUnlessOwn"] = sorted(needed.own)
        further = [name for name, role in SYSTEM_ROLES.items() if needed.admits(role.permissions, own=True)]
        told["rolesOnOwnRows"] = [name for name in further if name not in told["roles"]]
    if needed.feature:
        told["feature"] = needed.feature
    return told
