"""Settings come from the environment (prefix `WIYATA_`) and nowhere else, and are checked before anything starts."""

import base64
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "WIYATA_"
SUBGRAPHS = ("identity", "academic", "operations", "admission", "finance", "notification")
_KEY_BYTES = 32


class SettingsError(Exception):
    """A setting is unknown, missing or malformed; the message names it."""


def _key(value: SecretStr) -> SecretStr:
    try:
        raw = base64.b64decode(value.get_secret_value(), validate=True)
    except ValueError as error:
        raise ValueError("must be base64") from error
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"must hold {_KEY_BYTES} bytes, base64")
    return value


Key = Annotated[SecretStr, AfterValidator(_key)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """All settings, with their defaults for a laptop. Units are in the descriptions."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    environment: Literal["development", "test", "production"] = Field(
        default="development", description="development opens GraphiQL, /dev and introspection; production closes them."
    )
    public_url: str = Field(default="http://127.0.0.1:4000", description="Origin of links in mails, without a path.")
    host: str = Field(default="127.0.0.1", description="Address the subgraphs listen on.")
    identity_port: Port = Field(default=4001, description="Port of identity.")
    academic_port: Port = Field(default=4002, description="Port of academic.")
    notification_port: Port = Field(default=4003, description="Port of notification.")
    operations_port: Port = Field(default=4004, description="Port of operations.")
    admission_port: Port = Field(default=4005, description="Port of admission.")
    finance_port: Port = Field(default=4006, description="Port of finance.")
    worker_port: Port = Field(default=4009, description="Port of the worker's health and metrics.")
    router_host: str = Field(default="127.0.0.1", description="Address the router listens on.")
    router_port: Port = Field(default=4000, description="Port of the router.")
    identity_url: str = Field(default="http://127.0.0.1:4001/graphql", description="Where the router finds identity.")
    academic_url: str = Field(default="http://127.0.0.1:4002/graphql", description="Where the router finds academic.")
    notification_url: str = Field(
        default="http://127.0.0.1:4003/graphql", description="Where the router finds notification."
    )
    operations_url: str = Field(
        default="http://127.0.0.1:4004/graphql", description="Where the router finds operations."
    )
    admission_url: str = Field(default="http://127.0.0.1:4005/graphql", description="Where the router finds admission.")
    finance_url: str = Field(default="http://127.0.0.1:4006/graphql", description="Where the router finds finance.")
    supergraph: Path = Field(default=Path("schema/supergraph.graphql"), description="The supergraph the router serves.")
    router_upstream_timeout_ms: int = Field(
        default=15_000, ge=100, description="How long the router waits for a subgraph, milliseconds."
    )
    router_fast_lane: bool = Field(
        default=True,
        description="Whether the router passes on as bytes what one subgraph answers alone. Without it all is planned.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Networks (address/bits, separated by commas) of the proxies in front of the router, whose "
        "X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    rate_exempt: str = Field(
        default="",
        description="Internal networks (address/bits, separated by commas) whose requests are not counted.",
    )
    cors_origins: str = Field(
        default="", description="Origins browsers may call from, separated by commas; empty: none."
    )

    database_url: str = Field(
        default="postgresql://127.0.0.1:5432/wiyata", description="PostgreSQL: host, port and database, without a user."
    )
    database_admin_url: SecretStr = Field(
        default=SecretStr(""),
        description="The same with a superuser, for `migrate` alone; other processes leave it empty.",
    )
    database_passwords: dict[str, SecretStr] = Field(
        default_factory=dict, description='Passwords by login role, JSON: {"identity_app": "…", "identity_relay": "…"}.'
    )
    database_pool_size: int = Field(default=8, ge=1, le=200, description="Connections per process and subgraph.")
    statement_timeout_ms: int = Field(default=10_000, ge=100, description="Longest statement, milliseconds.")
    valkey_url: str = Field(default="redis://127.0.0.1:6379/0", description="Valkey.")
    nats_url: str = Field(default="nats://127.0.0.1:4222", description="NATS with JetStream.")
    events_max_bytes: int = Field(default=2**30, ge=2**20, description="Size of the event stream; full refuses. Bytes.")

    token_issuer: str = Field(default="https://wiyata.id", description="`iss` of access tokens.")
    token_audience: str = Field(default="wiyata", description="`aud` of access tokens.")
    token_signing_keys: SecretStr = Field(
        default=SecretStr(""), description="identity alone: JWK set (JSON) of private ES256 keys; the first one signs."
    )
    jwks_url: str = Field(
        default="http://127.0.0.1:4001/.well-known/jwks.json", description="Where verifiers find the keys."
    )
    access_token_seconds: int = Field(default=900, ge=1, description="Life of an access token, seconds.")
    refresh_token_seconds: int = Field(default=604_800, ge=1, description="Life of a refresh token, seconds.")

    key_encryption_keys: dict[str, Key] = Field(
        default_factory=dict,
        description="Key-encryption keys by version, JSON, 32 bytes base64 each; the highest wraps.",
    )
    blind_index_key: Key | None = Field(None, description="HMAC key of look-ups over protected fields, base64.")
    password_pepper: Key | None = Field(
        default=None, description="identity alone: HMAC key under bcrypt, 32 bytes base64."
    )
    bcrypt_cost: int = Field(default=12, ge=4, le=16, description="bcrypt cost; 12 in production.")
    platform_email: str = Field(
        default="platform@wiyata.test", description="First platform administrator, made by `migrate`."
    )
    platform_password: SecretStr = Field(default=SecretStr(""), description="Their password; empty makes no account.")

    files_url: str = Field(
        default="file:.wiyata/files",
        description="Where files are kept: file:///folder, s3://bucket/prefix, gs://… or az://….",
    )
    chromium: str = Field(
        default="", description="Chromium that makes PDFs, a path; empty: the one that the machine has."
    )
    mail_url: str = Field(
        default="sink:.wiyata/mail",
        description="smtp://[user:password@]host:port, smtps://… or sink:<folder> (development).",
    )
    absence_notice_seconds: int = Field(
        default=120,
        ge=0,
        description="How long a mail about an absence waits for siblings and for corrections, seconds.",
    )
    mail_sender: str = Field(default="Wiyata <noreply@wiyata.test>", description="From of every mail.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line logged."
    )

    def database_for(self, role: str) -> str:
        """The libpq URL of a login role, with its password where one is set."""
        parts = urlsplit(self.database_url)
        secret = self.database_passwords.get(role)
        user = quote(role) + (f":{quote(secret.get_secret_value(), safe='')}" if secret else "")
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))

    def port_of(self, subgraph: str) -> int:
        """The port a subgraph listens on."""
        port: int = getattr(self, f"{subgraph}_port")
        return port


def load_settings() -> Settings:
    """Reads and checks the settings of this process.

    Raises SettingsError that names every unknown, missing or malformed variable; values are not repeated.
    """
    given = {name for name in os.environ if name.startswith(PREFIX)}
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    faults = [f"{name}: unknown setting" for name in sorted(given - known)]
    try:
        settings = Settings()
    except ValidationError as error:
        faults += [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("; ".join(faults)) from None
    if faults:
        raise SettingsError("; ".join(faults))
    return settings
