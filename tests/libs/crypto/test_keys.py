"""The key ring: the newest version wraps, every version it holds unwraps, nothing else opens."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.crypto import KeyRing, Undecipherable
from libs.settings import Settings, SettingsError

OLD, NEW = os.urandom(32), os.urandom(32)
keys = st.binary(min_size=32, max_size=32)


def settings(**versions: bytes) -> Settings:
    return Settings(key_encryption_keys={name.strip("v"): base64.b64encode(key) for name, key in versions.items()})


@given(key=keys, context=st.binary())
def test_what_is_wrapped_unwraps(key, context):
    ring = KeyRing({1: OLD})
    assert ring.unwrap(ring.wrap(key, context), context) == key


def test_the_highest_version_wraps_and_shows_in_the_header():
    ring = KeyRing.from_settings(settings(v9=OLD, v10=NEW))
    wrapped = ring.wrap(b"k" * 32, b"here")
    assert wrapped[:3] == b"\x01\x00\x0a"
    assert len(wrapped) == 3 + 12 + 32 + 16
    assert KeyRing({10: NEW}).unwrap(wrapped, b"here") == b"k" * 32


def test_wrapping_twice_gives_two_texts():
    ring = KeyRing({1: OLD})
    assert ring.wrap(b"k" * 32, b"here") != ring.wrap(b"k" * 32, b"here")


@given(key=keys, context=st.binary())
def test_old_versions_stay_readable(key, context):
    wrapped = KeyRing({1: OLD}).wrap(key, context)
    assert KeyRing({1: OLD, 2: NEW}).unwrap(wrapped, context) == key


def test_a_retired_version_opens_nothing():
    wrapped = KeyRing({1: OLD}).wrap(b"k" * 32, b"here")
    with pytest.raises(Undecipherable):
        KeyRing({2: NEW}).unwrap(wrapped, b"here")


def test_another_key_of_the_same_version_opens_nothing():
    wrapped = KeyRing({1: OLD}).wrap(b"k" * 32, b"here")
    with pytest.raises(Undecipherable):
        KeyRing({1: NEW}).unwrap(wrapped, b"here")


@given(key=keys, bit=st.integers(0, 8 * (3 + 12 + 32 + 16) - 1))
def test_any_flipped_bit_is_noticed(key, bit):
    ring = KeyRing({1: OLD, 2: NEW, 3: OLD})
    altered = bytearray(ring.wrap(key, b"here"))
    altered[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Undecipherable):
        ring.unwrap(bytes(altered), b"here")


@given(context=st.binary(), other=st.binary())
def test_another_context_opens_nothing(context, other):
    ring = KeyRing({1: OLD})
    wrapped = ring.wrap(b"k" * 32, context)
    if context == other:
        assert ring.unwrap(wrapped, other) == b"k" * 32
    else:
        with pytest.raises(Undecipherable):
            ring.unwrap(wrapped, other)


@given(noise=st.binary(max_size=100))
def test_noise_opens_nothing(noise):
    with pytest.raises(Undecipherable):
        KeyRing({1: OLD, 258: NEW}).unwrap(noise, b"here")


@pytest.mark.parametrize("version", ["0", "01", "-1", "1.5", "65536", "one", "", "٣"])
def test_a_version_is_a_number_that_fits_the_header(version):
    with pytest.raises(SettingsError, match="WIYATA_KEY_ENCRYPTION_KEYS"):
        KeyRing.from_settings(settings(v1=OLD).model_copy(update={"key_encryption_keys": {version: OLD}}))


def test_an_empty_ring_is_refused():
    with pytest.raises(SettingsError, match="WIYATA_KEY_ENCRYPTION_KEYS"):
        KeyRing.from_settings(Settings())
