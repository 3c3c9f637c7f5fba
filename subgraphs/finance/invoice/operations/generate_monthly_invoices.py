"""The invoices of a month, for all pupils of a school at once."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from libs.db import TenantTransaction
from subgraphs.finance.invoice.operations.tell_invoices import invoice_created
from subgraphs.finance.invoice.rules import Month
from subgraphs.finance.ledger.queries import post_invoices
from subgraphs.finance.series.queries import take_numbers
from subgraphs.finance.series.rules import DIGITS, Document, series_of

# A pupil counts once a month, with the level of the class entered last in it. Numbers go by pupil, so that a run is
# told in one order. `wanted` is told also where nothing is written.
_ISSUE = text(
    f"""
    with pupil as (
      select distinct on (enrollment.student_id) enrollment.student_id, class.level
      from finance.enrollments enrollment
      join finance.students student
        on student.tenant_id = :tenant_id and student.id = enrollment.student_id and student.status = 'ACTIVE'
      left join finance.classes class on class.tenant_id = :tenant_id and class.id = enrollment.class_id
      where enrollment.tenant_id = :tenant_id and enrollment.valid_from <= :last
        and (enrollment.valid_to is null or enrollment.valid_to > :first)
      order by enrollment.student_id, enrollment.valid_from desc, enrollment.id desc
    ), wanted as (
      select pupil.student_id, config.id as billing_config_id, config.type, config.amount,
        cast(:first as date) + least(config.due_day, :days) - 1 as due_date
      from finance.billing_configurations config
      join pupil on config.class_level is null or config.class_level = pupil.level
      where config.tenant_id = :tenant_id and config.frequency = 'MONTHLY' and config.is_active
        and config.valid_from <= :last and (config.valid_to is null or config.valid_to > :first)
    ), missing as (
      select wanted.*, :taken + row_number() over (order by student_id, billing_config_id) as running
      from wanted
      where not exists (
        select from finance.invoices invoice
        where invoice.tenant_id = :tenant_id and invoice.payer_id = wanted.student_id
          and invoice.billing_config_id = wanted.billing_config_id and invoice.period = :period)
    ), issued as (
      insert into finance.invoices
        (id, number, payer, payer_id, student_id, billing_config_id, type, period, amount, due_date)
      select uuidv7(), :series || '/' || lpad(running::text, greatest({DIGITS}, length(running::text)), '0'),
        'STUDENT', student_id, student_id, billing_config_id, type, :period, amount, due_date
      from missing order by running
      returning id, number, payer, payer_id, type, period, amount, due_date
    )
    select wanted, issued.* from (select count(*) as wanted from wanted) as counted left join issued on true
    order by issued.number
    """  # noqa: S608 - a constant of ours
)


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run did: invoices it issued, and those that had been issued before."""

    created: int
    existing: int


async def generate_monthly_invoices(tx: TenantTransaction, *, month: Month, today: date) -> Generated:
    """Issues what is billed monthly to every pupil who sits in a class in that month; again, it issues what is missing.

    One statement for the whole school, under the lock of the number series: of two at once the second sees what the
    first has issued. The number bears the month that is billed.
    """
    series = series_of(Document.INVOICE, month.first)
    values: dict[str, Any] = {
        "tenant_id": tx.tenant_id,
        "first": month.first,
        "last": month.last,
        "days": month.last.day,
        "period": month.period,
        "series": series,
        "taken": await take_numbers(tx, series, 0),
    }
    rows = (await tx.execute(_ISSUE, values)).all()
    issued = [row for row in rows if row.id is not None]
    if issued:
        await take_numbers(tx, series, len(issued))
        await post_invoices(tx, [row.id for row in issued], day=today)
    for row in issued:
        tx.emit(invoice_created(row))
    return Generated(created=len(issued), existing=rows[0].wanted - len(issued))
