"""The long work of operations."""

from libs.jobs import JobOperations
from subgraphs.operations.attendance.operations import IMPORT_ATTENDANCE, carry_out_import

JOBS: JobOperations = {IMPORT_ATTENDANCE: carry_out_import}
"""Kind of job -> operation."""
