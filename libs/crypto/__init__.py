"""Protected fields: keys per person, field encryption, blind index, sealed data in events."""

from libs.crypto.aead import Undecipherable
from libs.crypto.fields import BlindIndex, DataKey, normal_email, normal_phone
from libs.crypto.keys import KeyRing
from libs.crypto.links import SignedLinks
from libs.crypto.sealed import seal, unseal
from libs.crypto.vault import Vault, create_data_keys, data_keys

__all__ = [
    "BlindIndex",
    "DataKey",
    "KeyRing",
    "SignedLinks",
    "Undecipherable",
    "Vault",
    "create_data_keys",
    "data_keys",
    "normal_email",
    "normal_phone",
    "seal",
    "unseal",
]
