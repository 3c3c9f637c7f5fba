"""Invoices: issued month by month, for applications, told again, and overdue."""

from subgraphs.finance.invoice.operations.bill_application import bill_application
from subgraphs.finance.invoice.operations.generate_monthly_invoices import Generated, generate_monthly_invoices
from subgraphs.finance.invoice.operations.mark_overdue import MARK_OVERDUE, mark_overdue
from subgraphs.finance.invoice.operations.tell_invoices import tell_invoices

__all__ = [
    "MARK_OVERDUE",
    "Generated",
    "bill_application",
    "generate_monthly_invoices",
    "mark_overdue",
    "tell_invoices",
]
