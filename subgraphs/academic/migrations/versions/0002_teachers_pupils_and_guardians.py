"""The first slice: teachers, pupils and guardians."""

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "academic"


def upgrade() -> None:
    _teachers()
    _students()
    _student_names()
    _guardians()
    _student_guardians()
    for table in ("teachers", "students", "student_names", "guardians", "student_guardians"):
        enable_tenant_rls(f"{SCHEMA}.{table}")
    enable_own_rls(f"{SCHEMA}.students", "id = any((select app_student_ids())::uuid[])")
    enable_own_rls(f"{SCHEMA}.student_names", "student_id = any((select app_student_ids())::uuid[])")
    # Those of the own pupils: the links are narrowed by their own policy.
    enable_own_rls(
        f"{SCHEMA}.guardians",
        "user_id = (select app_user_id()) or id in (select guardian_id from academic.student_guardians where tenant_id = (select app_tenant()))",
    )
    enable_own_rls(f"{SCHEMA}.student_guardians", "student_id = any((select app_student_ids())::uuid[])")


def _teachers() -> None:
    op.create_table(
        "teachers",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("nip", sa.String, nullable=True),
        sa.Column("nuptk", sa.String, nullable=True),
        sa.Column("full_name", sa.String, nullable=False),
        sa.Column("gender", sa.String, nullable=True),
        sa.Column("title", sa.String, nullable=True),
        sa.Column("email", sa.LargeBinary, nullable=True),
        sa.Column("email_blind", sa.LargeBinary, nullable=True),
        sa.Column("status", sa.String, server_default=sa.text("'ACTIVE'"), nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gender in ('MALE', 'FEMALE')", name=op.f("ck_teachers_gender")),
        sa.CheckConstraint("nip ~ '^[0-9]{18}$'", name=op.f("ck_teachers_nip")),
        sa.CheckConstraint("nuptk ~ '^[0-9]{16}$'", name=op.f("ck_teachers_nuptk")),
        sa.CheckConstraint("status in ('ACTIVE', 'INACTIVE')", name=op.f("ck_teachers_status")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_teachers"),
        sa.UniqueConstraint("tenant_id", "email_blind", name="uq_teachers_tenant_id_email_blind"),
        sa.UniqueConstraint("tenant_id", "nip", name="uq_teachers_tenant_id_nip"),
        sa.UniqueConstraint("tenant_id", "user_id", name="uq_teachers_tenant_id_user_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_teachers_tenant_id_full_name_id", "teachers", ["tenant_id", "full_name", "id"], schema=SCHEMA)
    op.create_index("ix_teachers_tenant_id_status_id", "teachers", ["tenant_id", "status", "id"], schema=SCHEMA)


def _students() -> None:
    op.create_table(
        "students",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("nis", sa.String, nullable=False),
        sa.Column("nisn", sa.String, nullable=True),
        sa.Column("nik", sa.LargeBinary, nullable=True),
        sa.Column("nik_blind", sa.LargeBinary, nullable=True),
        sa.Column("full_name", sa.String, nullable=False),
        sa.Column("nickname", sa.String, nullable=True),
        sa.Column("gender", sa.String, nullable=False),
        sa.Column("birth_place", sa.String, nullable=True),
        sa.Column("birth_date", sa.Date, nullable=True),
        sa.Column("religion", sa.String, nullable=True),
        sa.Column("address", sa.LargeBinary, nullable=True),
        sa.Column("phone", sa.LargeBinary, nullable=True),
        sa.Column("phone_blind", sa.LargeBinary, nullable=True),
        sa.Column("email", sa.LargeBinary, nullable=True),
        sa.Column("email_blind", sa.LargeBinary, nullable=True),
        sa.Column("entry_year", sa.Integer, nullable=True),
        sa.Column("status", sa.String, server_default=sa.text("'ACTIVE'"), nullable=False),
        sa.Column("photo_file", sa.Uuid, nullable=True),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gender in ('MALE', 'FEMALE')", name=op.f("ck_students_gender")),
        sa.CheckConstraint("nisn ~ '^[0-9]{10}$'", name=op.f("ck_students_nisn")),
        sa.CheckConstraint(
            "status in ('ACTIVE', 'TRANSFERRED', 'GRADUATED', 'WITHDRAWN')", name=op.f("ck_students_status")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_students"),
        sa.UniqueConstraint("tenant_id", "nis", name="uq_students_tenant_id_nis"),
        sa.UniqueConstraint("tenant_id", "nisn", name="uq_students_tenant_id_nisn"),
        sa.UniqueConstraint("tenant_id", "user_id", name="uq_students_tenant_id_user_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_students_tenant_id_full_name_id", "students", ["tenant_id", "full_name", "id"], schema=SCHEMA)
    op.create_index("ix_students_tenant_id_nis_id", "students", ["tenant_id", "nis", "id"], schema=SCHEMA)
    op.create_index("ix_students_tenant_id_status_id", "students", ["tenant_id", "status", "id"], schema=SCHEMA)


def _student_names() -> None:
    op.create_table(
        "student_names",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("token", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["academic.students.tenant_id", "academic.students.id"],
            name="fk_student_names_tenant_id_student_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_student_names"),
        sa.UniqueConstraint("tenant_id", "token", "student_id", name="uq_student_names_tenant_id_token_student_id"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_student_names_tenant_id_student_id", "student_names", ["tenant_id", "student_id"], schema=SCHEMA
    )


def _guardians() -> None:
    op.create_table(
        "guardians",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("phone", sa.LargeBinary, nullable=True),
        sa.Column("phone_blind", sa.LargeBinary, nullable=True),
        sa.Column("email", sa.LargeBinary, nullable=True),
        sa.Column("email_blind", sa.LargeBinary, nullable=True),
        sa.Column("occupation", sa.String, nullable=True),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_guardians"),
        schema=SCHEMA,
    )
    op.create_index("ix_guardians_tenant_id_email_blind", "guardians", ["tenant_id", "email_blind"], schema=SCHEMA)
    op.create_index("ix_guardians_tenant_id_phone_blind", "guardians", ["tenant_id", "phone_blind"], schema=SCHEMA)
    op.create_index("ix_guardians_tenant_id_user_id", "guardians", ["tenant_id", "user_id"], schema=SCHEMA)


def _student_guardians() -> None:
    op.create_table(
        "student_guardians",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("guardian_id", sa.Uuid, nullable=False),
        sa.Column("relation", sa.String, nullable=False),
        sa.Column("is_primary", sa.Boolean, server_default="false", nullable=False),
        sa.Column("lives_with", sa.Boolean, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("relation in ('FATHER', 'MOTHER', 'GUARDIAN')", name=op.f("ck_student_guardians_relation")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "guardian_id"],
            ["academic.guardians.tenant_id", "academic.guardians.id"],
            name="fk_student_guardians_tenant_id_guardian_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["academic.students.tenant_id", "academic.students.id"],
            name="fk_student_guardians_tenant_id_student_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_student_guardians"),
        sa.UniqueConstraint(
            "tenant_id", "student_id", "guardian_id", name="uq_student_guardians_tenant_id_student_id_guardian_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_student_guardians_tenant_id_guardian_id", "student_guardians", ["tenant_id", "guardian_id"], schema=SCHEMA
    )
    op.create_index(
        "uq_student_guardians_primary",
        "student_guardians",
        ["tenant_id", "student_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_primary"),
    )
