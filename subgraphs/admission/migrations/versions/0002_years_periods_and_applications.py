"""The first slice: school years, admission periods, applications."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from libs.db import enable_tenant_rls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "admission"
TABLES = ("academic_years", "periods", "applications", "application_names")
STATUSES = "'SUBMITTED', 'VERIFIED', 'ACCEPTED', 'WAITLISTED', 'REJECTED', 'REGISTERED', 'WITHDRAWN'"


def upgrade() -> None:
    _academic_years()
    _periods()
    _applications()
    _application_names()
    for table in TABLES:
        enable_tenant_rls(f"{SCHEMA}.{table}")
    # Schools that are known already get their timed work with the next change of theirs, too; this is sooner.
    op.execute(
        "insert into admission.timed_jobs (tenant_id, name, next_run_at)"
        " select tenant_id, 'close_periods', now() from admission.tenants on conflict do nothing"
    )


def _tenant_columns() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
    )


def _timestamps() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def _academic_years() -> None:
    op.create_table(
        "academic_years",
        *_tenant_columns(),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        *_timestamps(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_academic_years"),
        schema=SCHEMA,
    )


def _periods() -> None:
    op.create_table(
        "periods",
        *_tenant_columns(),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("number_prefix", sa.String, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("registration_fee", sa.BigInteger, nullable=True),
        sa.Column("max_applicants", sa.Integer, nullable=True),
        sa.Column("status", sa.String, server_default=sa.text("'DRAFT'"), nullable=False),
        sa.Column("applicants", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        *_timestamps(),
        sa.CheckConstraint(
            "status in ('DRAFT', 'OPEN', 'CLOSED', 'SELECTION', 'ANNOUNCED', 'COMPLETED')",
            name=op.f("ck_periods_status"),
        ),
        sa.CheckConstraint("start_date <= end_date", name=op.f("ck_periods_dates")),
        sa.CheckConstraint("registration_fee >= 0", name=op.f("ck_periods_registration_fee")),
        sa.CheckConstraint("max_applicants > 0", name=op.f("ck_periods_max_applicants")),
        sa.CheckConstraint(
            "applicants between 0 and coalesce(max_applicants, applicants)", name=op.f("ck_periods_applicants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_periods"),
        sa.UniqueConstraint("tenant_id", "academic_year_id", "code", name="uq_periods_tenant_id_academic_year_id_code"),
        sa.UniqueConstraint("tenant_id", "number_prefix", name="uq_periods_tenant_id_number_prefix"),
        schema=SCHEMA,
    )
    _index("periods", "start_date", "id")
    _index("periods", "name", "id")
    op.create_index("ix_periods_status", "periods", ["tenant_id", "status", "end_date"], schema=SCHEMA)


def _index(table: str, *columns: str) -> None:
    name = "_".join(("ix", table, "tenant_id", *columns))
    op.create_index(name, table, ["tenant_id", *columns], schema=SCHEMA)


def _applicant_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("full_name", sa.String, nullable=False),
        sa.Column("gender", sa.String, nullable=False),
        sa.Column("birth_place", sa.String, nullable=False),
        sa.Column("birth_date", sa.Date, nullable=False),
        sa.Column("nisn", sa.String, nullable=True),
        sa.Column("nik", sa.LargeBinary, nullable=True),
        sa.Column("nik_blind", sa.LargeBinary, nullable=True),
        sa.Column("previous_school", sa.String, nullable=True),
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("parent_name", sa.String, nullable=False),
        sa.Column("parent_phone", sa.LargeBinary, nullable=False),
        sa.Column("parent_phone_blind", sa.LargeBinary, nullable=False),
        sa.Column("parent_email", sa.LargeBinary, nullable=True),
        sa.Column("parent_email_blind", sa.LargeBinary, nullable=True),
    )


def _application_constraints() -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("gender in ('MALE', 'FEMALE')", name=op.f("ck_applications_gender")),
        sa.CheckConstraint(f"status in ({STATUSES})", name=op.f("ck_applications_status")),
        sa.CheckConstraint("payment_status in ('FREE', 'UNPAID', 'PAID')", name=op.f("ck_applications_payment_status")),
        sa.CheckConstraint("nisn ~ '^[0-9]{10}$'", name=op.f("ck_applications_nisn")),
        sa.CheckConstraint("(verified_at is null) = (verified_by is null)", name=op.f("ck_applications_verified")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "period_id"],
            ["admission.periods.tenant_id", "admission.periods.id"],
            name="fk_applications_tenant_id_period_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_applications"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_applications_tenant_id_number"),
        sa.UniqueConstraint("tenant_id", "request_blind", name="uq_applications_tenant_id_request_blind"),
        *(
            sa.UniqueConstraint("tenant_id", "period_id", column, name=f"uq_applications_tenant_id_period_id_{column}")
            for column in ("nik_blind", "nisn", "fingerprint")
        ),
    )


def _applications() -> None:
    op.create_table(
        "applications",
        *_tenant_columns(),
        sa.Column("period_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("request_blind", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        *_applicant_columns(),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'SUBMITTED'"), nullable=False),
        sa.Column("payment_status", sa.String, nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Uuid, nullable=True),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        *_timestamps(),
        *_application_constraints(),
        schema=SCHEMA,
    )
    for columns in (("number", "id"), ("full_name", "id"), ("created_at", "id"), ("status", "id")):
        _index("applications", *columns)
    _index("applications", "period_id", "status", "id")


def _application_names() -> None:
    op.create_table(
        "application_names",
        *_tenant_columns(),
        sa.Column("application_id", sa.Uuid, nullable=False),
        sa.Column("token", sa.Text(collation="C"), nullable=False),
        *_timestamps(),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["admission.applications.tenant_id", "admission.applications.id"],
            name="fk_application_names_tenant_id_application_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_application_names"),
        sa.UniqueConstraint(
            "tenant_id", "token", "application_id", name="uq_application_names_tenant_id_token_application_id"
        ),
        schema=SCHEMA,
    )
    _index("application_names", "application_id")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
