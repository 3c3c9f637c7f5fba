"""Personal data that travels in an event: encrypted, with its key wrapped beside it."""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libs.crypto import aead
from libs.crypto.aead import Undecipherable
from libs.crypto.fields import DataKey
from libs.crypto.keys import KeyRing
from libs.kernel import new_id


def seal(key_ring: KeyRing, *, tenant_id: UUID, subject_id: UUID, values: Mapping[str, str]) -> dict[str, Any]:
    """The values, encrypted with a fresh key that travels with them, wrapped by the key-encryption key.

    The answer is JSON: `{"key": {"id", "wrapped"}, "values": {name: ciphertext}}`, bytes in base64. Names are not
    secret. `subject_id` is whom the values are about; unsealing needs the same tenant and subject.
    """
    key_id, raw = new_id(), aead.new_key()
    key = DataKey(key_id, raw)
    wrapped = key_ring.wrap(raw, aead.context(tenant_id, "event key", subject_id, key_id))
    return {
        "key": {"id": str(key_id), "wrapped": _text(wrapped)},
        "values": {
            name: _text(key.wrap(value.encode(), aead.context(tenant_id, "event value", subject_id, name)))
            for name, value in values.items()
        },
    }


def unseal(key_ring: KeyRing, sealed: Mapping[str, Any], *, tenant_id: UUID, subject_id: UUID) -> dict[str, str]:
    """The values that were sealed.

    Raises Undecipherable for altered or malformed content, another tenant or subject, or a retired key version.
    """
    try:
        key_id, wrapped = UUID(sealed["key"]["id"]), _bytes(sealed["key"]["wrapped"])
        ciphertexts = {str(name): _bytes(value) for name, value in sealed["values"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Undecipherable from error
    key = DataKey(key_id, key_ring.unwrap(wrapped, aead.context(tenant_id, "event key", subject_id, key_id)))
    return {
        name: key.unwrap(ciphertext, aead.context(tenant_id, "event value", subject_id, name)).decode()
        for name, ciphertext in ciphertexts.items()
    }


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
