"""The local settings: generated secrets, addresses, and who is told what."""

import json
from pathlib import Path

import pytest

from deploy.local.environment import environment_of, local_environment
from deploy.local.state import StateFolder


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:

    state = StateFolder(tmp_path / "state")
    first = local_environment(state, {})
    assert local_environment(state, {}) == first
    assert state.secrets.stat().st_mode & 0o777 == 0o600
    assert (
        local_environment(StateFolder(tmp_path / "other"), {})["WIYATA_PASSWORD_PEPPER"]
        != first["WIYATA_PASSWORD_PEPPER"]
    )


def test_addresses_follow_their_ports_unless_given(tmp_path: Path) -> None:

    given = {
        "WIYATA_IDENTITY_PORT": "5001",
        "WIYATA_ROUTER_PORT": "5000",
        "WIYATA_PUBLIC_URL": "https://a.test",
        "PATH": "x",
    }
    made = local_environment(StateFolder(tmp_path), given)
    assert made["WIYATA_IDENTITY_URL"] == "http://127.0.0.1:5001/graphql"
    assert made["WIYATA_JWKS_URL"] == "http://127.0.0.1:5001/.well-known/jwks.json"
    assert made["WIYATA_ACADEMIC_URL"] == "http://127.0.0.1:4002/graphql"
    assert made["WIYATA_PUBLIC_URL"] == "https://a.test"
    assert "PATH" not in made


def test_a_process_is_given_no_secret_it_has_no_use_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    for name, value in local_environment(StateFolder(tmp_path), {}).items():
        monkeypatch.setenv(name, value)
    router, identity, academic = environment_of("router"), environment_of("identity"), environment_of("academic")
    assert not [
        name for name in router if any(word in name for word in ("KEYS", "PASSWORD", "PEPPER", "ADMIN", "BLIND"))
    ]
    assert "WIYATA_DATABASE_ADMIN_URL" not in identity
    assert json.loads(identity["WIYATA_DATABASE_PASSWORDS"]).keys() == {"identity_app", "identity_relay"}
    assert json.loads(academic["WIYATA_DATABASE_PASSWORDS"]).keys() == {"academic_app", "academic_relay"}
    assert "WIYATA_TOKEN_SIGNING_KEYS" in identity
    assert not {"WIYATA_TOKEN_SIGNING_KEYS", "WIYATA_PASSWORD_PEPPER", "WIYATA_PLATFORM_PASSWORD"} & academic.keys()
