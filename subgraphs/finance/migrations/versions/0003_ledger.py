"""The books: accounts, entries and their lines, which can be added to and never changed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from libs.db import enable_tenant_rls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "finance"
TABLES = ("ledger_accounts", "ledger_entries", "ledger_lines")


def upgrade() -> None:
    _accounts()
    _entries()
    _lines()
    for table in TABLES:
        enable_tenant_rls(f"{SCHEMA}.{table}", grants="select, insert")
    _check_balance()


def _row(*columns: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text("app_tenant()"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        *columns,
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"finance.{target}.tenant_id", f"finance.{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
    )


def _accounts() -> None:
    op.create_table(
        "ledger_accounts",
        *_row(sa.Column("code", sa.String, nullable=False), sa.Column("name", sa.String, nullable=False)),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_ledger_accounts"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_ledger_accounts_tenant_id_code"),
        schema=SCHEMA,
    )


def _entries() -> None:
    table = "ledger_entries"
    op.create_table(
        table,
        *_row(
            sa.Column("day", sa.Date, nullable=False),
            sa.Column("invoice_id", sa.Uuid, nullable=True),
            sa.Column("payment_id", sa.Uuid, nullable=True),
        ),
        sa.CheckConstraint("num_nonnulls(invoice_id, payment_id) = 1", name=op.f(f"ck_{table}_cause")),
        _key(table, "invoice_id", "invoices"),
        _key(table, "payment_id", "payments"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        sa.UniqueConstraint("tenant_id", "invoice_id", name=f"uq_{table}_tenant_id_invoice_id"),
        sa.UniqueConstraint("tenant_id", "payment_id", name=f"uq_{table}_tenant_id_payment_id"),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{table}_tenant_id_day_id", table, ["tenant_id", "day", "id"], schema=SCHEMA)


def _lines() -> None:
    table = "ledger_lines"
    op.create_table(
        table,
        *_row(
            sa.Column("entry_id", sa.Uuid, nullable=False),
            sa.Column("account_id", sa.Uuid, nullable=False),
            sa.Column("debit", sa.BigInteger, nullable=False),
            sa.Column("credit", sa.BigInteger, nullable=False),
        ),
        sa.CheckConstraint("debit >= 0 and credit >= 0 and (debit = 0) <> (credit = 0)", name=op.f(f"ck_{table}_side")),
        _key(table, "entry_id", "ledger_entries"),
        _key(table, "account_id", "ledger_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{table}_tenant_id_entry_id", table, ["tenant_id", "entry_id"], schema=SCHEMA)
    op.create_index(
        f"ix_{table}_tenant_id_account_id_entry_id", table, ["tenant_id", "account_id", "entry_id"], schema=SCHEMA
    )


def _check_balance() -> None:
    op.execute(
        """
        create function finance.check_balance() returns trigger language plpgsql set search_path = finance as $$
        declare
          entry uuid := case tg_table_name when 'ledger_entries' then new.id else (to_jsonb(new) ->> 'entry_id')::uuid end;
          debits numeric;
          credits numeric;
        begin
          select coalesce(sum(l.debit), 0), coalesce(sum(l.credit), 0) into debits, credits
          from ledger_lines l where l.tenant_id = new.tenant_id and l.entry_id = entry;
          if debits <> credits or debits = 0 then
            raise check_violation using
              message = 'the lines of a ledger entry do not balance', constraint = 'ck_ledger_entries_balanced';
          end if;
          return null;
        end $$
        """
    )
    for table, name in (("ledger_entries", "balanced_entry"), ("ledger_lines", "balanced_line")):
        op.execute(
            f"create constraint trigger {name} after insert or update on finance.{table}"
            " deferrable initially deferred for each row execute function finance.check_balance()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)
    op.execute("drop function finance.check_balance")
