"""What proves who somebody is, devices, integrators' clients, roles that inherit, and what a school allows."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.db import enable_directory_rls, enable_own_rls, enable_tenant_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "identity"
OWN_USER = "user_id = (select app_user_id())"
TABLES = (
    *("former_passwords", "second_factors", "recovery_codes", "devices", "account_failures", "counted_people"),
    *("api_clients", "spent_assertions"),
)
INDEXES = {
    "ix_sign_in_failures_tenant_id_address_last_failed_at": "sign_in_failures",
    "ix_user_roles_tenant_id_system_role": "user_roles",
}
COLUMNS = {
    "users": ["email_verified_at"],
    "sessions": ["device_id"],
    "roles": ["parent_system_role", "parent_id"],
    "tenants": ["password_policy", "version", "name_key", "registration_role"],
}
"""With their own indexes and constraints."""
PURPOSES_BEFORE = "purpose in ('INVITATION')"
ENDS_BEFORE = "end_reason in ('LOGOUT', 'REPLAY', 'PASSWORD', 'STATUS')"
PURPOSES = "purpose in ('INVITATION', 'REGISTRATION', 'VERIFICATION', 'PASSWORD_RESET', 'UNLOCK')"
ENDS = "end_reason in ('LOGOUT', 'REVOKED', 'REPLAY', 'PASSWORD', 'STATUS')"


def upgrade() -> None:
    _accounts()
    _credentials()
    _devices()
    _roles()
    _tenants()
    _clients()


def downgrade() -> None:
    """What has no place in the schema before is forgotten: mailed links, devices, second factors, clients, parents."""
    op.drop_constraint(op.f("fk_sessions_tenant_id_device_id"), "sessions", schema=SCHEMA)
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
    for index, table in INDEXES.items():
        op.drop_index(index, table, schema=SCHEMA)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column, schema=SCHEMA)
    op.execute("delete from identity.one_time_tokens where purpose <> 'INVITATION'")
    op.execute("update identity.sessions set end_reason = 'LOGOUT' where end_reason = 'REVOKED'")
    _recheck("one_time_tokens", "purpose", PURPOSES_BEFORE)
    _recheck("sessions", "end_reason", ENDS_BEFORE)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[Any]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _key(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    remote = [f"{SCHEMA}.{target}.tenant_id", f"{SCHEMA}.{target}.id"]
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], remote, name=op.f(f"fk_{table}_tenant_id_{column}"), ondelete=ondelete
    )


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return _key(table, "user_id", "users", ondelete="CASCADE")


def _index(table: str, *columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    name = f"ix_{table}_{'_'.join(columns)}"
    op.create_index(name, table, list(columns), schema=SCHEMA, postgresql_where=condition)


def _table(table: str, *parts: sa.schema.SchemaItem, own: str | None = None, directory: bool = False) -> None:
    """A table of a school's rows with its policies; `own` narrows it for pupils and guardians.

    The platform reads all rows of a `directory`.
    """
    op.create_table(
        table,
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text("app_tenant()"), nullable=False),
        _uuid("id"),
        *parts,
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        schema=SCHEMA,
    )
    (enable_directory_rls if directory else enable_tenant_rls)(f"{SCHEMA}.{table}")
    if own is not None:
        enable_own_rls(f"{SCHEMA}.{table}", own)


def _recheck(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, schema=SCHEMA)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule, schema=SCHEMA)


def _accounts() -> None:
    op.add_column("users", _moment("email_verified_at", nullable=True), schema=SCHEMA)
    _recheck("one_time_tokens", "purpose", PURPOSES)


def _credentials() -> None:
    _table("former_passwords", _uuid("user_id"), _text("password_hash"), _of_user("former_passwords"), own=OWN_USER)
    _index("former_passwords", "tenant_id", "user_id", "created_at")
    _table(
        "second_factors",
        _uuid("user_id"),
        _bytes("secret"),
        _moment("confirmed_at", nullable=True),
        _number("last_step", nullable=True),
        _of_user("second_factors"),
        _unique("second_factors", "tenant_id", "user_id"),
        own=OWN_USER,
    )
    _table(
        "recovery_codes",
        _uuid("user_id"),
        _bytes("code_hash"),
        _moment("used_at", nullable=True),
        _of_user("recovery_codes"),
        _unique("recovery_codes", "tenant_id", "user_id", "code_hash"),
        own=OWN_USER,
    )


def _devices() -> None:
    _table(
        "devices",
        _uuid("user_id"),
        _text("name", nullable=True),
        _bytes("secret_hash"),
        _moment("last_used_at"),
        _of_user("devices"),
        _unique("devices", "tenant_id", "secret_hash"),
        own=OWN_USER,
    )
    _index("devices", "tenant_id", "user_id")
    _index("devices", "tenant_id", "last_used_at")
    op.add_column("sessions", _uuid("device_id", nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        op.f("fk_sessions_tenant_id_device_id"),
        "sessions",
        "devices",
        ["tenant_id", "device_id"],
        ["tenant_id", "id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
        ondelete="SET NULL (device_id)",
    )
    _index("sessions", "tenant_id", "device_id")
    _recheck("sessions", "end_reason", ENDS)
    _index("sign_in_failures", "tenant_id", "address", "last_failed_at")
    _table(
        "account_failures",
        _bytes("email_blind"),
        _moment("since"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("locked_at", nullable=True),
        _unique("account_failures", "tenant_id", "email_blind"),
        own="false",
    )
    _index("account_failures", "tenant_id", "since")


def _roles() -> None:
    op.add_column("roles", _text("parent_system_role", nullable=True), schema=SCHEMA)
    op.add_column("roles", _uuid("parent_id", nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        op.f("fk_roles_tenant_id_parent_id"),
        "roles",
        "roles",
        ["tenant_id", "parent_id"],
        ["tenant_id", "id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
    )
    rules = {
        "one_parent": "num_nonnulls(parent_system_role, parent_id) <= 1",
        "own_inherits": "not is_system_role or num_nonnulls(parent_system_role, parent_id) = 0",
        "not_itself": "parent_id <> id",
    }
    for name, rule in rules.items():
        op.create_check_constraint(op.f(f"ck_roles_{name}"), "roles", rule, schema=SCHEMA)
    _index("roles", "tenant_id", "parent_id")
    _index("user_roles", "tenant_id", "system_role")


def _tenants() -> None:
    policy = sa.Column("password_policy", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("tenants", policy, schema=SCHEMA)
    version = sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    op.add_column("tenants", version, schema=SCHEMA)
    # Beginnings of names are looked for by a range under collation C, which uses its index beneath row security.
    key = sa.Column("name_key", sa.Text(collation="C"), sa.Computed("lower(name)", persisted=True), nullable=False)
    op.add_column("tenants", key, schema=SCHEMA)
    _index("tenants", "name_key", "id")
    op.add_column("tenants", _text("registration_role", nullable=True), schema=SCHEMA)
    rule = "registration_role in ('parent', 'student')"
    op.create_check_constraint(op.f("ck_tenants_registration_role"), "tenants", rule, schema=SCHEMA)
    _table(
        "counted_people",
        _uuid("record_id"),
        _text("kind"),
        sa.Column("counts", sa.Boolean(), nullable=False),
        _number("sequence"),
        _check("counted_people", "kind", "kind in ('STUDENT', 'TEACHER')"),
        _unique("counted_people", "tenant_id", "record_id"),
        own="false",
        directory=True,
    )
    _index("counted_people", "tenant_id", "kind", where="counts")


def _clients() -> None:
    _table(
        "api_clients",
        _text("name"),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        _text("method"),
        _bytes("secret_hash", nullable=True),
        _bytes("former_secret_hash", nullable=True),
        _moment("former_valid_until", nullable=True),
        sa.Column("keys", postgresql.JSONB(), nullable=True),
        sa.Column("ver", sa.Integer(), server_default="1", nullable=False),
        _uuid("created_by", nullable=True),
        _moment("last_used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _check("api_clients", "method", "method in ('CLIENT_SECRET', 'PRIVATE_KEY_JWT')"),
        _check("api_clients", "secret", "(method = 'CLIENT_SECRET') = (secret_hash is not null)"),
        _check("api_clients", "keys", "(method = 'PRIVATE_KEY_JWT') = (keys is not null)"),
        _check("api_clients", "former", "(former_secret_hash is null) = (former_valid_until is null)"),
        _unique("api_clients", "tenant_id", "name"),
        own="false",
    )
    _index("api_clients", "tenant_id", "created_at", "id")
    _table(
        "spent_assertions",
        _uuid("client_id"),
        _bytes("assertion_hash"),
        _moment("expires_at"),
        _key("spent_assertions", "client_id", "api_clients", ondelete="CASCADE"),
        _unique("spent_assertions", "tenant_id", "client_id", "assertion_hash"),
        own="false",
    )
    _index("spent_assertions", "tenant_id", "expires_at")
