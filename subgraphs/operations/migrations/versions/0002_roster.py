"""The roster: what academic tells of the school, its years, classes, people, subjects and timetable."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "operations"
MINE = "any((select app_student_ids())::uuid[])"


def _column(name: str, kind: Any, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, server_default=sa.text(default) if default else None)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    text, number, day, identity = sa.String, sa.Integer, sa.Date, sa.Uuid
    return {
        "schools": [
            _column("name", text),
            _column("npsn", text, null=True),
            _column("level", text),
            _column("address", text, null=True),
            _column("principal_name", text, null=True),
        ],
        "academic_years": [_column("name", text)],
        "semesters": [
            _column("academic_year_id", identity),
            _column("name", text),
            _column("number", number),
            _column("start_date", day),
            _column("end_date", day),
            _column("activated_at", sa.DateTime(timezone=True), null=True),
            _column("is_active", sa.Boolean, default="false"),
        ],
        "holidays": [_column("date", day), _column("name", text), _column("affects_attendance", sa.Boolean)],
        "teachers": [_column("user_id", identity, null=True), _column("name", sa.LargeBinary)],
        "classes": [
            _column("academic_year_id", identity),
            _column("name", text),
            _column("level", number),
            _column("major", text, null=True),
            _column("homeroom_teacher_id", identity, null=True),
            _column("homeroom_user_id", identity, null=True),
        ],
        "students": [
            _column("user_id", identity, null=True),
            _column("nis", text),
            _column("nisn", text, null=True),
            _column("name", sa.LargeBinary),
            _column("status", text),
        ],
        "enrollments": [
            _column("student_id", identity),
            _column("class_id", identity),
            _column("valid_from", day),
            _column("valid_to", day, null=True),
        ],
        "subjects": [_column("code", text), _column("name", text), _column("kkm", number)],
        "class_subjects": [
            _column("class_id", identity),
            _column("subject_id", identity),
            _column("semester_id", identity),
        ],
        "teaching": [
            _column("class_subject_id", identity),
            _column("teacher_id", identity),
            _column("user_id", identity, null=True),
            _column("valid_from", day),
            _column("valid_to", day, null=True),
        ],
        "schedules": [
            _column("class_subject_id", identity),
            _column("class_id", identity),
            _column("day_of_week", number),
            _column("start_time", sa.Time),
            _column("end_time", sa.Time),
            _column("is_active", sa.Boolean),
        ],
    }


INDEXES: dict[str, list[tuple[str, ...]]] = {
    "holidays": [("date",)],
    "classes": [("homeroom_user_id",)],
    "students": [("nis",)],
    "enrollments": [("student_id", "valid_from"), ("class_id", "valid_from", "student_id")],
    "class_subjects": [("class_id", "semester_id")],
    "teaching": [("user_id", "class_subject_id")],
    "schedules": [("class_id", "day_of_week")],
}


def upgrade() -> None:
    for table, columns in _tables().items():
        op.create_table(
            table,
            sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
            sa.Column("id", sa.Uuid, nullable=False),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            *columns,
            sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
            sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
            sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
            schema=SCHEMA,
        )
        for indexed in INDEXES.get(table, []):
            names = ["tenant_id", *indexed]
            op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema=SCHEMA)
        enable_tenant_rls(f"{SCHEMA}.{table}")
    op.create_unique_constraint(
        "uq_teaching_tenant_id_class_subject_id_valid_from",
        "teaching",
        ["tenant_id", "class_subject_id", "valid_from"],
        schema=SCHEMA,
    )
    enable_own_rls(f"{SCHEMA}.students", f"id = {MINE}")
    enable_own_rls(f"{SCHEMA}.enrollments", f"student_id = {MINE}")


def downgrade() -> None:
    for table in reversed(_tables()):
        op.drop_table(table, schema=SCHEMA)
