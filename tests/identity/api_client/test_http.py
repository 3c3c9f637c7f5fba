"""The token endpoint: who gets a token, what it says, and what every other request gets."""

import base64
import urllib.parse
from datetime import timedelta

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jws

from libs.auth import CLIENT_SCOPES, TokenVerifier, system_binding
from libs.kernel import new_id, utc_now
from libs.testing import GraphClient, actor_of
from subgraphs.identity.api_client.http import ENDPOINT
from subgraphs.identity.api_client.operations.rotate_api_client_secret import rotate_api_client_secret
from subgraphs.identity.api_client.rules import client_identifier
from subgraphs.identity.app import create_app
from tests.identity.api_client.integrator import FORM, Integrator, ask, assert_refused, ec_key, rsa_key
from tests.identity.conftest import PASSWORD

SCOPES = ("role:read", "user:read")


@pytest.fixture
async def graph(settings, database, clock):
    """By the test's clock."""
    async with GraphClient(create_app(settings, clock=clock), settings) as client:
        yield client


@pytest.fixture
def http(graph):
    return graph.http


async def test_a_secret_gets_a_token_that_says_who_and_what(*, http, add_client, school, settings, clock):
    client = await add_client(school, *SCOPES)
    for answer in (await ask(http, client.posted()), await ask(http, _grant(), client.basic())):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, " ".join(SCOPES))
        claims = await TokenVerifier(settings).verify(told["access_token"], utc_now())
        actor = claims.actor
        assert (actor.user_id, actor.tenant_id, actor.client_id) == (client.id, school, client.client_id)
        assert (actor.permissions, actor.roles, actor.student_ids) == (frozenset(SCOPES), (), ())
        assert (actor.email, actor.version, actor.is_integrator, actor.is_platform) == ("", 1, True, False)
        header = jws.extract_compact(told["access_token"].encode()).headers()
        assert header == {"alg": "ES256", "typ": "at+jwt", "kid": "test"}


def _grant(**more: str) -> dict[str, str]:
    return {"grant_type": "client_credentials"} | more


async def test_every_token_is_a_session_of_its_own(http, add_client, school, settings):
    client = await add_client(school)
    verifier, seen = TokenVerifier(settings), set()
    for _ in range(3):
        claims = await verifier.verify((await ask(http, client.posted())).json()["access_token"], utc_now())
        seen |= {claims.actor.session_id, claims.token_id}
    assert len(seen) == 6


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["EC", "RSA"])
async def test_a_signed_assertion_gets_one_too(http, add_client, school, key):
    client = await add_client(school, *SCOPES, key=key)
    assert (await ask(http, client.asserted())).json()["scope"] == " ".join(SCOPES)
    issuer = client.assertion(aud="https://wiyata.id")
    assert (await ask(http, client.asserted(issuer, client_id=client.client_id))).status_code == 200
    listed = client.assertion(aud=["https://wiyata.id"])
    assert (await ask(http, client.asserted(listed))).status_code == 200


async def test_fewer_scopes_on_request_and_never_more(http, add_client, school):
    client = await add_client(school, *SCOPES)
    assert (await ask(http, client.posted(scope="user:read"))).json()["scope"] == "user:read"
    assert (await ask(http, client.posted(scope="user:read  user:read"))).json()["scope"] == "user:read"
    assert (await ask(http, client.posted(scope=""))).json()["scope"] == " ".join(SCOPES)
    for scope in ("user:read student:read", "*", "user:read,role:read", "tenant:read_all", "user:read\x00", "x" * 5000):
        assert_refused(await ask(http, client.posted(scope=scope)), "invalid_scope")


async def test_a_scope_that_clients_may_no_longer_have_is_gone(*, http, add_client, school, as_owner):
    client = await add_client(school, *SCOPES)
    as_owner("identity", "update identity.api_clients set scopes = array['user:read', 'tenant:read_all', 'gone:by']")
    assert (await ask(http, client.posted())).json()["scope"] == "user:read"
    assert_refused(await ask(http, client.posted(scope="tenant:read_all")), "invalid_scope")


async def test_what_is_done_is_written_down(*, http, add_client, school, as_owner, audited, clock):
    client = await add_client(school)
    await ask(http, client.posted())
    await ask(http, client.posted(client_secret="wrong"))
    assert audited(school) == ["api_client.created", "auth.login_success", "auth.login_failed"]
    deeds = as_owner("identity", "select * from identity.audit_logs where action like 'auth%%' order by created_at, id")
    assert [(deed["resource_type"], deed["resource_id"]) for deed in deeds] == [("api_client", client.id)] * 2
    assert [deed["user_id"] for deed in deeds] == [client.id, None]
    (row,) = as_owner("identity", "select last_used_at from identity.api_clients")
    assert row["last_used_at"] == clock.now
    assert client.secret not in str(deeds)


