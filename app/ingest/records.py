"""Records of the surfaces beside product events (logs, security, audit, traces) on their way into the write-ahead log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.ingest.quarantine import QuarantineRow, quarantine_lines
from app.ingest.times import milliseconds_of, stored_time

_encoder = msgspec.json.Encoder()
_canonical = msgspec.json.Encoder(order="sorted")


class _StoredRecord(msgspec.Struct, gc=False):
    tenant_id: str
    project_id: str
    kind: str
    source: str
    name: str
    time: str
    received_at: str
    id: str
    actor_id: str
    session_id: str
    severity: str
    status: str
    value: float | None
    ip: str
    environment: str
    verdict: str
    verdict_reason: str
    body: str
    properties: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a project. `kind` is event, log, security or audit; times are aware; `properties` must be JSON values."""

    kind: str
    source: str
    name: str
    time: datetime
    received_at: datetime
    id: str
    properties: dict[str, object]
    actor_id: str = ""
    session_id: str = ""
    severity: str = ""
    status: str = ""
    value: float | None = None
    ip: str = ""
    environment: str = ""
    verdict: str = "accepted"
    verdict_reason: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that cannot be kept as what it claims to be; its raw text goes to quarantine with the reason. `message_id` is its
    place in what may come again."""

    kind: str
    received_at: datetime
    reason: str
    raw: str
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordLines:
    """The records of one request, encoded for the log. `surface` labels the counters: logs, security, audit, otlp ..."""

    surface: str
    rows: int
    lines: bytes
    refused_rows: int = 0
    refused_lines: bytes = b""

    @property
    def size(self) -> int:
        """Bytes it takes in the log."""
        return len(self.lines) + len(self.refused_lines)


def encode_records(
    surface: str, tenant_id: str, project_id: str, records: Sequence[Record], refused: Sequence[RefusedRecord] = ()
) -> RecordLines:
    """The records and refusals of one request as lines for the log. TypeError when properties are not JSON."""
    rows = [
        _StoredRecord(
            tenant_id, project_id, record.kind, record.source, record.name,
            stored_time(milliseconds_of(record.time)), stored_time(milliseconds_of(record.received_at)),
            record.id, record.actor_id, record.session_id, record.severity, record.status, record.value,
            record.ip, record.environment, record.verdict, record.verdict_reason, record.body,
            _canonical.encode(record.properties).decode(),
        )
        for record in records
    ]  # fmt: skip
    kept = [
        QuarantineRow(
            tenant_id, project_id, one.kind, stored_time(milliseconds_of(one.received_at)), one.reason, one.raw, one.message_id
        )
        for one in refused
    ]
    return RecordLines(surface, len(rows), _encoder.encode_lines(rows), len(kept), quarantine_lines(kept) if kept else b"")
