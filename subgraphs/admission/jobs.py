"""Timed work of admission."""

from datetime import timedelta

from libs.jobs import Schedule, Schedules
from subgraphs.admission.period.operations import CLOSE_PERIODS, close_periods

# Each hour: whatever a school's time zone, a period that ended yesterday is closed soon after midnight.
SCHEDULES: Schedules = {CLOSE_PERIODS: Schedule(every=timedelta(hours=1), operation=close_periods)}
