"""Timed work of finance."""

from datetime import timedelta

from libs.jobs import Schedule, Schedules
from subgraphs.finance.invoice.operations import MARK_OVERDUE, mark_overdue

# Each hour: whatever a school's time zone, what was to be paid yesterday is overdue soon after midnight.
SCHEDULES: Schedules = {MARK_OVERDUE: Schedule(every=timedelta(hours=1), operation=mark_overdue)}
