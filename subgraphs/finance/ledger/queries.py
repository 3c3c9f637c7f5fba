"""Posting to the books: one statement for all invoices of a run, one for a payment."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text

from libs.db import TenantTransaction
from subgraphs.finance.ledger.rules import NAMES, account_of_method

_OPEN_ACCOUNTS: Final = text(
    """
    insert into finance.ledger_accounts (id, code, name)
    select uuidv7(), account.code, account.name
    from unnest(cast(:codes as text[]), cast(:names as text[])) as account (code, name)
    where not exists (select from finance.ledger_accounts known where known.tenant_id = :tenant_id)
    on conflict (tenant_id, code) do nothing
    """
)
_POST_INVOICES: Final = text(
    """
    with entry as (
      insert into finance.ledger_entries (id, day, invoice_id)
      select uuidv7(), :day, invoice_id from unnest(cast(:invoices as uuid[])) as invoice_id
      returning id, invoice_id
    )
    insert into finance.ledger_lines (id, entry_id, account_id, debit, credit)
    select uuidv7(), entry.id, account.id, side.debit, side.credit
    from entry
    join finance.invoices invoice on invoice.tenant_id = :tenant_id and invoice.id = entry.invoice_id
    cross join lateral (values ('RECEIVABLE', invoice.amount, 0), ('REVENUE_' || invoice.type, 0, invoice.amount))
      as side (code, debit, credit)
    join finance.ledger_accounts account on account.tenant_id = :tenant_id and account.code = side.code
    """
)
_POST_PAYMENT: Final = text(
    """
    with entry as (
      insert into finance.ledger_entries (id, day, payment_id) values (uuidv7(), :day, :payment_id) returning id
    )
    insert into finance.ledger_lines (id, entry_id, account_id, debit, credit)
    select uuidv7(), entry.id, account.id, side.debit, side.credit
    from entry
    cross join (values (cast(:place as text), cast(:amount as bigint), cast(0 as bigint)), ('RECEIVABLE', 0, :amount))
      as side (code, debit, credit)
    join finance.ledger_accounts account on account.tenant_id = :tenant_id and account.code = side.code
    """
)
# Now, not at COMMIT: a consumer's transaction may have turned to another school by then, and see nothing to compare.
_CHECK: Final = text("set constraints finance.balanced_entry, finance.balanced_line immediate")
_DEFER: Final = text("set constraints finance.balanced_entry, finance.balanced_line deferred")


async def post_invoices(tx: TenantTransaction, invoices: Sequence[UUID], *, day: date) -> None:
    """Books invoices just issued: the payers owe what the school has earned."""
    await _open_accounts(tx)
    values = {"tenant_id": tx.tenant_id, "day": day, "invoices": list(invoices)}
    await tx.execute(_POST_INVOICES, values)
    await tx.execute(_CHECK)
    await tx.execute(_DEFER)


async def post_payment(tx: TenantTransaction, payment_id: UUID, *, amount: int, method: str, day: date) -> None:
    """Books a payment just recorded: rupiah that were owed lie in the till or in the bank."""
    await _open_accounts(tx)
    place = account_of_method(method).value
    values = {"tenant_id": tx.tenant_id, "day": day, "payment_id": payment_id, "place": place, "amount": amount}
    await tx.execute(_POST_PAYMENT, values)


async def _open_accounts(tx: TenantTransaction) -> None:
    """Gives a school its accounts with the first posting."""
    accounts = {"codes": [code.value for code in NAMES], "names": list(NAMES.values())}
    await tx.execute(_OPEN_ACCOUNTS, {"tenant_id": tx.tenant_id, **accounts})