async def test_unknown_wrong_revoked_and_another_schools_look_alike(
    *, http, add_client, school, other_school, as_owner
):
    client, other = await add_client(school), await add_client(other_school, name="Bank")
    gone = await add_client(school, name="Gone")
    as_owner("identity", "update identity.api_clients set revoked_at = now() where id = %s", (gone.id,))
    nobody = Integrator(new_id(), client_identifier(school, new_id()), client.secret)
    nowhere = Integrator(new_id(), client_identifier(new_id(), client.id), client.secret)
    moved = Integrator(client.id, client_identifier(other_school, client.id), client.secret)
    swapped = Integrator(client.id, client.client_id, other.secret)
    answers = [await ask(http, each.posted()) for each in (nobody, nowhere, moved, swapped, gone)]
    answers += [await ask(http, _grant(), each.basic()) for each in (nobody, nowhere, moved, swapped, gone)]
    answers += [await ask(http, client.posted(client_id=text)) for text in ("x", "a" * 43, "é", "'; --")]
    for answer in answers:
        assert_refused(answer, "invalid_client", 401)
    assert len({answer.text for answer in answers}) == 1


async def test_in_a_suspended_school_nobody_gets_a_token(http, add_client, school, as_owner):
    client = await add_client(school)
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    assert_refused(await ask(http, client.posted()), "unauthorized_client")
    assert_refused(await ask(http, client.posted(client_secret="wrong")), "invalid_client", 401)


async def test_a_former_secret_goes_on_until_its_overlap_ends(
    *, http, add_client, school, database, visitor, clock, revocations
):
    client = await add_client(school)
    async with database.write(system_binding(school)) as tx:
        rotated = await rotate_api_client_secret(
            tx,
            actor=actor_of("school_admin", school),
            api_client_id=client.id,
            overlap=timedelta(hours=24),
            jwks=None,
            origin=visitor,
            revocations=revocations,
        )
    new = client.posted(client_secret=rotated.secret)
    for moved, status in ((0, 200), (24 * 3600 - 1, 200), (1, 401), (3600, 401)):
        clock.now += timedelta(seconds=moved)
        assert (await ask(http, client.posted())).status_code == status
        assert (await ask(http, new)).status_code == 200


async def test_after_twenty_failures_an_address_is_not_heard_for_a_while(http, add_client, school, clock):
    client, other = await add_client(school), await add_client(school, name="Bank")
    for _ in range(20):
        assert_refused(await ask(http, client.posted(client_secret="wrong")), "invalid_client", 401)
    for form in (client.posted(), client.posted(client_secret="wrong")):
        assert_refused(answer := await ask(http, form), "temporarily_unavailable", 429)
        assert 0 < int(answer.headers["retry-after"]) <= 901
    elsewhere = {"x-forwarded-for": "198.51.100.9"}
    assert (await ask(http, client.posted(), elsewhere)).status_code == 200
    assert (await ask(http, other.posted())).status_code == 200
    clock.now += timedelta(minutes=15, seconds=1)
    assert (await ask(http, client.posted())).status_code == 200


async def test_a_success_forgets_failures(http, add_client, school, as_owner):
    client = await add_client(school)
    for _ in range(19):
        await ask(http, client.posted(client_secret="wrong"))
    assert (await ask(http, client.posted())).status_code == 200
    assert as_owner("identity", "select 1 from identity.sign_in_failures") == []


async def test_failures_in_schools_that_nobody_knows_are_the_platforms(http, as_owner):
    nowhere = Integrator(new_id(), client_identifier(new_id(), new_id()), "x")
    await ask(http, nowhere.posted())
    rows = as_owner("identity", "select tenant_id from identity.sign_in_failures")
    assert [str(row["tenant_id"]) for row in rows] == ["00000000-0000-7000-8000-000000000001"]


@pytest.mark.parametrize("secret", ["A" * 43, "", " ", "é", "\x00", "x" * 4000, "%00", ":"])
async def test_guessed_secrets(http, add_client, school, secret):
    client = await add_client(school)
    assert (await ask(http, client.posted(client_secret=secret))).status_code == 401
    assert (await ask(http, _grant(), client.basic(secret or " "))).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic eA",
        "Basic /////w==",
        "Bearer x",
        "Digest x",
        "Basic Og==",
        "Basic eDp5",
    ],
)
async def test_a_header_that_proves_nothing(http, authorization):
    assert_refused(await ask(http, _grant(), {"authorization": authorization}), "invalid_client", 401)


async def test_one_way_to_prove_a_client_and_no_two(http, add_client, school):
    client, other = await add_client(school), await add_client(school, name="Bank", key=ec_key())
    assert_refused(await ask(http, client.posted(), client.basic()), "invalid_request")
    both = client.posted() | other.asserted()
    assert_refused(await ask(http, both), "invalid_request")
    assert_refused(await ask(http, _grant(client_id=other.client_id), client.basic()), "invalid_request")
    assert_refused(await ask(http, other.asserted(client_id=client.client_id)), "invalid_request")
    assert (await ask(http, _grant(client_id=client.client_id), client.basic())).status_code == 200


