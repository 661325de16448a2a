"""How an anomaly of a stream is told: its wire form, its export, and the entries of its timeline."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from models.anomalies import StreamAnomaly


def shown(row: StreamAnomaly, *, with_timeline: bool = False) -> dict[str, Any]:
    """The anomaly as the API tells it."""
    found: dict[str, Any] = {
        "id": row.id,
        "timestamp": iso(row.timestamp),
        "severity": row.severity,
        "status": row.status,
        "confidence": row.confidence,
        "type": row.type,
        "description": row.description,
        "indicators": row.indicators,
        "evidence": row.evidence,
        "metadata": row.details,
    }
    return {**found, "timeline": row.timeline, "feedback": row.feedback} if with_timeline else found


def export(row: StreamAnomaly, exporter: str, now: datetime) -> dict[str, Any]:
    """The evidence with a digest over what identifies it (contract A.3)."""
    signed = {
        "id": row.id,
        "timestamp": iso(row.timestamp),
        "confidence": row.confidence,
        "evidence": row.evidence,
        "exported_by": exporter,
        "exported_at": iso(now),
    }
    digest = hashlib.sha256(json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return {"anomaly": shown(row, with_timeline=True), "signed": signed, "digest": {"algorithm": "sha256", "value": digest}}


def timeline_entry(now: datetime, event: str, description: str, *, by: str = "") -> dict[str, object]:
    """A line of the timeline; `by` is the key of whoever did it."""
    found: dict[str, object] = {"timestamp": iso(now), "event": event, "description": description}
    return {**found, "by": by} if by else found


def iso(moment: datetime) -> str:
    """An instant in UTC as ISO 8601 with a Z."""
    return moment.isoformat().replace("+00:00", "Z")
