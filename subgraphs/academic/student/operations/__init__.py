"""What can be done with pupils."""

from subgraphs.academic.student.operations.import_students import run_import
from subgraphs.academic.student.operations.request_import import IMPORT_STUDENTS, carry_out_import, request_import
from subgraphs.academic.student.operations.tell_students import tell_students

__all__ = ["IMPORT_STUDENTS", "carry_out_import", "request_import", "run_import", "tell_students"]
