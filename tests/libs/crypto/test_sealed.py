"""Personal data in events: opens for the same tenant and subject, for nobody else, and shows nothing on the way."""

import base64
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.crypto import KeyRing, Undecipherable, seal, unseal
from libs.kernel import new_id

OLD, NEW = os.urandom(32), os.urandom(32)
RING = KeyRing({1: OLD})
TENANT, PERSON = new_id(), new_id()
KEY_ID = "01a205b7-17a4-71d5-a55b-c568055fd333"  # fixed: it names tests, which every worker must name alike
VALUES = {"name": "Sari Dewi", "email": "sari@gp.test"}
texts = st.text(st.characters(exclude_categories=["Cs"]))


def sealed() -> dict:
    return seal(RING, tenant_id=TENANT, subject_id=PERSON, values=VALUES)


def opened(content, ring=RING, tenant_id=TENANT, subject_id=PERSON):
    return unseal(ring, content, tenant_id=tenant_id, subject_id=subject_id)


@given(values=st.dictionaries(texts, texts, max_size=5))
def test_what_is_sealed_opens_after_a_journey_as_json(values):
    content = seal(RING, tenant_id=TENANT, subject_id=PERSON, values=values)
    assert opened(json.loads(json.dumps(content))) == values


def test_the_shape_on_the_wire_holds_no_plaintext():
    content = sealed()
    assert content.keys() == {"key", "values"}
    assert content["key"].keys() == {"id", "wrapped"}
    assert content["values"].keys() == {"name", "email"}
    everything = json.dumps(content).encode() + b"".join(map(base64.b64decode, content["values"].values()))
    assert b"Sari" not in everything
    assert b"gp.test" not in everything


def test_every_sealing_has_a_key_of_its_own():
    assert len({sealed()["key"]["id"] for _ in range(10)}) == 10


def test_old_key_versions_stay_readable_and_retired_ones_do_not():
    content = sealed()
    assert opened(content, ring=KeyRing({1: OLD, 2: NEW})) == VALUES
    with pytest.raises(Undecipherable):
        opened(content, ring=KeyRing({2: NEW}))


@pytest.mark.parametrize("whose", [{"tenant_id": new_id()}, {"subject_id": new_id()}])
def test_for_another_tenant_or_subject_it_stays_shut(whose):
    with pytest.raises(Undecipherable):
        opened(sealed(), **whose)


def test_values_under_each_others_names_stay_shut():
    content = sealed()
    name, email = content["values"]["name"], content["values"]["email"]
    content["values"] = {"name": email, "email": name}
    with pytest.raises(Undecipherable):
        opened(content)


def test_values_of_one_sealing_do_not_open_with_anothers_key():
    content = sealed()
    content["key"] = sealed()["key"]
    with pytest.raises(Undecipherable):
        opened(content)


@given(data=st.data())
def test_any_flipped_bit_is_noticed(data):
    content = sealed()
    holder, name = data.draw(
        st.sampled_from([(content["key"], "wrapped"), (content["values"], "name"), (content["values"], "email")])
    )
    altered = bytearray(base64.b64decode(holder[name]))
    bit = data.draw(st.integers(0, 8 * len(altered) - 1))
    altered[bit // 8] ^= 1 << bit % 8
    holder[name] = base64.b64encode(altered).decode()
    with pytest.raises(Undecipherable):
        opened(content)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"key": {}, "values": {}},
        {"key": None, "values": {}},
        {"key": {"id": "x", "wrapped": ""}, "values": {}},
        {"key": {"id": 7, "wrapped": ""}, "values": {}},
        {"key": {"id": KEY_ID, "wrapped": "not base64!"}, "values": {}},
        {"key": {"id": KEY_ID, "wrapped": ""}, "values": []},
        {"key": {"id": KEY_ID, "wrapped": ""}, "values": {"name": 7}},
        {"key": {"id": KEY_ID, "wrapped": ""}, "values": {"name": ""}},
    ],
    ids=str,
)
def test_malformed_content_stays_shut(content):
    with pytest.raises(Undecipherable):
        opened(content)
