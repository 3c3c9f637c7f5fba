"""The settings of the local stack: generated secrets, loopback addresses, and what `.env` and the environment say."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from joserfc.jwk import ECKey

from deploy.local.chromium import find_chromium, packaged_chromium
from deploy.local.engines import DATABASE, admin_url
from deploy.local.ports import LOOPBACK
from deploy.local.state import ROOT, StateFolder, write_private
from libs.settings import SUBGRAPHS, Settings, load_settings
from libs.settings.settings import PREFIX

# Not the engines' usual ports: those are often taken by a service of the machine.
_POSTGRES_PORT, _VALKEY_PORT, _NATS_PORT = 15432, 16379, 14222

# Who is given a secret; the others start without it. Every Python process has the keys of protected fields.
_PYTHON = frozenset({*SUBGRAPHS, "worker", "migrate", "seed"})
_CONFIDANTS = {
    "WIYATA_DATABASE_ADMIN_URL": frozenset({"migrate"}),
    "WIYATA_PLATFORM_PASSWORD": frozenset({"migrate", "seed"}),
    "WIYATA_TOKEN_SIGNING_KEYS": frozenset({"identity"}),
    "WIYATA_PASSWORD_PEPPER": frozenset({"identity", "migrate"}),
    "WIYATA_DATABASE_PASSWORDS": _PYTHON,
    "WIYATA_KEY_ENCRYPTION_KEYS": _PYTHON - {"seed"},
    "WIYATA_BLIND_INDEX_KEY": _PYTHON - {"seed"},
}


def local_environment(state: StateFolder, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Every setting of the local stack as environment variables.

    What the caller's environment says wins over `.env`, and both win over what is generated. An address follows its
    port unless it is given itself.
    """
    chosen = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    chosen |= {name: value for name, value in given.items() if name.startswith(PREFIX)}
    chosen = {**_addresses(state), **_generated(state), **chosen}
    for subgraph in SUBGRAPHS:
        port = chosen.get(f"{PREFIX}{subgraph.upper()}_PORT") or _default_port(subgraph)
        chosen.setdefault(f"{PREFIX}{subgraph.upper()}_URL", f"http://{LOOPBACK}:{port}/graphql")
    identity = chosen[f"{PREFIX}IDENTITY_URL"].removesuffix("/graphql")
    chosen.setdefault(f"{PREFIX}JWKS_URL", f"{identity}/.well-known/jwks.json")
    router = chosen.get(f"{PREFIX}ROUTER_PORT") or _default_port("router")
    chosen.setdefault(f"{PREFIX}PUBLIC_URL", f"http://{LOOPBACK}:{router}")
    if is_local(chosen[f"{PREFIX}DATABASE_URL"]):
        url = admin_url(port_of(chosen[f"{PREFIX}DATABASE_URL"]), _secrets(state)["superuser_password"])
        chosen.setdefault(f"{PREFIX}DATABASE_ADMIN_URL", url)
    return chosen


def local_settings(state: StateFolder) -> Settings:
    """The same, checked, and put into this process's own environment. Raises SettingsError."""
    os.environ.update(local_environment(state))
    return load_settings()


def environment_of(process: str) -> dict[str, str]:
    """The settings that a process is given: no secret that it has no use for."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    kept = {name: value for name, value in given.items() if process in _CONFIDANTS.get(name, {process})}
    if process in SUBGRAPHS and "WIYATA_DATABASE_PASSWORDS" in kept:
        passwords: dict[str, str] = json.loads(kept["WIYATA_DATABASE_PASSWORDS"])
        own = {role: password for role, password in passwords.items() if role.startswith(f"{process}_")}
        kept["WIYATA_DATABASE_PASSWORDS"] = json.dumps(own)
    return kept


def superuser_password(state: StateFolder) -> str:
    """The generated password of the local PostgreSQL's superuser."""
    password: str = _secrets(state)["superuser_password"]
    return password


def is_local(url: str) -> bool:
    """Whether an engine's address is this machine: only then the stack starts one."""
    return urlsplit(url).hostname in {LOOPBACK, "localhost"}


def port_of(url: str) -> int:
    """The port of an engine's address. Raises ValueError when it names none."""
    port = urlsplit(url).port
    if port is None:
        raise ValueError(f"{url} names no port")
    return port


def _default_port(name: str) -> int:
    port: int = Settings.model_fields[f"{name}_port"].default
    return port


def _addresses(state: StateFolder) -> dict[str, str]:
    return {
        "WIYATA_DATABASE_URL": f"postgresql://{LOOPBACK}:{_POSTGRES_PORT}/{DATABASE}",
        "WIYATA_VALKEY_URL": f"redis://{LOOPBACK}:{_VALKEY_PORT}/0",
        "WIYATA_NATS_URL": f"nats://{LOOPBACK}:{_NATS_PORT}",
        "WIYATA_RATE_EXEMPT": "127.0.0.0/8,::1/128",
        "WIYATA_SUPERGRAPH": str(ROOT / "schema" / "supergraph.graphql"),
        "WIYATA_MAIL_URL": f"sink:{state.mail}",
        "WIYATA_CHROMIUM": str(find_chromium() or packaged_chromium(state.chromium)),
        "WIYATA_FILES_URL": state.files.as_uri(),
    }


def _generated(state: StateFolder) -> dict[str, str]:
    generated = _secrets(state)
    return {
        "WIYATA_DATABASE_PASSWORDS": json.dumps(generated["database_passwords"]),
        "WIYATA_TOKEN_SIGNING_KEYS": json.dumps(generated["token_signing_keys"]),
        "WIYATA_KEY_ENCRYPTION_KEYS": json.dumps(generated["key_encryption_keys"]),
        "WIYATA_BLIND_INDEX_KEY": generated["blind_index_key"],
        "WIYATA_PASSWORD_PEPPER": generated["password_pepper"],
        "WIYATA_PLATFORM_PASSWORD": generated["platform_password"],
    }


def _secrets(state: StateFolder) -> dict[str, Any]:
    """Reads the generated secrets; makes those that are missing: all at the first start, some after an update."""
    kept: dict[str, Any] = json.loads(state.secrets.read_text(encoding="utf-8")) if state.secrets.exists() else {}
    roles = [f"{subgraph}_{suffix}" for subgraph in SUBGRAPHS for suffix in ("app", "relay")]
    made = {
        "superuser_password": kept.get("superuser_password") or secrets.token_urlsafe(24),
        "database_passwords": {role: secrets.token_urlsafe(24) for role in roles} | kept.get("database_passwords", {}),
        "token_signing_keys": kept.get("token_signing_keys") or {"keys": [_signing_key()]},
        "key_encryption_keys": kept.get("key_encryption_keys") or {"1": _key()},
        "blind_index_key": kept.get("blind_index_key") or _key(),
        "password_pepper": kept.get("password_pepper") or _key(),
        "platform_password": kept.get("platform_password") or f"Pw-{secrets.token_urlsafe(16)}1",
    }
    if made != kept:
        state.make()
        write_private(state.secrets, made)
    return made


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _signing_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": secrets.token_hex(8)})
    return dict(key.as_dict(private=True))
