"""The first schema of identity."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.crypto import create_data_keys
from libs.db import enable_own_rls, enable_platform_rls, enable_tenant_rls, grant_queue
from libs.events import create_queue_tables
from libs.jobs import create_job_tables
from subgraphs.identity.model import Base

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

OWN_USER = "user_id = (select app_user_id())"
AUDIT_MONTHS = [(2026 + month // 12, month % 12 + 1) for month in range(6, 18)]  # later ones: audit/operations.py


def upgrade() -> None:
    """Creates everything; a fresh database needs no lock to be polite about."""
    create_queue_tables(Base.metadata)
    create_job_tables(Base.metadata)
    create_data_keys("identity")
    _tenants()
    _users()
    _account_tables()
    _roles()
    _sessions()
    _audit_logs()


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable, **options)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[Any]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _key(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"identity.{target}.tenant_id", f"identity.{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
        ondelete=ondelete,
    )


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _index(table: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    name = f"{'uq' if unique else 'ix'}_{table}_{'_'.join(columns)}"
    condition = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, schema="identity", postgresql_where=condition)


def _tenant_table(table: str, *parts: sa.schema.SchemaItem, own: str | None = None) -> None:
    """A table of a school's rows with its policies; `own` narrows it for pupils and guardians."""
    op.create_table(
        table,
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text("app_tenant()"), nullable=False),
        _uuid("id"),
        *parts,
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{table}")),
        schema="identity",
    )
    enable_tenant_rls(f"identity.{table}")
    if own is not None:
        enable_own_rls(f"identity.{table}", own)


