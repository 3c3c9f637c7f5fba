"""What happens to applications."""

from subgraphs.admission.application.operations.note_payment import note_payment
from subgraphs.admission.application.operations.submit_application import Submitted, submit_application
from subgraphs.admission.application.operations.tell_applications import tell_applications
from subgraphs.admission.application.operations.verify_application import verify_application

__all__ = ["Submitted", "note_payment", "submit_application", "tell_applications", "verify_application"]
