"""A received record as a line of the live tail, and in full."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.eventstore.contracts import EventRow
from components.format import day_text, iso_utc

VERDICTS = {"": "All", "accepted": "Accepted", "flagged": "Flagged", "quarantined": "Quarantined"}
TONES = {"accepted": "ok", "flagged": "warn", "quarantined": "bad"}


@dataclass(frozen=True)
class LiveRow:
    """A record as a line."""

    id: str
    name: str
    source: str
    when: str
    iso: str
    verdict: str
    tone: str
    reason: str
    plan_revision: str
    day: str = ""
    """Set when it is not the viewer's today."""


NO_ROW = LiveRow("", "", "", "", "", "", "neutral", "", "")


def live_row(record: EventRow, zone: ZoneInfo, now: datetime | None = None) -> LiveRow:
    """The record as a line, its arrival in the viewer's zone; with the day when it is not that of `now`."""
    local = record.received_at.astimezone(zone)
    return LiveRow(
        id=record.id,
        name=record.name or _said(record, "operation") or "unreadable",
        source=record.source or _said(record, "service"),
        when=f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}",
        iso=iso_utc(record.received_at),
        verdict=VERDICTS.get(record.verdict, record.verdict),
        tone=TONES.get(record.verdict, "neutral"),
        reason=record.verdict_reason,
        plan_revision=record.plan_revision,
        day="" if now is None or now.astimezone(zone).date() == local.date() else day_text(record.received_at, zone, now),
    )


def _said(record: EventRow, field: str) -> str:
    """What a refused record said about itself, as far as it can be read."""
    try:
        value = json.loads(record.properties).get(field, "")
    except (ValueError, AttributeError):
        return ""
    return value[:200] if isinstance(value, str) else ""


def record_text(record: EventRow) -> str:
    """The whole record as JSON for reading; a quarantined one as the text that was sent."""
    try:
        properties = json.loads(record.properties) if record.properties else {}
    except ValueError:
        properties = record.properties
    if record.verdict == "quarantined":
        return properties if isinstance(properties, str) else json.dumps(properties, indent=2, ensure_ascii=False)
    fields = {
        "id": record.id,
        "service": record.source,
        "operation": record.name,
        "timestamp": record.time.isoformat(),
        "received_at": record.received_at.isoformat(),
        "user_id": record.actor_id,
        "session_id": record.session_id,
        "severity": record.severity,
        "status": record.status,
        "duration": record.value,
        "body": record.body,
        "verdict": record.verdict,
        "verdict_reason": record.verdict_reason,
        "plan_revision": record.plan_revision,
        "custom_attributes": properties,
    }
    return json.dumps({key: value for key, value in fields.items() if value not in ("", None)}, indent=2, ensure_ascii=False)
