"""The first slice: classes, subjects, enrollments and timetable."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "academic"


def upgrade() -> None:
    _classes()
    _subjects()
    _class_subjects()
    _teaching()
    _enrollments()
    _rooms()
    _schedules()
    for table in ("classes", "subjects", "class_subjects", "teaching", "enrollments", "rooms", "schedules"):
        enable_tenant_rls(f"{SCHEMA}.{table}")
    enable_own_rls(f"{SCHEMA}.enrollments", "student_id = any((select app_student_ids())::uuid[])")


def _classes() -> None:
    op.create_table(
        "classes",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("major", sa.String, nullable=True),
        sa.Column("kind", sa.String, server_default=sa.text("'REGULAR'"), nullable=False),
        sa.Column("homeroom_teacher_id", sa.Uuid, nullable=True),
        sa.Column("max_students", sa.Integer, nullable=False),
        sa.Column("enrolled_count", sa.Integer, server_default="0", nullable=False),
        sa.Column("room_number", sa.String, nullable=True),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('REGULAR', 'ELECTIVE', 'EXTRACURRICULAR')", name=op.f("ck_classes_kind")),
        sa.CheckConstraint("enrolled_count between 0 and max_students", name=op.f("ck_classes_enrolled_count")),
        sa.CheckConstraint("level between 1 and 13", name=op.f("ck_classes_level")),
        sa.CheckConstraint("max_students > 0", name=op.f("ck_classes_max_students")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "academic_year_id"],
            ["academic.academic_years.tenant_id", "academic.academic_years.id"],
            name="fk_classes_tenant_id_academic_year_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "homeroom_teacher_id"],
            ["academic.teachers.tenant_id", "academic.teachers.id"],
            name="fk_classes_tenant_id_homeroom_teacher_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_classes"),
        sa.UniqueConstraint("tenant_id", "academic_year_id", "name", name="uq_classes_tenant_id_academic_year_id_name"),
        sa.UniqueConstraint(
            "tenant_id", "id", "kind", "academic_year_id", name="uq_classes_tenant_id_id_kind_academic_year_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_classes_tenant_id_academic_year_id_name_id",
        "classes",
        ["tenant_id", "academic_year_id", "name", "id"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_classes_tenant_id_homeroom_teacher_id", "classes", ["tenant_id", "homeroom_teacher_id"], schema=SCHEMA
    )
    op.create_index("ix_classes_tenant_id_level_id", "classes", ["tenant_id", "level", "id"], schema=SCHEMA)
    op.create_index("ix_classes_tenant_id_name_id", "classes", ["tenant_id", "name", "id"], schema=SCHEMA)


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=True),
        sa.Column("category", sa.String, nullable=False),
        sa.Column("credit_hours", sa.Integer, nullable=True),
        sa.Column("kkm", sa.Integer, nullable=False),
        sa.Column("religion", sa.String, nullable=True),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("category in ('WAJIB', 'PEMINATAN', 'MULOK')", name=op.f("ck_subjects_category")),
        sa.CheckConstraint("credit_hours between 0 and 60", name=op.f("ck_subjects_credit_hours")),
        sa.CheckConstraint("kkm between 0 and 100", name=op.f("ck_subjects_kkm")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_subjects"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_subjects_tenant_id_code"),
        schema=SCHEMA,
    )
    op.create_index("ix_subjects_tenant_id_code_id", "subjects", ["tenant_id", "code", "id"], schema=SCHEMA)
    op.create_index("ix_subjects_tenant_id_name_id", "subjects", ["tenant_id", "name", "id"], schema=SCHEMA)


def _class_subjects() -> None:
    op.create_table(
        "class_subjects",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_id", sa.Uuid, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("semester_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "academic_year_id"],
            ["academic.academic_years.tenant_id", "academic.academic_years.id"],
            name="fk_class_subjects_tenant_id_academic_year_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "class_id"],
            ["academic.classes.tenant_id", "academic.classes.id"],
            name="fk_class_subjects_tenant_id_class_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "semester_id"],
            ["academic.semesters.tenant_id", "academic.semesters.id"],
            name="fk_class_subjects_tenant_id_semester_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subject_id"],
            ["academic.subjects.tenant_id", "academic.subjects.id"],
            name="fk_class_subjects_tenant_id_subject_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_class_subjects"),
        sa.UniqueConstraint(
            "tenant_id",
            "class_id",
            "subject_id",
            "semester_id",
            name="uq_class_subjects_tenant_id_class_id_subject_id_semester_id",
        ),
        sa.UniqueConstraint(
            "tenant_id", "id", "class_id", "semester_id", name="uq_class_subjects_tenant_id_id_class_id_semester_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_class_subjects_tenant_id_semester_id", "class_subjects", ["tenant_id", "semester_id"], schema=SCHEMA
    )
    op.create_index(
        "ix_class_subjects_tenant_id_subject_id", "class_subjects", ["tenant_id", "subject_id"], schema=SCHEMA
    )


def _teaching() -> None:
    op.create_table(
        "teaching",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_subject_id", sa.Uuid, nullable=False),
        sa.Column("teacher_id", sa.Uuid, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("class_subject_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_teaching_dates",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_teaching_dates")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "class_subject_id"],
            ["academic.class_subjects.tenant_id", "academic.class_subjects.id"],
            name="fk_teaching_tenant_id_class_subject_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "teacher_id"],
            ["academic.teachers.tenant_id", "academic.teachers.id"],
            name="fk_teaching_tenant_id_teacher_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_teaching"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_teaching_tenant_id_teacher_id_valid_from",
        "teaching",
        ["tenant_id", "teacher_id", "valid_from"],
        schema=SCHEMA,
    )


def _enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.String, server_default=sa.text("'REGULAR'"), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'ACTIVE'"), nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("student_id"), "="),
            (sa.column("class_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_enrollments_class",
        ),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("student_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("kind = 'REGULAR'"),
            using="gist",
            name="ex_enrollments_regular",
        ),
        sa.CheckConstraint("kind in ('REGULAR', 'ELECTIVE', 'EXTRACURRICULAR')", name=op.f("ck_enrollments_kind")),
        sa.CheckConstraint(
            "status in ('ACTIVE', 'TRANSFERRED', 'GRADUATED', 'WITHDRAWN')", name=op.f("ck_enrollments_status")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_enrollments_dates")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "class_id", "kind", "academic_year_id"],
            [
                "academic.classes.tenant_id",
                "academic.classes.id",
                "academic.classes.kind",
                "academic.classes.academic_year_id",
            ],
            name="fk_enrollments_tenant_id_class_id_kind_academic_year_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["academic.students.tenant_id", "academic.students.id"],
            name="fk_enrollments_tenant_id_student_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_enrollments"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_enrollments_class", "enrollments", ["tenant_id", "class_id", "valid_from", "student_id"], schema=SCHEMA
    )
    op.create_index(
        "ix_enrollments_tenant_id_student_id_valid_from_id",
        "enrollments",
        ["tenant_id", "student_id", "valid_from", "id"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_enrollments_tenant_id_valid_from_id", "enrollments", ["tenant_id", "valid_from", "id"], schema=SCHEMA
    )


def _rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=True),
        sa.Column("capacity", sa.Integer, nullable=True),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_rooms_capacity")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_rooms"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_rooms_tenant_id_name"),
        schema=SCHEMA,
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("class_subject_id", sa.Uuid, nullable=False),
        sa.Column("class_id", sa.Uuid, nullable=False),
        sa.Column("semester_id", sa.Uuid, nullable=False),
        sa.Column("academic_year_id", sa.Uuid, nullable=False),
        sa.Column("teacher_id", sa.Uuid, nullable=True),
        sa.Column("room_id", sa.Uuid, nullable=True),
        sa.Column("day_of_week", sa.Integer, nullable=False),
        sa.Column("start_time", sa.Time, nullable=False),
        sa.Column("end_time", sa.Time, nullable=False),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("semester_id"), "="),
            (sa.column("class_id"), "="),
            (sa.column("day_of_week"), "="),
            (sa.text("int4range(extract(epoch from start_time)::int, extract(epoch from end_time)::int)"), "&&"),
            where=sa.text("is_active"),
            using="gist",
            name="ex_schedules_class",
        ),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("semester_id"), "="),
            (sa.column("room_id"), "="),
            (sa.column("day_of_week"), "="),
            (sa.text("int4range(extract(epoch from start_time)::int, extract(epoch from end_time)::int)"), "&&"),
            where=sa.text("is_active"),
            using="gist",
            name="ex_schedules_room",
        ),
        postgresql.ExcludeConstraint(
            (sa.column("tenant_id"), "="),
            (sa.column("semester_id"), "="),
            (sa.column("teacher_id"), "="),
            (sa.column("day_of_week"), "="),
            (sa.text("int4range(extract(epoch from start_time)::int, extract(epoch from end_time)::int)"), "&&"),
            where=sa.text("is_active"),
            using="gist",
            name="ex_schedules_teacher",
        ),
        sa.CheckConstraint("day_of_week between 1 and 7", name=op.f("ck_schedules_day_of_week")),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_schedules_times")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "academic_year_id"],
            ["academic.academic_years.tenant_id", "academic.academic_years.id"],
            name="fk_schedules_tenant_id_academic_year_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "class_subject_id", "class_id", "semester_id"],
            [
                "academic.class_subjects.tenant_id",
                "academic.class_subjects.id",
                "academic.class_subjects.class_id",
                "academic.class_subjects.semester_id",
            ],
            name="fk_schedules_tenant_id_class_subject_id_class_id_semester_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "room_id"],
            ["academic.rooms.tenant_id", "academic.rooms.id"],
            name="fk_schedules_tenant_id_room_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "teacher_id"],
            ["academic.teachers.tenant_id", "academic.teachers.id"],
            name="fk_schedules_tenant_id_teacher_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_schedules"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_schedules_class",
        "schedules",
        ["tenant_id", "semester_id", "class_id", "day_of_week", "start_time"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_schedules_teacher",
        "schedules",
        ["tenant_id", "semester_id", "teacher_id", "day_of_week", "start_time"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_schedules_tenant_id_class_subject_id", "schedules", ["tenant_id", "class_subject_id"], schema=SCHEMA
    )
