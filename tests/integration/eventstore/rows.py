"""Rows as the ingest area sends them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from tests.eventstore_fixtures import StoredProject

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def instant(moment: datetime) -> str:
    """The text form of an instant in a row."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(project: StoredProject, *, time: datetime = NOON, **values: object) -> dict[str, object]:
    """A full event row."""
    return {
        "tenant_id": project.tenant_id,
        "project_id": project.project_id,
        "kind": "event",
        "source": "web",
        "name": "page_view",
        "time": instant(time),
        "received_at": instant(time),
        "id": str(uuid.uuid4()),
        "verdict": "accepted",
        "properties": "{}",
        **values,
    }


def lines(*rows: dict[str, object]) -> bytes:
    """NDJSON with a line end after each row."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def token() -> str:
    """A token no other batch has."""
    return uuid.uuid4().hex
