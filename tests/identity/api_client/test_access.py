"""What an integrator's token opens: its scopes, in its school, until it ends; never more."""

import base64
import dataclasses
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from libs.auth import CLIENT_SCOPES
from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import GraphAnswer, GraphClient, actor_of
from tests.identity.api_client.integrator import Integrator, ask

USERS = "{ users { totalCount nodes { name email } } }"
INVITE = """mutation($input: InviteUserInput!) { inviteUser(input: $input) { __typename
  ... on InviteUserSuccess { user { name } } ... on UserError { code } } }"""
REVOKE = "mutation($input: RevokeApiClientInput!) { revokeApiClient(input: $input) { __typename } }"
GUEST = {"input": {"name": "Dewi", "email": "dewi@example.test", "roles": ["teacher"]}}


@dataclasses.dataclass(frozen=True)
class Program:
    """A client's program with the token it was given."""

    graph: GraphClient
    client: Integrator | None
    token: str

    async def __call__(self, query: str, variables: Any = None, **headers: str) -> GraphAnswer:
        return await self.graph(query, variables, headers={"authorization": f"Bearer {self.token}"} | headers)


@pytest.fixture
def acting(graph, add_client, school):
    """`program = await acting("user:read")`."""

    async def begin(*scopes: str, name="Dinas"):
        client = await add_client(school, *scopes, name=name)
        token = (await ask(graph.http, client.posted())).json()["access_token"]
        return Program(graph, client, token)

    return begin


async def test_it_reads_the_school_by_its_scopes(acting, add_user, school, other_school):
    await add_user(school, "parent", name="Ibu Wati")
    await add_user(other_school, "parent", name="Stranger")
    program = await acting("user:read")
    answer = await program(USERS)
    assert answer.data["users"] == {"totalCount": 1, "nodes": [{"name": "Ibu Wati", "email": None}]}
    assert answer.codes == ["FORBIDDEN"]
    assert (await program("{ roles { name } }")).codes == ["FORBIDDEN"]


@pytest.mark.parametrize("scope", ["user:read", "student:read"])
async def test_it_is_nobody_without_an_error(acting, scope):
    program = await acting(scope)
    assert (await program("{ me { id email roles { name } } }")).ok() == {"me": None}


async def test_it_changes_what_its_scopes_permit_and_is_named_in_the_log(acting, school, as_owner):
    lesser = await acting("user:invite", "user:read", name="Lesser")
    assert (await lesser(INVITE, GUEST)).ok()["inviteUser"]["__typename"] == "Forbidden"  # a teacher may do more
    held = {name.removesuffix("_taught").removesuffix("_own") for name in actor_of("teacher", school).permissions}
    program = await acting(*((held & CLIENT_SCOPES) | {"user:invite"}))
    assert (await program(INVITE, GUEST)).ok()["inviteUser"]["user"] == {"name": "Dewi"}
    (deed,) = as_owner("identity", "select * from identity.audit_logs where action = 'user.created'")
    assert (deed["user_id"], deed["user_tenant_id"]) == (program.client.id, school)
    revoke = {"input": {"apiClientId": str(program.client.id)}}
    assert (await program(REVOKE, revoke)).ok()["revokeApiClient"]["__typename"] == "Forbidden"


async def test_what_is_a_persons_own_is_not_for_programs(acting, as_owner):
    program = await acting("user:read")
    assert (await program("mutation { logout { __typename } }")).ok()["logout"]["__typename"] == "NotFound"
    assert as_owner("identity", "select 1 from identity.sessions") == []


async def test_it_stays_in_its_school(acting, other_school):
    program = await acting("user:read")
    for tenant in (other_school, PLATFORM_TENANT_ID):
        assert (await program(USERS, **{"x-tenant-id": str(tenant)})).codes == ["TENANT_MISMATCH"]


async def test_its_token_ends_when_its_client_does(graph, acting, school):
    program = await acting("user:read")
    revoke = {"input": {"apiClientId": str(program.client.id)}}
    assert (await program("{ users { totalCount } }")).ok()
    done = await graph(REVOKE, revoke, actor=actor_of("school_admin", school))
    assert done.ok()["revokeApiClient"]["__typename"] == "RevokeApiClientSuccess"
    assert (await program("{ users { totalCount } }")).codes == ["UNAUTHENTICATED"]
    assert (await ask(graph.http, program.client.posted())).status_code == 401


async def test_its_token_is_worth_nothing_while_the_school_is_suspended(acting, as_owner, school):
    program = await acting("user:read")
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    assert (await program("{ users { totalCount } }")).codes == ["TENANT_SUSPENDED"]


