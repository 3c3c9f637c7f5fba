"""Grading: categories, assessments and grades."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "operations"


def upgrade() -> None:
    _grade_categories()
    _assessments()
    _grades()
    for table in ("grade_categories", "assessments", "grades"):
        enable_tenant_rls(f"{SCHEMA}.{table}")
    enable_own_rls(f"{SCHEMA}.grades", "student_id = any((select app_student_ids())::uuid[])")


def _grade_categories() -> None:
    op.create_table(
        "grade_categories",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_subject_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("assessment_count", sa.Integer, server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("weight between 1 and 100", name=op.f("ck_grade_categories_weight")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_grade_categories"),
        sa.UniqueConstraint(
            "tenant_id", "class_subject_id", "name", name="uq_grade_categories_tenant_id_class_subject_id_name"
        ),
        sa.UniqueConstraint(
            "tenant_id", "id", "class_subject_id", name="uq_grade_categories_tenant_id_id_class_subject_id"
        ),
        schema=SCHEMA,
    )


def _assessments() -> None:
    op.create_table(
        "assessments",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_subject_id", sa.Uuid, nullable=False),
        sa.Column("category_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=True),
        sa.Column("max_score", sa.Integer, server_default="100", nullable=False),
        sa.Column("assessment_date", sa.Date, nullable=False),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("max_score between 1 and 1000", name=op.f("ck_assessments_max_score")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "category_id", "class_subject_id"],
            [
                "operations.grade_categories.tenant_id",
                "operations.grade_categories.id",
                "operations.grade_categories.class_subject_id",
            ],
            name="fk_assessments_tenant_id_category_id_class_subject_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_assessments"),
        sa.UniqueConstraint(
            "tenant_id", "id", "category_id", "max_score", name="uq_assessments_tenant_id_id_category_id_max_score"
        ),
        schema=SCHEMA,
    )
    for columns in (["class_subject_id", "id"], ["category_id"], ["assessment_date", "id"]):
        named = ["tenant_id", *columns]
        op.create_index(f"ix_assessments_{'_'.join(named)}", "assessments", named, schema=SCHEMA)


def _grades() -> None:
    op.create_table(
        "grades",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("assessment_id", sa.Uuid, nullable=False),
        sa.Column("category_id", sa.Uuid, nullable=False),
        sa.Column("max_score", sa.Integer, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("score_hundredths", sa.BigInteger, nullable=True),
        sa.Column("notes", sa.String, nullable=True),
        sa.Column("status", sa.String, server_default=sa.text("'DRAFT'"), nullable=False),
        sa.Column("graded_by", sa.Uuid, nullable=False),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid, nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("score_hundredths between 0 and 100000", name=op.f("ck_grades_score_hundredths")),
        sa.CheckConstraint("status in ('DRAFT', 'SUBMITTED', 'APPROVED')", name=op.f("ck_grades_status")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assessment_id", "category_id", "max_score"],
            [f"operations.assessments.{name}" for name in ("tenant_id", "id", "category_id", "max_score")],
            name="fk_grades_tenant_id_assessment_id_category_id_max_score",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_grades"),
        sa.UniqueConstraint(
            "tenant_id", "assessment_id", "student_id", name="uq_grades_tenant_id_assessment_id_student_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_grades_student",
        "grades",
        ["tenant_id", "student_id", "category_id"],
        postgresql_include=["max_score", "score_hundredths"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    for table in ("grades", "assessments", "grade_categories"):
        op.drop_table(table, schema=SCHEMA)
