"""Integrators' clients through the graph."""

import dataclasses

import pytest

from libs.kernel import new_id
from libs.testing import actor_of
from tests.identity.api_client.integrator import ask, ec_key, jwks_of

FAULTS = "... on UserError { code message } ... on InvalidInput { fields { path code message } }"
CREATE = f"""mutation($input: CreateApiClientInput!) {{ createApiClient(input: $input) {{ __typename
  ... on CreateApiClientSuccess {{ clientId clientSecret apiClient {{ id clientId name scopes method revokedAt }} }} {FAULTS} }} }}"""
ROTATE = f"""mutation($input: RotateApiClientSecretInput!) {{ rotateApiClientSecret(input: $input) {{ __typename
  ... on RotateApiClientSecretSuccess {{ clientId clientSecret apiClient {{ formerSecretValidUntil }} }}
  ... on RotationUnderWay {{ formerSecretValidUntil }} {FAULTS} }} }}"""
REVOKE = f"""mutation($input: RevokeApiClientInput!) {{ revokeApiClient(input: $input) {{ __typename
  ... on RevokeApiClientSuccess {{ apiClient {{ revokedAt }} }} {FAULTS} }} }}"""
CLIENTS = """{ apiClients { totalCount nodes {
  clientId name scopes method createdAt lastUsedAt revokedAt formerSecretValidUntil } } }"""
GIVEN = {"name": "Dinas Pendidikan", "scopes": ["user:read", "role:read"], "method": "CLIENT_SECRET"}
NOT_ADMINS = ["principal", "teacher", "student", "parent", "finance_staff", "admission_staff"]


@pytest.fixture
def do(graph, school):
    async def run(document, given, actor=None, **options):
        answer = await graph(document, {"input": given}, actor=actor or actor_of("school_admin", school), **options)
        ((told,),) = [answer.ok().values()]
        return told

    return run


async def test_a_secret_is_told_once_and_never_again(graph, school, do):
    made = await do(CREATE, GIVEN)
    assert made["apiClient"]["clientId"] == made["clientId"]
    assert len(made["clientSecret"]) == 43
    assert made["apiClient"]["scopes"] == ["role:read", "user:read"]
    shown = (await graph(CLIENTS, actor=actor_of("principal", school))).ok()["apiClients"]
    assert shown["totalCount"] == 1
    assert shown["nodes"][0]["lastUsedAt"] is None
    assert made["clientSecret"] not in str(shown)
    fields = (await graph('{ __type(name: "ApiClient") { fields { name } } }')).ok()["__type"]["fields"]
    assert {field["name"] for field in fields} & {"secret", "clientSecret", "secretHash", "keys", "ver"} == set()


async def test_a_repeated_answer_has_no_secret(do, as_owner, school):
    headers, admin = {"idempotency-key": str(new_id())}, actor_of("school_admin", school)
    first = await do(CREATE, GIVEN, admin, headers=headers)
    again = await do(CREATE, GIVEN, admin, headers=headers)
    assert again["clientId"] == first["clientId"]
    assert (first["clientSecret"] is None, again["clientSecret"]) == (False, None)
    assert first["clientSecret"] not in str(as_owner("identity", "select answer from identity.idempotency_keys"))


async def test_a_client_that_signs_has_no_secret(do):
    given = GIVEN | {"method": "PRIVATE_KEY_JWT", "jwks": jwks_of(ec_key())}
    made = await do(CREATE, given)
    assert (made["clientSecret"], made["apiClient"]["method"]) == (None, "PRIVATE_KEY_JWT")


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"scopes": []}, "input.scopes", "REQUIRED"),
        ({"scopes": ["student:read_own"]}, "input.scopes[0]", "UNKNOWN_SCOPE"),
        ({"scopes": ["student:read", "tenant:suspend"]}, "input.scopes[1]", "UNKNOWN_SCOPE"),
        ({"name": " "}, "input.name", "REQUIRED"),
        ({"jwks": "{}"}, "input.jwks", "NOT_FOR_THIS_METHOD"),
        ({"method": "PRIVATE_KEY_JWT"}, "input.jwks", "REQUIRED"),
        ({"method": "PRIVATE_KEY_JWT", "jwks": jwks_of(ec_key(), private=True)}, "input.jwks", "PRIVATE_KEY"),
    ],
)
async def test_what_is_wrong_with_a_client_is_told_where_it_is(do, as_owner, change, path, code):
    answer = await do(CREATE, GIVEN | change)
    assert answer["__typename"] == "InvalidInput"
    assert [(fault["path"], fault["code"]) for fault in answer["fields"]] == [(path, code)]
    assert answer["fields"][0]["message"] != code
    assert as_owner("identity", "select 1 from identity.api_clients") == []


@pytest.mark.parametrize("role", NOT_ADMINS)
async def test_who_may_not(*, graph, do, add_client, school, as_owner, role):
    client = await add_client(school)
    before = as_owner("identity", "select * from identity.api_clients")
    actor = actor_of(role, school)
    for document, given in ((CREATE, GIVEN), (ROTATE, _of(client)), (REVOKE, _of(client))):
        assert (await do(document, given, actor))["__typename"] == "Forbidden"
    assert as_owner("identity", "select * from identity.api_clients") == before
    if role != "principal":
        assert (await graph(CLIENTS, actor=actor)).codes == ["FORBIDDEN"]


def _of(client, **more):
    return {"apiClientId": str(client.id)} | more


async def test_scopes_that_the_giver_does_not_hold_are_forbidden(do, school):
    admin = actor_of("school_admin", school)
    lesser = dataclasses.replace(admin, permissions=admin.permissions - {"user:read"})
    assert (await do(CREATE, GIVEN, lesser))["__typename"] == "Forbidden"


async def test_rotation_through_the_graph(do, add_client, school):
    client = await add_client(school)
    rotated = await do(ROTATE, _of(client))
    assert rotated["clientId"] == client.client_id
    assert rotated["clientSecret"] != client.secret
    under_way = await do(ROTATE, _of(client, overlapHours=168))
    assert under_way["__typename"] == "RotationUnderWay"
    assert under_way["formerSecretValidUntil"] == rotated["apiClient"]["formerSecretValidUntil"]
    at_once = await do(ROTATE, _of(client, overlapHours=0))
    assert at_once["apiClient"]["formerSecretValidUntil"] is None
    for hours in (-1, 169):
        assert (await do(ROTATE, _of(client, overlapHours=hours)))["__typename"] == "InvalidInput"


async def test_revocation_through_the_graph(do, add_client, school):
    client = await add_client(school)
    revoked = await do(REVOKE, _of(client))
    assert revoked["apiClient"]["revokedAt"] is not None
    assert (await do(REVOKE, _of(client)))["apiClient"] == revoked["apiClient"]
    assert (await do(ROTATE, _of(client)))["__typename"] == "ApiClientRevoked"
    assert (await do(CREATE, GIVEN))["__typename"] == "ApiClientNameTaken"


async def test_two_schools_know_nothing_of_each_other(graph, do, add_client, school, other_school):
    client = await add_client(school)
    stranger = actor_of("school_admin", other_school)
    for document in (ROTATE, REVOKE):
        assert (await do(document, _of(client), stranger))["__typename"] == "NotFound"
    assert (await graph(CLIENTS, actor=stranger)).ok()["apiClients"]["nodes"] == []
    assert (await ask(graph.http, client.posted())).status_code == 200
