"""What can be done with pupils."""

from subgraphs.academic.student.operations.import_students import run_import

__all__ = ["run_import"]
