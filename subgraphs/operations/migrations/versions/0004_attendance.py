"""Attendance: marks of days and lessons."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA, TABLE = "operations", "student_attendance"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        TABLE,
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("class_id", sa.Uuid, nullable=False),
        sa.Column("schedule_id", sa.Uuid, nullable=True),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("check_in_time", moment, nullable=True),
        sa.Column("notes", sa.String, nullable=True),
        sa.Column("recorded_by", sa.Uuid, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("observed_at", moment, nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('PRESENT', 'ABSENT', 'LATE', 'EXCUSED', 'SICK')", name=op.f(f"ck_{TABLE}_status")
        ),
        sa.CheckConstraint("source in ('TEACHER', 'OFFICE', 'SELF')", name=op.f(f"ck_{TABLE}_source")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint(
            *("tenant_id", "student_id", "date", "schedule_id", "source"),
            name=f"uq_{TABLE}_mark",
            postgresql_nulls_not_distinct=True,
        ),
        schema=SCHEMA,
    )
    for names in (["tenant_id", "date", "status", "student_id"], ["tenant_id", "date", "id"]):
        op.create_index(f"ix_{TABLE}_{'_'.join(names)}", TABLE, names, schema=SCHEMA)
    enable_tenant_rls(f"{SCHEMA}.{TABLE}")
    enable_own_rls(f"{SCHEMA}.{TABLE}", "student_id = any((select app_student_ids())::uuid[])")


def downgrade() -> None:
    op.drop_table(TABLE, schema=SCHEMA)
