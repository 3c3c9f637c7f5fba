"""Passwords, second factors and one-time tokens: what they must be."""

import hashlib
import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from libs.kernel import DomainError, FieldFault

SECRET_BYTES: Final = 32
_TENANT_BYTES: Final = 16
_TOKEN_LENGTH: Final = 64  # base64 of the two

_LONGEST_PASSWORD: Final = 256
_SHORTEST_SIMILAR: Final = 4  # characters of a name or address that a password may not repeat


class TokenPurpose(StrEnum):
    """What a token that travels by mail is good for."""

    INVITATION = "INVITATION"
    REGISTRATION = "REGISTRATION"
    VERIFICATION = "VERIFICATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - the name of a purpose
    UNLOCK = "UNLOCK"


TOKEN_LIVES: Final = {
    TokenPurpose.INVITATION: timedelta(days=7),
    TokenPurpose.REGISTRATION: timedelta(hours=24),
    TokenPurpose.VERIFICATION: timedelta(hours=24),
    TokenPurpose.PASSWORD_RESET: timedelta(minutes=30),
    TokenPurpose.UNLOCK: timedelta(minutes=30),
}
"""How long each is good, once at most."""


class PasswordRule(StrEnum):
    """What a password can break."""

    LENGTH = "LENGTH"
    TOO_LONG = "TOO_LONG"
    UPPER = "UPPER"
    LOWER = "LOWER"
    DIGIT = "DIGIT"
    SPECIAL = "SPECIAL"
    COMMON = "COMMON"
    SIMILAR = "SIMILAR"
    REUSED = "REUSED"


class PolicyKind(StrEnum):
    """What makes a password good: its characters or its length."""

    CHARACTERS = "CHARACTERS"
    LENGTH = "LENGTH"


SHORTEST: Final = {PolicyKind.CHARACTERS: 8, PolicyKind.LENGTH: 15}
"""Characters a password has at least. Without rules of characters 15, as NIST SP 800-63B-4 (2025), 3.1.1.2, demands of
a password that is the only factor; rules of characters it forbids then."""
LONGEST_MINIMUM: Final = 64  # characters; more than that NIST wants nobody to be refused
MOST_HISTORY: Final = 10
"""Each former password costs a bcrypt when a new one is set."""

