"""The contracts for readers outside Python: a JSON Schema per event and one AsyncAPI document."""

from pathlib import Path
from typing import Any

import orjson

from libs.events.contracts import CONTRACTS, Event, PersonalPart
from libs.events.envelope import event_type, stream_subject
from libs.events.sealing import shape_of

_SEALED_VALUES = {
    "type": "object",
    "description": "Values about one person, AES-256-GCM in base64, with their wrapped key. Names are in clear.",
    "required": ["key", "values"],
    "properties": {
        "key": {
            "type": "object",
            "required": ["id", "wrapped"],
            "properties": {"id": {"type": "string", "format": "uuid"}, "wrapped": {"type": "string"}},
        },
        "values": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def write_event_schemas(folder: Path) -> None:
    """Writes `<Event>.v<version>.json` for every contract and `asyncapi.json`; removes schemas of contracts gone.

    The same contracts give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{contract.__name__}.v{contract.version}.json": _envelope_schema(contract) for contract in CONTRACTS}
    files["asyncapi.json"] = _asyncapi()
    for stale in {path.name for path in folder.glob("*.json")} - files.keys():
        (folder / stale).unlink()
    for name, content in files.items():
        (folder / name).write_bytes(
            orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        )


def _envelope_schema(contract: type[Event]) -> dict[str, Any]:
    properties = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "UUIDv7; also the Nats-Msg-Id."},
        "source": {"const": f"/subgraphs/{contract.domain}"},
        "type": {"const": event_type(contract)},
        "subject": {"type": "string", "format": "uuid", "description": f"The id of the {contract.aggregate}."},
        "time": {"type": "string", "format": "date-time"},
        "tenantid": {"type": "string", "format": "uuid"},
        "sequence": {"type": "string", "pattern": "^[0-9]{20}$", "description": "Rises with each event of a subject."},
        "datacontenttype": {"const": "application/json"},
        "traceparent": {"type": "string"},
        "data": _data_schema(contract),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": contract.__name__,
        "description": contract.__doc__,
        "type": "object",
        "required": [name for name in properties if name != "traceparent"],
        "properties": properties,
    }


def _data_schema(contract: type[Event]) -> dict[str, Any]:
    schema = shape_of(contract).adapter.json_schema(
        mode="serialization", ref_template="#/properties/data/$defs/{model}"
    )
    _seal(contract, schema)
    for kind in shape_of(contract).nested.values():
        _seal(kind, schema["$defs"][kind.__name__])
    return schema


def _seal(contract: type[PersonalPart], schema: dict[str, Any]) -> None:
    for name in ("personal", "secret"):
        schema["properties"].pop(name)
        if contract.person is not None:
            schema["properties"][name] = _SEALED_VALUES
    sealed = {"personal", "secret"}
    schema["required"] = [name for name in schema["properties"] if name not in sealed]


def _asyncapi() -> dict[str, Any]:
    channels, operations, messages = {}, {}, {}
    for contract in CONTRACTS:
        name = contract.__name__
        channels[name] = {
            "address": stream_subject(contract, "{tenant}"),
            "parameters": {"tenant": {"description": "Id of the tenant."}},
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        }
        operations[f"{contract.domain}.{name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        }
        messages[name] = {
            "name": event_type(contract),
            "title": name,
            "summary": contract.__doc__,
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": f"./{name}.v{contract.version}.json"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wiyata events",
            "version": "1",
            "description": "What the subgraphs tell each other, in the JetStream stream EVENTS.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }
