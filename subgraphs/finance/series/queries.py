"""Numbers from a series. Its row is what writers of a school meet at: take it last, write, and commit."""

from sqlalchemy import text

from libs.db import TenantTransaction

_TAKE = text(
    """
    insert into finance.number_series as series (id, name, last) values (uuidv7(), :name, :count)
    on conflict (tenant_id, name) do update set last = series.last + excluded.last, updated_at = now()
    returning last
    """
)


async def take_numbers(tx: TenantTransaction, series: str, count: int = 1) -> int:
    """Takes the next `count` numbers of a series and answers the last of them, or the last ever taken with `count` 0.

    The series is this transaction's until it ends: a rollback gives the numbers back, and leaves no gap.
    """
    last: int = (await tx.execute(_TAKE, {"name": series, "count": count})).scalar_one()
    return last
