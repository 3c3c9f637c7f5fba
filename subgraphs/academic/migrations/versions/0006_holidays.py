"""Holidays of a school."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_tenant_rls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "academic"


def upgrade() -> None:
    op.create_table(
        "holidays",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scope", sa.String, server_default=sa.text("'SCHOOL'"), nullable=False),
        sa.Column("affects_attendance", sa.Boolean, server_default="true", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("scope in ('NATIONAL', 'SCHOOL')", name=op.f("ck_holidays_scope")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_holidays"),
        sa.UniqueConstraint("tenant_id", "date", "name", name="uq_holidays_tenant_id_date_name"),
        schema=SCHEMA,
    )
    op.create_index("ix_holidays_tenant_id_date_id", "holidays", ["tenant_id", "date", "id"], schema=SCHEMA)
    enable_tenant_rls(f"{SCHEMA}.holidays")


def downgrade() -> None:
    op.drop_table("holidays", schema=SCHEMA)
