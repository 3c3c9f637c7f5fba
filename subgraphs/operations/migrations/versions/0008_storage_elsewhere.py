"""What the other subgraphs keep of a school's files."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_directory_rls, enable_own_rls

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "operations"


def upgrade() -> None:
    op.create_table(
        "counted_storage",
        sa.Column("tenant_id", sa.Uuid(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("kept_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kept_bytes >= 0", name=op.f("ck_counted_storage_kept_bytes")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_counted_storage"),
        sa.UniqueConstraint("tenant_id", "domain", name="uq_counted_storage_tenant_id_domain"),
        schema=SCHEMA,
    )
    enable_directory_rls(f"{SCHEMA}.counted_storage")
    enable_own_rls(f"{SCHEMA}.counted_storage", "false")


def downgrade() -> None:
    op.drop_table("counted_storage", schema=SCHEMA)
