"""The first slice: queues, keys, schools and their calendar."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.crypto import create_data_keys
from libs.db import enable_tenant_rls
from libs.events import create_queue_tables
from libs.jobs import create_job_tables
from subgraphs.academic.model import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "academic"


def upgrade() -> None:
    create_queue_tables(Base.metadata)
    create_data_keys(SCHEMA)
    create_job_tables(Base.metadata)
    _tenants()
    _schools()
    _academic_years()
    _semesters()
    for table in ("tenants", "schools", "academic_years", "semesters"):
        enable_tenant_rls(f"{SCHEMA}.{table}")


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("npsn", sa.String, nullable=True),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("timezone", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("features", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("quotas", postgresql.JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenants"),
        schema=SCHEMA,
    )


def _schools() -> None:
    op.create_table(
        "schools",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("npsn", sa.String, nullable=True),
        sa.Column("timezone", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=True),
        sa.Column("phone", sa.String, nullable=True),
        sa.Column("email", sa.String, nullable=True),
        sa.Column("principal_name", sa.String, nullable=True),
        sa.Column("logo_file", sa.Uuid, nullable=True),
        sa.Column("signature_file", sa.Uuid, nullable=True),
        sa.Column("lat", sa.Double, nullable=True),
        sa.Column("lng", sa.Double, nullable=True),
        sa.Column("radius_m", sa.Integer, nullable=True),
        sa.Column("attendance_grace_minutes", sa.Integer, server_default="15", nullable=False),
        sa.Column("settings", postgresql.JSONB, server_default="{}", nullable=False),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("level in ('SD', 'SMP', 'SMA', 'SMK')", name=op.f("ck_schools_level")),
        sa.CheckConstraint(
            "attendance_grace_minutes between 0 and 240", name=op.f("ck_schools_attendance_grace_minutes")
        ),
        sa.CheckConstraint("id = tenant_id", name=op.f("ck_schools_id")),
        sa.CheckConstraint("lat between -90 and 90 and lng between -180 and 180", name=op.f("ck_schools_location")),
        sa.CheckConstraint("radius_m > 0", name=op.f("ck_schools_radius_m")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_schools"),
        schema=SCHEMA,
    )


def _academic_years() -> None:
    op.create_table(
        "academic_years",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("is_active", sa.Boolean, server_default="false", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.text("daterange(start_date, end_date, '[]')"), "&&"),
            using="gist",
            name="ex_academic_years_dates",
        ),
        sa.CheckConstraint("start_date < end_date", name=op.f("ck_academic_years_dates")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_academic_years"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_academic_years_tenant_id_name"),
        schema=SCHEMA,
    )
    op.create_index("ix_academic_years_tenant_id_name_id", "academic_years", ["tenant_id", "name", "id"], schema=SCHEMA)
    op.create_index(
        "ix_academic_years_tenant_id_start_date_id", "academic_years", ["tenant_id", "start_date", "id"], schema=SCHEMA
    )
    op.create_index(
        "uq_academic_years_active",
        "academic_years",
        ["tenant_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_active"),
    )


def _semesters() -> None:
    op.create_table(
        "semesters",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("is_active", sa.Boolean, server_default="false", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("academic_year_id"), "="),
            (sa.text("daterange(start_date, end_date, '[]')"), "&&"),
            using="gist",
            name="ex_semesters_dates",
        ),
        sa.CheckConstraint("number in (1, 2)", name=op.f("ck_semesters_number")),
        sa.CheckConstraint("start_date < end_date", name=op.f("ck_semesters_dates")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "academic_year_id"],
            ["academic.academic_years.tenant_id", "academic.academic_years.id"],
            name="fk_semesters_tenant_id_academic_year_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_semesters"),
        sa.UniqueConstraint(
            "tenant_id", "academic_year_id", "number", name="uq_semesters_tenant_id_academic_year_id_number"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_semesters_active",
        "semesters",
        ["tenant_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_active"),
    )
