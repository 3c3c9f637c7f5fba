"""Messages about absences, which collect a family's pupils, and to applicants, who have no account."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "notification"


def upgrade() -> None:
    op.add_column("pupils", sa.Column("name", sa.LargeBinary, nullable=True), schema=SCHEMA)
    op.add_column("contacts", sa.Column("application_id", sa.Uuid, nullable=True), schema=SCHEMA)
    op.create_index(
        "ix_contacts_application",
        "contacts",
        ["tenant_id", "application_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("application_id is not null"),
    )
    _notifications()
    _absences()


def downgrade() -> None:
    op.drop_table("absences", schema=SCHEMA)
    for index in ("uq_notifications_collecting", "ix_notifications_failed"):
        op.drop_index(index, "notifications", schema=SCHEMA)
    op.drop_column("notifications", "collecting", schema=SCHEMA)
    op.drop_column("notifications", "about_date", schema=SCHEMA)
    op.drop_column("contacts", "application_id", schema=SCHEMA)
    op.drop_column("pupils", "name", schema=SCHEMA)


def _notifications() -> None:
    op.add_column("notifications", sa.Column("about_date", sa.Date, nullable=True), schema=SCHEMA)
    op.add_column(
        "notifications", sa.Column("collecting", sa.Boolean, server_default="false", nullable=False), schema=SCHEMA
    )
    op.create_index(
        "uq_notifications_collecting",
        "notifications",
        ["tenant_id", "contact_id", "about_date"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("collecting"),
    )
    op.create_index(
        "ix_notifications_failed",
        "notifications",
        ["tenant_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'FAILED'"),
    )


def _absences() -> None:
    op.create_table(
        "absences",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("class_name", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_absences"),
        sa.UniqueConstraint("tenant_id", "student_id", "date", name="uq_absences_tenant_id_student_id_date"),
        schema=SCHEMA,
    )
    op.create_index("ix_absences_tenant_id_date", "absences", ["tenant_id", "date"], schema=SCHEMA)
    enable_tenant_rls(f"{SCHEMA}.absences")
    enable_own_rls(f"{SCHEMA}.absences", "student_id = any((select app_student_ids())::uuid[])")
