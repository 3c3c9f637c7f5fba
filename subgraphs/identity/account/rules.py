"""What nobody does to themselves, and what an edit of an account may not leave out."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from libs.kernel import DomainError, FieldFault

_TEXTS: Final = {
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must be given."},
    "NOTHING": {"id": "Tidak ada yang diubah.", "en": "Nothing was given to change."},
}


class OwnAccount(DomainError):
    """Nobody takes themselves out: somebody else has to."""

    code = "OWN_ACCOUNT"
    texts: ClassVar = {
        "id": "Anda tidak dapat melakukan ini pada akun Anda sendiri.",
        "en": "You cannot do this to your own account.",
    }


def edit_faults(changes: Mapping[str, Any]) -> Iterator[FieldFault]:
    """What is wrong with an edit: everybody keeps a name, an address and a language."""
    if not changes:
        yield FieldFault("input", "REQUIRED", _TEXTS["NOTHING"])
    for name in ("name", "email", "language"):
        if changes.get(name, "") is None:
            yield FieldFault(f"input.{name}", "REQUIRED", _TEXTS["REQUIRED"])