_FOLLOWED_BY_LENGTH: Final = frozenset(
    {PasswordRule.LENGTH, PasswordRule.TOO_LONG, PasswordRule.COMMON, PasswordRule.SIMILAR, PasswordRule.REUSED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """What a school demands of passwords, and of whom a second factor.

    `history` counts the passwords that may not come back, the one in use among them; `second_factor_roles` are names.
    """

    kind: PolicyKind = PolicyKind.CHARACTERS
    min_length: int = SHORTEST[PolicyKind.CHARACTERS]
    history: int = 5
    second_factor_roles: tuple[str, ...] = ()

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Self:
        """The policy of a school as its row has it; what the row does not say is the default."""
        kind = PolicyKind(values.get("kind", PolicyKind.CHARACTERS))
        return cls(
            kind=kind,
            min_length=values.get("min_length", SHORTEST[kind]),
            history=values.get("history", 5),
            second_factor_roles=tuple(values.get("second_factor_roles", ())),
        )

    @property
    def rules(self) -> list[PasswordRule]:
        """The rules that a password has to keep."""
        return [rule for rule in PasswordRule if self.kind is PolicyKind.CHARACTERS or rule in _FOLLOWED_BY_LENGTH]


DEFAULT_POLICY: Final = PasswordPolicy()


def policy_faults(policy: PasswordPolicy) -> Iterator[FieldFault]:
    """What is wrong with a policy, with its path in the input."""
    shortest = SHORTEST[policy.kind]
    if not shortest <= policy.min_length <= LONGEST_MINIMUM:
        texts = {
            "id": f"Harus antara {shortest} dan {LONGEST_MINIMUM}.",
            "en": f"Must lie between {shortest} and {LONGEST_MINIMUM}.",
        }
        yield FieldFault("input.minLength", "OUT_OF_RANGE", texts)
    if not 1 <= policy.history <= MOST_HISTORY:
        texts = {"id": f"Harus antara 1 dan {MOST_HISTORY}.", "en": f"Must lie between 1 and {MOST_HISTORY}."}
        yield FieldFault("input.history", "OUT_OF_RANGE", texts)


class Duty(StrEnum):
    """What somebody must do before any other mutation is theirs (`Actor.pending`)."""

    PASSWORD_CHANGE = "PASSWORD_CHANGE"  # noqa: S105 - the name of a duty
    SECOND_FACTOR = "SECOND_FACTOR"


class InvalidToken(DomainError):
    """A token that is unknown, used, expired or another school's: the four look alike."""

    code = "INVALID_TOKEN"
    texts: ClassVar = {
        "id": "Tautan atau token ini tidak berlaku (lagi).",
        "en": "This link or token is not valid (any more).",
    }


class WeakPassword(DomainError):
    """The password breaks rules. Data: `rules`, the names of those broken."""

    code = "WEAK_PASSWORD"
    texts: ClassVar = {"id": "Kata sandi terlalu lemah.", "en": "The password is too weak."}


def encode_token(tenant_id: UUID, secret: bytes) -> str:
    """The token of 32 random bytes: 64 characters that need no escaping in a link and say where they belong.

    A link in a mail names no school, and row-level security shows no row without one.
    """
    return urlsafe_b64encode(tenant_id.bytes + secret).decode()


def read_token(token: str) -> tuple[UUID, bytes]:
    """The tenant of a token and the token's hash, which is all that is stored. Raises InvalidToken for what is none."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        raise InvalidToken
    try:
        raw = urlsafe_b64decode(token)
    except (NotBase64, ValueError) as error:
        raise InvalidToken from error
    if len(raw) != _TENANT_BYTES + SECRET_BYTES or urlsafe_b64encode(raw).decode() != token:
        raise InvalidToken
    return UUID(bytes=raw[:_TENANT_BYTES]), token_hash(token)


def token_hash(token: str) -> bytes:
    """What is kept of a token: 32 random bytes need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def broken_rules(
    password: str,
    *,
    name: str,
    email: str,
    policy: PasswordPolicy = DEFAULT_POLICY,
    common: AbstractSet[str] = frozenset(),
) -> list[PasswordRule]:
    """The rules that a password breaks for this person, in the order of the enumeration.

    `common` are passwords in lower case that may not be used either.
    """
    broken = set(_broken_by_characters(password)) if policy.kind is PolicyKind.CHARACTERS else set()
    broken |= set(_broken_by_length(password, policy.min_length))
    if any(core in _COMMON or core in common for core in _cores(password)):
        broken.add(PasswordRule.COMMON)
    if _is_similar(password, name, email):
        broken.add(PasswordRule.SIMILAR)
    return [rule for rule in PasswordRule if rule in broken]


def check_password(
    password: str,
    *,
    name: str,
    email: str,
    policy: PasswordPolicy = DEFAULT_POLICY,
    common: AbstractSet[str] = frozenset(),
) -> None:
    """Raises WeakPassword when the password breaks any rule."""
    if broken := broken_rules(password, name=name, email=email, policy=policy, common=common):
        raise WeakPassword(rules=broken)


def _broken_by_length(password: str, shortest: int) -> Iterator[PasswordRule]:
    if len(password) < shortest:
        yield PasswordRule.LENGTH
    if len(password) > _LONGEST_PASSWORD:
        yield PasswordRule.TOO_LONG


def _broken_by_characters(password: str) -> Iterator[PasswordRule]:
    if not any(character.isupper() for character in password):
        yield PasswordRule.UPPER
    if not any(character.islower() for character in password):
        yield PasswordRule.LOWER
    if not any(character.isdigit() for character in password):
        yield PasswordRule.DIGIT
    if all(character.isalnum() or character.isspace() for character in password):
        yield PasswordRule.SPECIAL


_LOOKALIKES: Final = str.maketrans("013457@$!", "oieastasi")


def _plain(text: str) -> str:
    """Letters and digits alone, folded, with the usual stand-ins read as the letters they stand for."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LOOKALIKES)
    return "".join(character for character in folded if character.isalnum())


def _cores(password: str) -> set[str]:
    """The password, and what is left of it without the digits and signs people put around a word to satisfy a rule."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    return {folded, folded.strip("0123456789!@#$%^&*()-_=+.,?;:'\"/\\ ").translate(_LOOKALIKES)}


def _is_similar(password: str, name: str, email: str) -> bool:
    plain = _plain(password)
    if not plain:
        return False
    local = email.partition("@")[0]
    parts = {_plain(part) for whole in (name, local) for part in (whole, *re.findall(r"[^\W_]+", whole))}
    return any(len(part) >= _SHORTEST_SIMILAR and (part in plain or plain in part) for part in parts)


# The words people in Indonesia and elsewhere reach for first, without the digits around them; ours, and short: a
# password that is only one of these with "1!" behind it passes every rule of characters.
_COMMON_WORDS: Final = """
    password passw0rd passwd sandi katasandi rahasia kunci masuk login admin administrator root user guest test tes
    coba cobacoba demo welcome selamat selamatdatang selamatpagi hello halo apakabar terimakasih bismillah alhamdulillah
    insyaallah assalamualaikum allah allahuakbar yesus yesuskristus immanuel haleluya tuhan indonesia merdeka garuda
    pancasila nusantara jakarta bandung surabaya semarang yogyakarta jogja medan makassar denpasar bali jawa wonosobo
    sekolah sekolahku guru guruku murid siswa pelajar kelas kepala kepsek walikelas matematika fisika kimia biologi
    bahasa smansa wiyata rapor ujian nilai sayang sayangku sayangkamu cinta cintaku cintakamu akucintakamu akusayangkamu
    kamu kangen rindu bunda ayah mama papa ibu ibuku bapak anakku keluarga keluargaku kucing anjing bola sepakbola
    persib persija arema liverpool chelsea arsenal barcelona manchester juventus naruto doraemon pokemon superman batman
    spiderman dragon monkey princess sunshine shadow master football baseball iloveyou loveyou lovely love qwerty
    qwertyu qwertyuiop asdf asdfgh asdfghjkl zxcvbn zxcvbnm abc abcd abcde abcdef abcabc aaaa aaaaaa xxxxxx letmein
    trustno access secret changeme change default internet computer komputer laptop samsung android google facebook
    instagram whatsapp freedom whatever ninja mustang hunter killer jordan michael andi budi siti dewi agus rina putri
    rizki rizky bagus mantap ganteng cantik keren juara sukses semangat bahagia senang januari februari maret april mei
    juni juli agustus september oktober november desember january february march june july august october december senin
    selasa rabu kamis jumat sabtu minggu monday tuesday wednesday thursday friday saturday sunday
    123456 1234567 12345678 123456789 1234567890 0123456789 987654321 87654321 11111111 00000000 88888888 12341234
    12121212 11223344 123123123 147258369 1q2w3e4r 1qaz2wsx q1w2e3r4 zaq12wsx
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())
