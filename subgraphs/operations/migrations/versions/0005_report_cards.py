"""Report cards and what they show."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "operations"


def upgrade() -> None:
    _report_cards()
    _report_card_details()
    for table in ("report_cards", "report_card_details"):
        enable_tenant_rls(f"{SCHEMA}.{table}")
        enable_own_rls(f"{SCHEMA}.{table}", "student_id = any((select app_student_ids())::uuid[])")


def _report_cards() -> None:
    op.create_table(
        "report_cards",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("class_id", sa.Uuid, nullable=False),
        sa.Column("semester_id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("supersedes_id", sa.Uuid, nullable=True),
        sa.Column("status", sa.String, server_default=sa.text("'DRAFT'"), nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("heading", sa.LargeBinary, nullable=False),
        sa.Column("generated_by", sa.Uuid, nullable=False),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid, nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file", sa.String, nullable=True),
        sa.Column("homeroom_comment", sa.String, nullable=True),
        sa.Column("decision", sa.String, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('DRAFT', 'GENERATED', 'PUBLISHED', 'REVOKED')", name=op.f("ck_report_cards_status")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_report_cards_revision")),
        sa.CheckConstraint("status = 'DRAFT' or file is not null", name=op.f("ck_report_cards_file")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supersedes_id"],
            ["operations.report_cards.tenant_id", "operations.report_cards.id"],
            name="fk_report_cards_tenant_id_supersedes_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_report_cards"),
        sa.UniqueConstraint(
            *("tenant_id", "student_id", "semester_id", "revision"),
            name="uq_report_cards_tenant_id_student_id_semester_id_revision",
        ),
        sa.UniqueConstraint("tenant_id", "code", name="uq_report_cards_tenant_id_code"),
        sa.UniqueConstraint("tenant_id", "supersedes_id", name="uq_report_cards_tenant_id_supersedes_id"),
        sa.UniqueConstraint("tenant_id", "id", "student_id", name="uq_report_cards_tenant_id_id_student_id"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_report_cards_tenant_id_class_id_semester_id",
        "report_cards",
        ["tenant_id", "class_id", "semester_id"],
        schema=SCHEMA,
    )


def _report_card_details() -> None:
    op.create_table(
        "report_card_details",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("report_card_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("subject_name", sa.String, nullable=False),
        sa.Column("final_score_hundredths", sa.BigInteger, nullable=False),
        sa.Column("grade_letter", sa.String, nullable=False),
        sa.Column("predicate", sa.String, nullable=False),
        sa.Column("kkm", sa.Integer, nullable=False),
        sa.Column("description", sa.String, nullable=True),
        sa.Column("notes", sa.String, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "report_card_id", "student_id"],
            [f"operations.report_cards.{name}" for name in ("tenant_id", "id", "student_id")],
            name="fk_report_card_details_tenant_id_report_card_id_student_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_report_card_details"),
        sa.UniqueConstraint(
            *("tenant_id", "report_card_id", "position"),
            name="uq_report_card_details_tenant_id_report_card_id_position",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_report_card_details_tenant_id_student_id",
        "report_card_details",
        ["tenant_id", "student_id"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    for table in ("report_card_details", "report_cards"):
        op.drop_table(table, schema=SCHEMA)