@pytest.fixture
def forge(settings, school):
    """`forge(aud="x")`: an integrator's token that holds, but for the change, signed with identity's own key."""
    key = KeySet.import_key_set(json.loads(settings.token_signing_keys.get_secret_value())).keys[0]
    actor, now = actor_of("school_admin", school), int(time.time())
    claims = {
        "sub": str(actor.user_id),
        "client_id": "x" * 43,
        "tenant_id": str(school),
        "email": "",
        "roles": [],
        "permissions": ["user:read"],
        "students": [],
        "sid": str(actor.session_id),
        "ver": 1,
        "pending": [],
        "jti": str(actor.session_id),
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "iat": now,
        "exp": now + 300,
    }

    def make(*, signed_by=key, header=None, **changes):
        heading = {"alg": "ES256", "typ": "at+jwt", "kid": "test"} | (header or {})
        return jwt.encode(heading, claims | changes, signed_by, algorithms=[heading["alg"]])

    make.key = key
    return make


async def test_a_token_that_identity_signed_opens(graph, forge):
    program = Program(graph, None, forge())
    assert (await program("{ users { totalCount } me { id } }")).ok() == {"users": {"totalCount": 0}, "me": None}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"header": {"typ": "JWT"}}, "UNAUTHENTICATED"),
        ({"header": {"typ": "client-authentication+jwt"}}, "UNAUTHENTICATED"),
        ({"header": {"kid": "unknown"}}, "UNAUTHENTICATED"),
        ({"header": {"jku": "https://evil.test"}}, "UNAUTHENTICATED"),
        ({"iss": "https://evil.test"}, "UNAUTHENTICATED"),
        ({"aud": "elsewhere"}, "UNAUTHENTICATED"),
        ({"client_id": 7}, "UNAUTHENTICATED"),
        ({"client_id": None}, "UNAUTHENTICATED"),
        ({"client_id": ""}, "UNAUTHENTICATED"),
        ({"iat": int(time.time()) + 3600}, "UNAUTHENTICATED"),
        ({"exp": int(time.time()) - 1}, "TOKEN_EXPIRED"),
        ({"signed_by": ECKey.generate_key("P-256", {"kid": "test"})}, "UNAUTHENTICATED"),
    ],
)
async def test_a_token_that_does_not_hold_opens_nothing(graph, forge, changes, code):
    assert (await Program(graph, None, forge(**changes))("{ users { totalCount } }")).codes == [code]


async def test_a_token_that_is_not_signed_by_identity_opens_nothing(graph, forge):
    public = forge.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    payload = forge().split(".")[1]
    for algorithm in ("none", "HS256"):
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "test"}).encode())
        signed = f"{header.rstrip(b'=').decode()}.{payload}"
        mac = hmac.digest(public, signed.encode(), hashlib.sha256) if algorithm == "HS256" else b""
        token = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert (await Program(graph, None, token)("{ users { totalCount } }")).codes == ["UNAUTHENTICATED"]


async def test_a_client_cannot_be_made_of_a_person(graph, school):
    """Permissions beyond what clients may have come from nowhere but a signature of identity's."""
    admin = dataclasses.replace(actor_of("school_admin", school), client_id="x" * 43)
    assert admin.is_integrator
    assert (await graph("{ me { id } }", actor=admin)).ok() == {"me": None}


OWN_FACTOR = (
    'startTotp(input: {password: "Melati-putih-7"})',
    'confirmTotp(input: {code: "123456"})',
    'disableTotp(input: {code: "123456"})',
    'regenerateRecoveryCodes(input: {code: "123456"})',
)


@pytest.mark.parametrize("field", OWN_FACTOR)
async def test_it_has_no_second_factor_of_its_own(acting, field, audited, school):
    program = await acting("user:unlock")
    name = field.partition("(")[0]
    answer = await program(f"mutation {{ {field} {{ __typename ... on UserError {{ code }} }} }}")
    assert answer.ok()[name] == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert "auth.proof_failed" not in audited(school)


async def test_it_resets_nobodys_second_factor_who_may_do_more(acting, add_user, school):
    person = await add_user(school, "teacher")
    document = """mutation($id: ID!) { resetSecondFactor(input: {userId: $id}) { ... on UserError { code } } }"""
    for scope, message in (("second_factor:reset", "FORBIDDEN"), ("user:unlock", "FORBIDDEN")):
        answer = await (await acting(scope, name=scope))(document, {"id": str(person.user_id)})
        assert answer.ok()["resetSecondFactor"]["code"] == message
