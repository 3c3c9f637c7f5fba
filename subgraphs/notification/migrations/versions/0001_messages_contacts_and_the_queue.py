"""The first slice: queues, keys, contacts, messages and what is still to be sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.crypto import create_data_keys
from libs.db import enable_own_rls, enable_tenant_rls, grant_queue
from libs.events import create_queue_tables
from libs.jobs import create_job_tables
from subgraphs.notification.model import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "notification"


def upgrade() -> None:
    create_queue_tables(Base.metadata)
    create_job_tables(Base.metadata)
    create_data_keys(SCHEMA)
    _tenants()
    _contacts()
    _pupils()
    _notifications()
    for table in ("tenants", "contacts", "pupils", "guardianships", "notifications", "notification_students"):
        enable_tenant_rls(f"{SCHEMA}.{table}")
    me, my_pupils = "(select app_user_id())", "any((select app_student_ids())::uuid[])"
    enable_own_rls(f"{SCHEMA}.contacts", f"id = {me}")
    enable_own_rls(f"{SCHEMA}.pupils", f"id = {my_pupils}")
    enable_own_rls(f"{SCHEMA}.guardianships", f"student_id = {my_pupils}")
    enable_own_rls(f"{SCHEMA}.notifications", f"user_id = {me}")
    enable_own_rls(f"{SCHEMA}.notification_students", f"student_id = {my_pupils}")
    _deliveries()
    grant_queue(f"{SCHEMA}.deliveries", app="select, insert, update, delete")


def downgrade() -> None:
    for table in (
        "deliveries", "notification_students", "notifications", "guardianships", "pupils", "contacts", "tenants",
        "data_keys", "timed_jobs", "jobs", "idempotency_keys", "dead_letters", "inbox", "outbox",
    ):  # fmt: skip
        op.drop_table(table, schema=SCHEMA)


def _key() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
    )


def _moments() -> tuple[sa.Column[object], ...]:
    return tuple(
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    )


def _tenants() -> None:
    op.create_table(
        "tenants",
        *_key(),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("npsn", sa.String, nullable=True),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("timezone", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("features", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("quotas", postgresql.JSONB, nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenants"),
        schema=SCHEMA,
    )


def _contacts() -> None:
    op.create_table(
        "contacts",
        *_key(),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("email", sa.LargeBinary, nullable=True),
        sa.Column("phone", sa.LargeBinary, nullable=True),
        *_moments(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_contacts"),
        schema=SCHEMA,
    )


def _pupils() -> None:
    op.create_table(
        "pupils",
        *_key(),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        *_moments(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_pupils"),
        schema=SCHEMA,
    )
    op.create_table(
        "guardianships",
        *_key(),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("guardian_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("is_primary", sa.Boolean, nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_guardianships"),
        sa.UniqueConstraint(
            "tenant_id", "guardian_id", "student_id", name="uq_guardianships_tenant_id_guardian_id_student_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_guardianships_tenant_id_student_id", "guardianships", ["tenant_id", "student_id"], schema=SCHEMA
    )


def _notifications() -> None:
    op.create_table(
        "notifications",
        *_key(),
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("about_record_id", sa.Uuid, nullable=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("event_type", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("status", sa.String, server_default="PENDING", nullable=False),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.String, nullable=True),
        sa.Column("metadata", postgresql.JSONB, server_default="{}", nullable=False),
        *_moments(),
        sa.CheckConstraint("channel in ('EMAIL', 'WHATSAPP', 'PUSH', 'SMS')", name=op.f("ck_notifications_channel")),
        sa.CheckConstraint(
            "status in ('PENDING', 'SENT', 'DELIVERED', 'READ', 'RETRY', 'FAILED', 'CANCELLED')",
            name=op.f("ck_notifications_status"),
        ),
        sa.CheckConstraint("attempts between 0 and 3", name=op.f("ck_notifications_attempts")),
        sa.CheckConstraint(
            "status <> 'SENT' or (sent_at is not null and sealed is null)", name=op.f("ck_notifications_sent")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_notifications"),
        sa.UniqueConstraint(
            "tenant_id", "contact_id", "event_id", name="uq_notifications_tenant_id_contact_id_event_id"
        ),
        schema=SCHEMA,
    )
    for columns in (["tenant_id", "created_at", "id"], ["tenant_id", "user_id", "created_at", "id"]):
        op.create_index(f"ix_notifications_{'_'.join(columns)}", "notifications", columns, schema=SCHEMA)
    op.create_index(
        "ix_notifications_tenant_id_about_record_id",
        "notifications",
        ["tenant_id", "about_record_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("about_record_id is not null"),
    )
    op.create_index(
        "ix_notifications_sealed",
        "notifications",
        ["tenant_id", "expires_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("sealed is not null"),
    )
    op.create_table(
        "notification_students",
        *_key(),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        *_moments(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_notification_students"),
        sa.UniqueConstraint(
            "tenant_id",
            "notification_id",
            "student_id",
            name="uq_notification_students_tenant_id_notification_id_student_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notification.notifications.tenant_id", "notification.notifications.id"],
            name="fk_notification_students_tenant_id_notification_id",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_notification_students_tenant_id_student_id_notification_id",
        "notification_students",
        ["tenant_id", "student_id", "notification_id"],
        schema=SCHEMA,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "notification_id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notification.notifications.tenant_id", "notification.notifications.id"],
            name="fk_deliveries_tenant_id_notification_id",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_deliveries_due_at", "deliveries", ["due_at"], schema=SCHEMA)
