"""Rules of holidays."""

from libs.kernel import FieldFault, InvalidInput


def already_declared() -> InvalidInput:
    """What a second holiday of the same name on the same day is told."""
    texts = {"id": "Hari libur ini sudah ditetapkan.", "en": "This holiday has been declared already."}
    return InvalidInput([FieldFault("input.name", "TAKEN", texts)])
