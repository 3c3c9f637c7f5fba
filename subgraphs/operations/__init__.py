"""operations: attendance, grades and report cards."""
