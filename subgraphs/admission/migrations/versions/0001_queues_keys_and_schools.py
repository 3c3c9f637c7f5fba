"""The queues, data keys, jobs and schools of admission."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.crypto import create_data_keys
from libs.db import enable_directory_rls
from libs.events import create_queue_tables
from libs.jobs import create_job_tables
from subgraphs.admission.model import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "admission"


def upgrade() -> None:
    create_queue_tables(Base.metadata)
    create_data_keys(SCHEMA)
    create_job_tables(Base.metadata)
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
    enable_directory_rls(f"{SCHEMA}.tenants")


def downgrade() -> None:
    for table in ("tenants", "data_keys", "timed_jobs", "jobs", "idempotency_keys", "dead_letters", "inbox", "outbox"):
        op.drop_table(table, schema=SCHEMA)