async def test_a_client_proves_itself_its_own_way_alone(http, add_client, school):
    signing = await add_client(school, key=ec_key())
    assert_refused(await ask(http, signing.posted(client_secret="x")), "invalid_client", 401)
    assert_refused(await ask(http, _grant(client_id=signing.client_id)), "invalid_client", 401)
    secret = await add_client(school, name="Bank")
    forged = Integrator(secret.id, secret.client_id, key=ec_key())
    assert_refused(await ask(http, forged.asserted()), "invalid_client", 401)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, "unsupported_grant_type"),
        ({"grant_type": 'x"\\é\x00'}, "unsupported_grant_type"),
    ],
)
async def test_other_grants(http, add_client, school, change, error):
    client = await add_client(school)
    assert_refused(await ask(http, client.posted(**change)), error)


async def test_a_persons_refresh_token_is_worth_nothing_here(graph, http, add_client, add_user, school):
    client, person = await add_client(school), await add_user(school, "teacher")
    login = (
        "mutation($input: LoginInput!) { login(input: $input) { ... on LoginSuccess { refreshToken accessToken } } }"
    )
    given = {"email": person.email, "password": PASSWORD}
    tokens = (await graph(login, {"input": given}, tenant_id=school)).ok()["login"]
    form = client.posted(grant_type="refresh_token", refresh_token=tokens["refreshToken"])
    assert_refused(await ask(http, form), "unsupported_grant_type")
    for token in tokens.values():
        assert_refused(await ask(http, client.posted(client_secret=token)), "invalid_client", 401)
        assert_refused(await ask(http, _grant(), {"authorization": f"Bearer {token}"}), "invalid_client", 401)


async def test_what_is_no_form_is_refused(http, add_client, school):
    client = await add_client(school)
    form = urllib.parse.urlencode(client.posted())
    json_form = await http.post(ENDPOINT, json=client.posted())
    typeless = await http.post(ENDPOINT, content=form)
    multipart = await http.post(ENDPOINT, files={"grant_type": (None, "client_credentials")})
    for answer in (json_form, typeless, multipart):
        assert_refused(answer, "invalid_request")
    twice = [
        f"{form}&{name}=x"
        for name in ("grant_type", "scope=x&scope", "client_id", "client_secret", "anything=&anything")
    ]
    for body in (*twice, b"\xff=1", b"%ff=1", "", "=" * 100, "&".join(f"a{n}=1" for n in range(25)), "x" * 20_000):
        assert_refused(await ask(http, body), "invalid_request")
    query = await http.post(f"{ENDPOINT}?{form}", content="", headers={"content-type": FORM})
    assert_refused(query, "invalid_request")
    assert (await ask(http, form, {"content-type": f"{FORM}; charset=UTF-8"})).status_code == 200


async def test_a_huge_body_is_not_read_to_its_end(http):
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 50_000_000:
            sent += 10_000
            yield b"x" * 10_000

    answer = await http.post(ENDPOINT, content=endless(), headers={"content-type": FORM})
    assert_refused(answer, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_served(http, method):
    answer = await http.request(method, ENDPOINT, params=_grant())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_two_authorization_headers_are_refused(http, add_client, school):
    client = await add_client(school)
    headers = [("content-type", FORM), *(("authorization", client.basic()["authorization"]) for _ in range(2))]
    answer = await http.post(ENDPOINT, content="grant_type=client_credentials", headers=headers)
    assert_refused(answer, "invalid_request")


async def test_basic_credentials_may_be_percent_encoded(http, add_client, school):
    client = await add_client(school)
    pair = "".join(f"%{byte:02X}" for byte in client.client_id.encode()) + f":{client.secret}"
    header = {"authorization": f"basic {base64.b64encode(pair.encode()).decode()}"}
    assert (await ask(http, _grant(), header)).status_code == 200


async def test_a_public_address_without_tls_gives_no_tokens(settings, database, add_client, school):
    client = await add_client(school)
    open_air = settings.model_copy(update={"public_url": "http://school.example"})
    async with GraphClient(create_app(open_air), open_air) as graph:
        assert_refused(await ask(graph.http, client.posted()), "insecure_transport")


async def test_where_programs_find_the_endpoint(http):
    answer = await http.get("/.well-known/oauth-authorization-server")
    document = answer.json()
    assert document["token_endpoint"] == "http://127.0.0.1:4000/oauth/token"
    assert document["issuer"] == "https://wiyata.id"
    assert document["jwks_uri"] == "http://127.0.0.1:4000/.well-known/jwks.json"
    assert set(document["scopes_supported"]) == CLIENT_SCOPES
    assert document["grant_types_supported"] == ["client_credentials"]
    # Authlib takes an empty list, which RFC 8414 asks for here, for a missing one.
    AuthorizationServerMetadata(document | {"response_types_supported": ["none"]}).validate()
