"""Protected fields: readable in their place alone; found by what they normally are."""

import base64
import hashlib
import hmac
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.crypto import BlindIndex, DataKey, Undecipherable, normal_email, normal_phone
from libs.kernel import new_id
from libs.settings import Settings, SettingsError

KEY = DataKey(new_id(), os.urandom(32))
PLACE = {"table": "users", "column": "email", "row_id": new_id(), "tenant_id": new_id()}
INDEX_KEY = os.urandom(32)
INDEX = BlindIndex(Settings(blind_index_key=base64.b64encode(INDEX_KEY).decode()))
TENANT = new_id()
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(value=texts)
def test_what_is_encrypted_decrypts(value):
    assert KEY.decrypt(KEY.encrypt(value, **PLACE), **PLACE) == value


def test_the_format_is_version_key_nonce_ciphertext_tag():
    sealed = KEY.encrypt("sari@gp.test", **PLACE)
    assert sealed[0] == 1
    assert UUID(bytes=sealed[1:17]) == KEY.id
    assert len(sealed) == 1 + 16 + 12 + len("sari@gp.test") + 16


def test_equal_values_show_no_equality():
    sealed = {KEY.encrypt("sari@gp.test", **PLACE) for _ in range(100)}
    assert len({text[17:29] for text in sealed}) == len(sealed) == 100


@given(value=texts, data=st.data())
def test_any_flipped_bit_is_noticed(value, data):
    altered = bytearray(KEY.encrypt(value, **PLACE))
    bit = data.draw(st.integers(0, 8 * len(altered) - 1))
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Undecipherable):
        KEY.decrypt(bytes(altered), **PLACE)


@given(value=texts, data=st.data())
def test_a_shortened_text_opens_nothing(value, data):
    sealed = KEY.encrypt(value, **PLACE)
    with pytest.raises(Undecipherable):
        KEY.decrypt(sealed[: data.draw(st.integers(0, len(sealed) - 1))], **PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"table": "students"},
        {"column": "phone"},
        {"row_id": new_id()},
        {"tenant_id": new_id()},
        {"row_id": PLACE["tenant_id"], "tenant_id": PLACE["row_id"]},
        {"table": "usersem", "column": "ail"},
        {"table": "user", "column": "semail"},
    ],
)
def test_moved_to_another_place_it_opens_nothing(elsewhere):
    sealed = KEY.encrypt("sari@gp.test", **PLACE)
    with pytest.raises(Undecipherable):
        KEY.decrypt(sealed, **{**PLACE, **elsewhere})


def test_another_persons_key_opens_nothing():
    raw = os.urandom(32)
    sealed = DataKey(KEY.id, raw).encrypt("sari@gp.test", **PLACE)
    for key in (KEY, DataKey(new_id(), raw)):
        with pytest.raises(Undecipherable):
            key.decrypt(sealed, **PLACE)


def test_a_key_does_not_show_itself():
    raw = b"secret-secret-secret-secret-secr"
    assert "secret" not in repr(DataKey(new_id(), raw))


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Sari@GP.test", "sari@gp.test"),
        ("  sari@gp.test\n", "sari@gp.test"),
        ("ｓａｒｉ@gp.test", "sari@gp.test"),  # noqa: RUF001 - full-width letters are the case
        ("STRASSE@gp.test", "strasse@gp.test"),
        ("straße@gp.test", "strasse@gp.test"),
        ("\ufb01t@gp.test", "fit@gp.test"),
    ],
)
def test_emails_that_are_one_address(written, normal):
    assert normal_email(written) == normal
    assert INDEX.of(TENANT, "email", written) == INDEX.of(TENANT, "email", normal)


@given(value=texts)
def test_normal_emails_stay_as_they_are(value):
    assert normal_email(normal_email(value)) == normal_email(value)


@pytest.mark.parametrize(
    "written",
    [
        "081234567890",
        "+6281234567890",
        "6281234567890",
        "0812-3456-7890",
        "+62 812 3456 7890",
        "(0812) 3456.7890",
        "\u00a00812\u20113456\u20117890 ",
        "０８１２３４５６７８９０",  # noqa: RUF001 - full-width digits are the case
    ],
)
def test_phones_that_are_one_number(written):
    assert normal_phone(written) == "+6281234567890"
    assert INDEX.of(TENANT, "phone", written) == INDEX.of(TENANT, "phone", "+6281234567890")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "8",
        "0812",
        "+0812345678",
        "+62812345678901234",
        "call me",
        "٠٨١٢٣٤٥٦٧٨٩",
        "+",
        "1234567890",
        "+62812\n34567x",
    ],
)
def test_what_is_no_phone(written):
    with pytest.raises(ValueError, match="not a telephone number"):
        normal_phone(written)
    with pytest.raises(ValueError, match="not a telephone number"):
        INDEX.of(TENANT, "phone", written)


def test_a_number_from_abroad_keeps_its_country():
    assert normal_phone("+1 (202) 555-0143") == "+12025550143"


def test_the_index_is_hmac_sha256_of_tenant_field_and_value():
    message = b"".join(len(part).to_bytes(2, "big") + part for part in (TENANT.bytes, b"email", b"sari@gp.test"))
    assert INDEX.of(TENANT, "email", "Sari@gp.test") == hmac.digest(INDEX_KEY, message, hashlib.sha256)


def test_the_index_tells_nothing_across_tenants_fields_and_keys():
    other = BlindIndex(Settings(blind_index_key=base64.b64encode(os.urandom(32)).decode()))
    found = {
        INDEX.of(TENANT, "email", "+6281234567890"),
        INDEX.of(TENANT, "phone", "+6281234567890"),
        INDEX.of(new_id(), "email", "+6281234567890"),
        other.of(TENANT, "email", "+6281234567890"),
    }
    assert len(found) == 4


def test_an_index_needs_its_key():
    with pytest.raises(SettingsError, match="WIYATA_BLIND_INDEX_KEY"):
        BlindIndex(Settings())
