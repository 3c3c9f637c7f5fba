"""The first slice: the roster, what is billed, invoices, payments, and their numbers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from libs.db import enable_own_rls, enable_tenant_rls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "finance"
TYPES = "('SPP', 'CONTRIBUTION', 'REGISTRATION', 'EXAM', 'UNIFORM', 'OTHER')"
OWN = "student_id = any((select app_student_ids())::uuid[])"
TABLES = (
    "students",
    "classes",
    "enrollments",
    "number_series",
    "billing_configurations",
    "invoices",
    "payments",
    "payment_allocations",
)


def upgrade() -> None:
    _roster()
    _number_series()
    _billing_configurations()
    _invoices()
    _payments()
    _payment_allocations()
    for table in TABLES:
        enable_tenant_rls(f"{SCHEMA}.{table}")
    enable_own_rls(f"{SCHEMA}.students", "id = any((select app_student_ids())::uuid[])")
    for table in ("enrollments", "invoices", "payments", "payment_allocations"):
        enable_own_rls(f"{SCHEMA}.{table}", OWN)
    _check_allocations()
    # Schools that are known already get their timed work with the next change of theirs, too; this is sooner.
    op.execute(
        "insert into finance.timed_jobs (tenant_id, name, next_run_at)"
        " select tenant_id, 'mark_overdue', now() from finance.tenants on conflict do nothing"
    )


def _tenant_columns() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
    )


def _timestamps() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def _roster() -> None:
    columns: dict[str, list[sa.Column[Any]]] = {
        "students": [sa.Column("status", sa.String, nullable=False)],
        "classes": [sa.Column("level", sa.Integer, nullable=False)],
        "enrollments": [
            sa.Column("student_id", sa.Uuid, nullable=False),
            sa.Column("class_id", sa.Uuid, nullable=False),
            sa.Column("valid_from", sa.Date, nullable=False),
            sa.Column("valid_to", sa.Date, nullable=True),
        ],
    }
    for table, own in columns.items():
        op.create_table(
            table,
            *_tenant_columns(),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            *own,
            *_timestamps(),
            sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
            schema=SCHEMA,
        )
    op.create_index(
        "ix_enrollments_tenant_id_student_id_valid_from",
        "enrollments",
        ["tenant_id", "student_id", "valid_from"],
        schema=SCHEMA,
    )


def _number_series() -> None:
    op.create_table(
        "number_series",
        *_tenant_columns(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        *_timestamps(),
        sa.CheckConstraint("last >= 0", name=op.f("ck_number_series_last")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_number_series"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_number_series_tenant_id_name"),
        schema=SCHEMA,
    )


def _billing_configurations() -> None:
    table = "billing_configurations"
    op.create_table(
        table,
        *_tenant_columns(),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("frequency", sa.String, nullable=False),
        sa.Column("class_level", sa.Integer, nullable=True),
        sa.Column("due_day", sa.Integer, nullable=False),
        sa.Column("late_fee", sa.BigInteger, nullable=True),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, nullable=True),
        sa.Column("is_active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        *_timestamps(),
        sa.CheckConstraint(f"type in {TYPES}", name=op.f(f"ck_{table}_type")),
        sa.CheckConstraint("frequency in ('MONTHLY', 'YEARLY', 'ONCE')", name=op.f(f"ck_{table}_frequency")),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{table}_amount")),
        sa.CheckConstraint("late_fee > 0", name=op.f(f"ck_{table}_late_fee")),
        sa.CheckConstraint("class_level between 1 and 13", name=op.f(f"ck_{table}_class_level")),
        sa.CheckConstraint("due_day between 1 and 31", name=op.f(f"ck_{table}_due_day")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f(f"ck_{table}_dates")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        schema=SCHEMA,
    )
    for column in ("name", "frequency"):
        op.create_index(f"ix_{table}_tenant_id_{column}_id", table, ["tenant_id", column, "id"], schema=SCHEMA)


def _payer_checks(table: str) -> tuple[sa.CheckConstraint, sa.CheckConstraint]:
    same = "student_id is not distinct from case when payer = 'STUDENT' then payer_id end"
    return (
        sa.CheckConstraint("payer in ('STUDENT', 'APPLICANT')", name=op.f(f"ck_{table}_payer")),
        sa.CheckConstraint(same, name=op.f(f"ck_{table}_student_id")),
    )


def _invoices() -> None:
    op.create_table(
        "invoices",
        *_tenant_columns(),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("payer", sa.String, nullable=False),
        sa.Column("payer_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=True),
        sa.Column("billing_config_id", sa.Uuid, nullable=True),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("discount", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("paid", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("due_date", sa.Date, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'UNPAID'"), nullable=False),
        sa.Column("notes", sa.String, nullable=True),
        *_timestamps(),
        *_payer_checks("invoices"),
        sa.CheckConstraint(f"type in {TYPES}", name=op.f("ck_invoices_type")),
        sa.CheckConstraint(
            "status in ('UNPAID', 'PARTIALLY_PAID', 'PAID', 'OVERDUE', 'CANCELLED', 'REFUNDED', 'WRITTEN_OFF')",
            name=op.f("ck_invoices_status"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoices_amount")),
        sa.CheckConstraint("discount between 0 and amount", name=op.f("ck_invoices_discount")),
        sa.CheckConstraint("paid between 0 and amount - discount", name=op.f("ck_invoices_paid")),
        sa.CheckConstraint("status <> 'PAID' or paid = amount - discount", name=op.f("ck_invoices_settled")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "billing_config_id"],
            ["finance.billing_configurations.tenant_id", "finance.billing_configurations.id"],
            name="fk_invoices_tenant_id_billing_config_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_invoices"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_invoices_tenant_id_number"),
        sa.UniqueConstraint(
            "tenant_id",
            "payer_id",
            "billing_config_id",
            "period",
            name="uq_invoices_payer_id_billing_config_id_period",
            postgresql_nulls_not_distinct=True,
        ),
        schema=SCHEMA,
    )
    _invoice_indexes()


def _invoice_indexes() -> None:
    indexes = {
        "tenant_id_number_id": ["tenant_id", "number", "id"],
        "tenant_id_due_date_id": ["tenant_id", "due_date", "id"],
        "status": ["tenant_id", "status", "due_date", "id"],
        "tenant_id_period_id": ["tenant_id", "period", "id"],
        "payer": ["tenant_id", "payer", "due_date", "id"],
        "student": ["tenant_id", "student_id", "due_date", "id"],
    }
    for name, columns in indexes.items():
        op.create_index(f"ix_invoices_{name}", "invoices", columns, schema=SCHEMA)
    op.create_index(
        "ix_invoices_balance",
        "invoices",
        ["tenant_id", "student_id", "status"],
        schema=SCHEMA,
        postgresql_include=["amount", "discount", "paid"],
    )


def _payments() -> None:
    op.create_table(
        "payments",
        *_tenant_columns(),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("payer", sa.String, nullable=False),
        sa.Column("payer_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("paid_on", sa.Date, nullable=False),
        sa.Column("reference_number", sa.String, nullable=True),
        sa.Column("received_by", sa.Uuid, nullable=True),
        sa.Column("provider", sa.String, nullable=True),
        sa.Column("notes", sa.String, nullable=True),
        sa.Column("receipt_file", sa.Uuid, nullable=True),
        *_timestamps(),
        *_payer_checks("payments"),
        sa.CheckConstraint(
            "method in ('CASH', 'BANK_TRANSFER', 'CREDIT_CARD', 'VIRTUAL_ACCOUNT', 'QRIS', 'EWALLET')",
            name=op.f("ck_payments_method"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payments"),
        sa.UniqueConstraint("tenant_id", "number", name="uq_payments_tenant_id_number"),
        schema=SCHEMA,
    )
    indexes = {
        "tenant_id_number_id": ["tenant_id", "number", "id"],
        "tenant_id_paid_on_id": ["tenant_id", "paid_on", "id"],
        "student": ["tenant_id", "student_id", "paid_on", "id"],
    }
    for name, columns in indexes.items():
        op.create_index(f"ix_payments_{name}", "payments", columns, schema=SCHEMA)


def _payment_allocations() -> None:
    table = "payment_allocations"
    op.create_table(
        table,
        *_tenant_columns(),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("student_id", sa.Uuid, nullable=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        *_timestamps(),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{table}_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["finance.payments.tenant_id", "finance.payments.id"],
            name=f"fk_{table}_tenant_id_payment_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["finance.invoices.tenant_id", "finance.invoices.id"],
            name=f"fk_{table}_tenant_id_invoice_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        sa.UniqueConstraint(
            "tenant_id", "payment_id", "invoice_id", name=f"uq_{table}_tenant_id_payment_id_invoice_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        f"ix_{table}_tenant_id_invoice_id_payment_id", table, ["tenant_id", "invoice_id", "payment_id"], schema=SCHEMA
    )


def _check_allocations() -> None:
    """The parts of a payment add up to it, at COMMIT. A payment is written in one transaction of one school."""
    op.execute(
        """
        create function finance.check_allocations() returns trigger language plpgsql set search_path = finance as $$
        declare
          payment uuid := case tg_table_name when 'payments' then new.id else (to_jsonb(new) ->> 'payment_id')::uuid end;
        begin
          if (select coalesce(sum(a.amount), 0) from payment_allocations a
              where a.tenant_id = new.tenant_id and a.payment_id = payment)
             <> (select p.amount from payments p where p.tenant_id = new.tenant_id and p.id = payment) then
            raise check_violation using
              message = 'the allocations of a payment do not add up to it', constraint = 'ck_payments_allocated';
          end if;
          return null;
        end $$
        """
    )
    for table in ("payments", "payment_allocations"):
        op.execute(
            f"create constraint trigger allocated after insert or update on finance.{table}"
            " deferrable initially deferred for each row execute function finance.check_allocations()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
    op.execute("drop function finance.check_allocations")
    op.execute("delete from finance.timed_jobs where name = 'mark_overdue'")
