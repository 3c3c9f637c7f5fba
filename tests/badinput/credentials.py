"""Right inputs for the mutations of somebody's own credentials."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pyotp

from libs.auth import Actor
from libs.kernel import utc_now
from libs.testing import GraphClient
from libs.testing.plugin import OwnerRows

NEW_PASSWORD = "Kenanga-biru-8"
_ASK = "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { __typename } }"
_START = "mutation($input: StartTotpInput!) { startTotp(input: $input) { ... on StartTotpSuccess { secret } } }"


class RightNow(dict[str, Any]):
    """Inputs by mutation; one that is right for half a minute alone is made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return value() if callable(value) else value


def session_of(access_token: str) -> dict[str, Any]:
    """Whose token it is, of which session and version: what an actor needs to be that person."""
    body = access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return {"user_id": UUID(claims["sub"]), "session_id": UUID(claims["sid"]), "version": claims["ver"]}


async def credential_inputs(
    graph: GraphClient, actor: Actor, known: Mapping[str, str], link: Callable[[], str], as_owner: OwnerRows
) -> dict[str, Any]:
    """For an actor who has an account and no second factor yet: one is started.

    `known` are email and password; `link` reads the token of the mail about a forgotten password.
    """
    password = {"password": known["password"]}
    secret = (await graph(_START, {"input": password}, actor=actor)).ok()["startTotp"]["secret"]
    await graph(_ASK, {"input": {"email": known["email"]}}, tenant_id=actor.tenant_id)

    def code() -> dict[str, str]:
        return {"code": pyotp.TOTP(secret).at(utc_now())}

    def code_in_force() -> dict[str, str]:
        as_owner("identity", "update identity.second_factors set confirmed_at = now() where confirmed_at is null")
        return code()

    return {
        "startTotp": password,
        "confirmTotp": code,
        "disableTotp": code_in_force,
        "regenerateRecoveryCodes": code_in_force,
        "changePassword": {"currentPassword": known["password"], "newPassword": NEW_PASSWORD},
        "requestPasswordReset": {"email": known["email"]},
        "resetPassword": {"token": link(), "password": NEW_PASSWORD},
        "configurePasswordPolicy": {
            "kind": "LENGTH",
            "minLength": 16,
            "history": 3,
            "secondFactorRoles": ["principal"],
        },
    }
