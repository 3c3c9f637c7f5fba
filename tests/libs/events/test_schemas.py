"""The generated schemas describe what is really sent."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from jsonschema_rs import Draft202012Validator

from libs.crypto import KeyRing
from libs.events.contracts import CONTRACTS
from libs.events.contracts.academic import StudentCreated
from libs.events.envelope import EventMeta, event_type, pack, unpack
from libs.events.schemas import write_event_schemas
from libs.events.sealing import seal_event
from libs.kernel import new_id
from libs.settings import SUBGRAPHS
from tests.libs.events.test_outbox import TENANT, student


def test_every_contract_has_a_schema_and_the_same_contracts_the_same_bytes(tmp_path: Path) -> None:
    write_event_schemas(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "Gone.v1.json").write_text("{}")
    write_event_schemas(tmp_path / "two")
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert set(first) == {*(f"{contract.__name__}.v1.json" for contract in CONTRACTS), "asyncapi.json"}
    document = orjson.loads(first["asyncapi.json"])
    assert document["channels"]["TenantCreated"]["address"] == "events.{tenant}.identity.tenant.TenantCreated"


def test_an_envelope_fits_its_schema_and_an_unsealed_one_does_not(tmp_path: Path) -> None:
    write_event_schemas(tmp_path)
    schema = orjson.loads((tmp_path / "StudentCreated.v1.json").read_bytes())
    event = student()
    meta = EventMeta(id=new_id(), sequence=7, time=datetime(2026, 7, 1, tzinfo=UTC), tenant_id=TENANT)
    body = pack(
        meta=meta,
        subgraph="academic",
        type=event_type(StudentCreated),
        subject_id=event.aggregate_id,
        traceparent=None,
        data=seal_event(KeyRing({1: bytes(32)}), TENANT, event),
    )
    assert unpack(body).meta == meta
    sent = orjson.loads(body)
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(sent)) == []
    sent["data"]["personal"] = {"name": "in clear"}
    assert {tuple(error.instance_path) for error in validator.iter_errors(sent)} == {("data", "personal")}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_contract_names_its_aggregate_and_says_what_it_means(contract: type) -> None:
    assert contract.__doc__
    assert contract.aggregate_key in contract.__dataclass_fields__  # type: ignore[attr-defined]
    # a field of the same name would shadow these, silently
    assert isinstance(contract.aggregate_id, property)  # type: ignore[attr-defined]
    assert isinstance(contract.person_id, property)  # type: ignore[attr-defined]
    assert contract.domain in set(SUBGRAPHS)  # type: ignore[attr-defined]
