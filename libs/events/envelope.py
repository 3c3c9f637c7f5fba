"""The envelope: CloudEvents 1.0 in JSON, as it lies in the stream and in dead letters; its data stays sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from libs.events.contracts import Event

_SOURCE = "/subgraphs/"


@dataclass(frozen=True, slots=True)
class EventMeta:
    """What a consumer is told beside the event.

    `sequence` rises with every event of one aggregate (and of its whole subgraph); it is what `upsert_if_newer` takes.
    """

    id: UUID
    sequence: int
    time: datetime
    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message. `data` is still sealed; `type` is that of `event_type`."""

    meta: EventMeta
    source: str
    type: str
    subject_id: UUID
    traceparent: str | None
    data: dict[str, Any]
    body: bytes

    @property
    def subgraph(self) -> str:
        """The subgraph that emitted the event."""
        return self.source.removeprefix(_SOURCE)


def event_type(contract: type[Event]) -> str:
    """The CloudEvents type of a contract: `id.wiyata.academic.StudentCreated.v1`."""
    return f"id.wiyata.{contract.domain}.{contract.__name__}.v{contract.version}"


def stream_subject(contract: type[Event], tenant: UUID | str = "*") -> str:
    """The subject of a contract's messages: `events.<tenant>.<domain>.<aggregate>.<event>`; by default any tenant's."""
    return f"events.{tenant}.{contract.domain}.{contract.aggregate}.{contract.__name__}"


def pack(
    *, meta: EventMeta, subgraph: str, type: str, subject_id: UUID, traceparent: str | None, data: bytes | str
) -> bytes:
    """The JSON of an envelope. `data` is JSON already and goes in as it is."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": meta.id,
        "source": _SOURCE + subgraph,
        "type": type,
        "subject": subject_id,
        "time": meta.time,
        "tenantid": meta.tenant_id,
        # a string of fixed length: the extension compares it as text, and CloudEvents' own integer has 32 bits
        "sequence": f"{meta.sequence:020d}",
        "datacontenttype": "application/json",
    }
    if traceparent is not None:
        body["traceparent"] = traceparent
    body["data"] = orjson.Fragment(data)
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def unpack(body: bytes) -> Envelope:
    """Reads an envelope.

    Raises ValueError or KeyError when it is none.
    """
    fields = orjson.loads(body)
    return Envelope(
        meta=EventMeta(
            id=UUID(fields["id"]),
            sequence=int(fields["sequence"]),
            time=datetime.fromisoformat(fields["time"]),
            tenant_id=UUID(fields["tenantid"]),
        ),
        source=fields["source"],
        type=fields["type"],
        subject_id=UUID(fields["subject"]),
        traceparent=fields.get("traceparent"),
        data=fields["data"],
        body=body,
    )