def _tenants() -> None:
    op.create_table(
        "tenants",
        _uuid("id"),
        _text("slug"),
        _text("name"),
        _text("npsn", nullable=True),
        _text("level", nullable=True),
        _text("timezone"),
        _text("region", nullable=True),
        _text("ownership", nullable=True),
        _text("status", server_default="ACTIVE"),
        sa.Column("features", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("quotas", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        _check("tenants", "level", "level in ('SD', 'SMP', 'SMA', 'SMK')"),
        _check("tenants", "school_has_level", "level is not null or slug = 'platform'"),
        _check("tenants", "ownership", "ownership in ('NEGERI', 'SWASTA')"),
        _check("tenants", "status", "status in ('ACTIVE', 'SUSPENDED')"),
        _check("tenants", "timezone", "timezone in ('Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        _unique("tenants", "slug"),
        _unique("tenants", "npsn"),
        schema="identity",
    )
    _index("tenants", "name", "id")
    _index("tenants", "created_at", "id")
    enable_platform_rls("identity.tenants", own="id = (select app_tenant())")


def _users() -> None:
    _tenant_table(
        "users",
        _bytes("email"),
        _bytes("email_blind"),
        _text("name"),
        _bytes("phone", nullable=True),
        _bytes("phone_blind", nullable=True),
        _text("language"),
        _text("status"),
        sa.Column("staff", sa.Boolean(), nullable=False),
        _text("password_hash", nullable=True),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _moment("last_sign_in_at", nullable=True),
        sa.Column("ver", sa.Integer(), server_default="1", nullable=False),
        _moment("deleted_at", nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _check("users", "language", "language in ('id', 'en')"),
        _check("users", "status", "status in ('INVITED', 'ACTIVE', 'INACTIVE')"),
        _check("users", "active_has_password", "status <> 'ACTIVE' or password_hash is not null"),
        # Families may know the names of the school's staff, and nobody else's.
        own="id = (select app_user_id()) or staff",
    )
    _index("users", "tenant_id", "name", "id")
    _index("users", "tenant_id", "created_at", "id")
    _index("users", "tenant_id", "email_blind", where="deleted_at is null", unique=True)
    _tenant_table(
        "user_names",
        _uuid("user_id"),
        sa.Column("token", sa.Text(collation="C"), nullable=False),
        _key("user_names", "user_id", "users", ondelete="CASCADE"),
        _unique("user_names", "tenant_id", "token", "user_id"),
        own="user_id in (select id from identity.users)",
    )
    _index("user_names", "tenant_id", "user_id")


def _account_tables() -> None:
    _tenant_table(
        "one_time_tokens",
        _uuid("user_id"),
        _text("purpose"),
        _bytes("token_hash"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _check("one_time_tokens", "purpose", "purpose in ('INVITATION')"),
        _key("one_time_tokens", "user_id", "users", ondelete="CASCADE"),
        _unique("one_time_tokens", "tenant_id", "token_hash"),
        own=OWN_USER,
    )
    _index("one_time_tokens", "tenant_id", "user_id")
    _index("one_time_tokens", "tenant_id", "expires_at")
    _tenant_table(
        "user_records",
        _uuid("record_id"),
        _uuid("user_id"),
        _key("user_records", "user_id", "users", ondelete="CASCADE"),
        _unique("user_records", "tenant_id", "record_id"),
        own=OWN_USER,
    )
    _index("user_records", "tenant_id", "user_id")
    _tenant_table(
        "user_students",
        _uuid("student_id"),
        _uuid("record_id"),
        _uuid("user_id", nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        _unique("user_students", "tenant_id", "student_id", "record_id"),
        own=OWN_USER,
    )
    _index("user_students", "tenant_id", "user_id")


def _roles() -> None:
    _tenant_table(
        "roles",
        _text("name"),
        _text("description", nullable=True),
        sa.Column("is_system_role", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _unique("roles", "tenant_id", "name"),
    )
    _tenant_table(
        "role_permissions",
        _uuid("role_id"),
        _text("permission"),
        _key("role_permissions", "role_id", "roles", ondelete="CASCADE"),
        _unique("role_permissions", "tenant_id", "role_id", "permission"),
    )
    _tenant_table(
        "user_roles",
        _uuid("user_id"),
        _text("system_role", nullable=True),
        _uuid("role_id", nullable=True),
        sa.Column(
            "hat", sa.Text(), sa.Computed("coalesce(system_role, role_id::text)", persisted=True), nullable=False
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        _moment("assigned_at", now=True),
        _uuid("assigned_by", nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("user_id"), "="),
            (sa.column("hat"), "="),
            (sa.text("daterange(valid_from, valid_until, '[]')"), "&&"),
            using="gist",
            name="ex_user_roles_period",
        ),
        _check("user_roles", "one_role", "num_nonnulls(system_role, role_id) = 1"),
        _check("user_roles", "period", "valid_until >= valid_from"),
        _key("user_roles", "role_id", "roles"),
        _key("user_roles", "user_id", "users", ondelete="CASCADE"),
        own=OWN_USER,
    )
    _index("user_roles", "tenant_id", "role_id")
    _index("user_roles", "tenant_id", "user_id")


def _sessions() -> None:
    _tenant_table(
        "sessions",
        _uuid("user_id"),
        _text("device", nullable=True),
        _text("address", nullable=True),
        _text("user_agent", nullable=True),
        _bytes("refresh_hash"),
        _moment("last_used_at"),
        _moment("expires_at"),
        _moment("ended_at", nullable=True),
        _text("end_reason", nullable=True),
        _check("sessions", "end_reason", "end_reason in ('LOGOUT', 'REPLAY', 'PASSWORD', 'STATUS')"),
        _check("sessions", "ended", "(ended_at is null) = (end_reason is null)"),
        _key("sessions", "user_id", "users", ondelete="CASCADE"),
        _unique("sessions", "tenant_id", "refresh_hash"),
        own=OWN_USER,
    )
    _index("sessions", "tenant_id", "expires_at")
    _index("sessions", "tenant_id", "user_id")
    _tenant_table(
        "spent_tokens",
        _uuid("session_id"),
        _bytes("token_hash"),
        _bytes("salt"),
        _bytes("client"),
        _moment("spent_at"),
        _key("spent_tokens", "session_id", "sessions", ondelete="CASCADE"),
        _unique("spent_tokens", "tenant_id", "token_hash"),
        own="session_id in (select id from identity.sessions)",
    )
    _index("spent_tokens", "tenant_id", "session_id")
    _tenant_table(
        "sign_in_failures",
        _bytes("email_blind"),
        _text("address"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lockouts", sa.Integer(), nullable=False),
        _moment("last_failed_at"),
        _moment("locked_until", nullable=True),
        _unique("sign_in_failures", "tenant_id", "email_blind", "address"),
        own="false",
    )
    _index("sign_in_failures", "tenant_id", "last_failed_at")
    rule = "(user_id is null) = (ver is null) and (user_id is null) <> (session_id is null)"
    op.create_table(
        "revocations",
        _uuid("id"),
        _uuid("tenant_id"),
        _uuid("user_id", nullable=True),
        sa.Column("ver", sa.Integer(), nullable=True),
        _uuid("session_id", nullable=True),
        _moment("revoked_at"),
        _check("revocations", "one", rule),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocations")),
        schema="identity",
    )
    _index("revocations", "revoked_at")
    grant_queue("identity.revocations", app="select, insert, delete")


def _audit_logs() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text("app_tenant()"), nullable=False),
        _uuid("id"),
        sa.Column("day", sa.Date(), nullable=False),
        _uuid("user_id", nullable=True),
        _uuid("user_tenant_id", nullable=True),
        _uuid("about_tenant_id", nullable=True),
        _text("action"),
        _text("resource_type", nullable=True),
        _uuid("resource_id", nullable=True),
        sa.Column("old_values", postgresql.JSONB(), nullable=True),
        sa.Column("new_values", postgresql.JSONB(), nullable=True),
        _text("ip_address", nullable=True),
        _text("user_agent", nullable=True),
        _text("status"),
        _text("error_message", nullable=True),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        _check("audit_logs", "status", "status in ('SUCCESS', 'FAILURE')"),
        sa.PrimaryKeyConstraint("tenant_id", "id", "day", name=op.f("pk_audit_logs")),
        schema="identity",
        postgresql_partition_by="RANGE (day)",
    )
    _index("audit_logs", "tenant_id", "created_at")
    _index("audit_logs", "tenant_id", "user_id")
    enable_tenant_rls("identity.audit_logs", grants="select, insert")
    enable_own_rls("identity.audit_logs", OWN_USER)
    for year, month in AUDIT_MONTHS:
        end = f"{year + month // 12}-{month % 12 + 1:02}-01"
        op.execute(
            f"create table identity.audit_logs_{year}_{month:02} partition of identity.audit_logs"
            f" for values from ('{year}-{month:02}-01') to ('{end}')"
        )
    # The net below: a deed is never refused because nobody made next month's partition.
    op.execute("create table identity.audit_logs_default partition of identity.audit_logs default")


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError
