"""Right inputs for the mutations of accounts: on one that is invited, one that was deleted, and one that is kept out."""

from typing import Any, Protocol
from uuid import UUID

from libs.auth import Actor
from libs.crypto import KeyRing
from libs.events.contracts.identity import EmailVerificationRequested
from libs.events.sealing import unseal_event
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows

_INVITE = (
    "mutation($input: InviteUserInput!) { inviteUser(input: $input) { ... on InviteUserSuccess { user { id } } } }"
)
_CREATE = (
    "mutation($input: CreateUserInput!) { createUser(input: $input) { ... on CreateUserSuccess { user { id } } } }"
)


class Target(Protocol):
    """The school that wrong inputs are sent to."""

    graph: GraphClient
    settings: Settings
    school: UUID
    inputs: dict[str, dict[str, Any]]
    foreign: dict[str, dict[str, str]]

    def actor(self, role: str) -> Actor: ...


async def add_accounts(target: Target, other_school: UUID, password: str) -> None:
    """Makes the accounts, one of the other school too, and tells the inputs."""
    graph, admin = target.graph, target.actor("school_admin")

    async def do(name: str, user_id: str) -> str:
        kind = name[0].upper() + name[1:]
        document = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ __typename }} }}"
        (await graph(document, {"input": {"userId": user_id}}, actor=admin)).ok()
        return user_id

    invited = await _invite(graph, admin, "agus")
    theirs = await _invite(graph, actor_of("school_admin", other_school), "agus")
    target.inputs |= _new_ones(password) | {
        "updateUser": {
            "userId": invited,
            "name": "Agus Baru",
            "email": "agus.baru@example.test",
            "phone": "08123456782",
            "language": "en",
            "expectedVersion": 1,
        },
        "updateMyProfile": {"phone": "08123456783", "language": "en"},
        "deleteUser": {"userId": invited},
        "restoreUser": {"userId": await do("deleteUser", await _invite(graph, admin, "rini"))},
        "activateUser": {"userId": await do("deactivateUser", await _invite(graph, admin, "joko"))},
        "deactivateUser": {"userId": invited},
    }
    changed = ("updateUser", "deleteUser", "restoreUser", "activateUser", "deactivateUser")
    target.foreign |= {name: {"input.userId": theirs} for name in changed}


async def add_registrations(target: Target, as_owner: OwnerRows, password: str) -> None:
    """Lets people register, and tells the inputs of those who do, and of one whose address is to be verified."""
    open_it = "update identity.tenants set registration_role = 'parent' where id = %s returning id"
    as_owner("identity", open_it, (target.school,))
    wati = {"name": "Ibu Wati", "email": "wati@example.test", "phone": "08123456785", "language": "id"}
    document = "mutation($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    (await target.graph(document, {"input": wati}, tenant_id=target.school)).ok()
    target.inputs |= {
        "registerUser": {**wati, "email": "yanti@example.test"},
        "verifyEmail": {"token": await _verification(target, as_owner, password)},
        "resendVerification": {"email": "wati@example.test"},
    }


async def _verification(target: Target, as_owner: OwnerRows, password: str) -> str:
    """The token that an account was mailed when the school made it."""
    intan = {"name": "Intan", "email": "intan@example.test", "roles": ["teacher"], "password": password}
    (await target.graph(_CREATE, {"input": intan}, actor=target.actor("school_admin"))).ok()
    asked = "select tenant_id, data from identity.outbox where type like '%%EmailVerificationRequested%%'"
    (row,) = as_owner("identity", asked)
    ring = KeyRing.from_settings(target.settings)
    return unseal_event(ring, row["tenant_id"], EmailVerificationRequested, row["data"]).secret["token"]


async def _invite(graph: GraphClient, admin: Actor, name: str) -> str:
    given = {"name": name.title(), "email": f"{name}@example.test", "roles": ["finance_staff"]}
    return str((await graph(_INVITE, {"input": given}, actor=admin)).ok()["inviteUser"]["user"]["id"])


def _new_ones(password: str) -> dict[str, dict[str, Any]]:
    return {
        "importUsers": {
            "file": {"text": "name,email,roles\nSari Dewi,sari.dewi@example.test,teacher"},
            "role": "parent",
            "dryRun": False,
        },
        "createUser": {
            "name": "Rahmat Hidayat",
            "email": "rahmat@example.test",
            "phone": "08123456781",
            "roles": ["teacher"],
            "language": "id",
            "password": password,
        },
    }
