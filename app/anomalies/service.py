"""Looking at streams for anomalies, and what people do with what was found (contract A.3, A.6)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.anomalies import repository
from app.anomalies.contracts import AnomalyFilter, StreamEvent
from app.anomalies.tuning import tuning_of
from app.compression.lines import canonical, numbers_of
from app.compression.novelty import Novelty, explain, judge
from app.compression.numbers import Indicator, indicators
from app.identity import service as identity
from app.identity.contracts import IngestPrincipal
from app.ingest import service as ingest
from app.kernel.errors import BadRequest, NotFound
from app.kernel.ids import new_id
from app.kernel.telemetry import ANOMALIES_DETECTED
from models.anomalies import StreamAnomaly, StreamCursor

MOST_BEHIND: Final = 2_000
MOST_MISSED: Final = 1_000
MOST_LOOKS: Final = 100
LOOK_BACK: Final = timedelta(days=1)
LONGEST_NOTE: Final = 2000


class AnomalyStatus(StrEnum):
    """What people decided."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"


ALIASES: Final = {
    "pending": AnomalyStatus.OPEN,
    "acknowledged": AnomalyStatus.INVESTIGATING,
    "dismissed": AnomalyStatus.RESOLVED,
    **{status.value: status for status in AnomalyStatus},
}
SEVERITIES: Final = ("low", "medium", "high", "critical")
FEEDBACK: Final = ("confirmed", "false_positive", "dismissed")


@dataclass(frozen=True, slots=True)
class Stream:
    """A service of a project with events that nobody has looked at."""

    tenant_id: str
    project_id: str
    service: str


def waiting_streams(session: Session, now: datetime) -> list[Stream]:
    """Streams that sent something within a day. Unavailable."""
    return [
        Stream(tenant_id, project_id, service)
        for tenant_id, project_id in repository.projects(session)
        for service, _ in repository.streams(tenant_id, project_id, now - LOOK_BACK)
    ]


def analyse(session: Session, stream: Stream, now: datetime) -> str | None:
    """Look at the newest window of the stream when enough is new; the id of the anomaly it belongs to.

    A window that follows a flagged one joins its anomaly. Past the tenant's quota nothing is made. Unavailable.
    """
    tuning = tuning_of(session, stream.project_id)
    cursor = repository.cursor(session, stream.project_id, stream.service, lock=True)
    newer = 0
    if cursor is not None:
        newer = repository.newer_count(stream.tenant_id, stream.project_id, cursor)
        if newer < tuning.hop_size:
            return None
    # The window goes on from where it ended; a stream far behind is taken up again at its newest events.
    skipped = max(0, newer - tuning.window_size) if newer <= MOST_BEHIND else 0
    is_joined = 0 < newer <= MOST_BEHIND
    wanted = tuning.baseline_size + tuning.window_size
    events = repository.newest_events(stream.tenant_id, stream.project_id, stream.service, wanted, skipped)
    if len(events) < wanted:
        return None
    if cursor is None:
        cursor = StreamCursor(project_id=stream.project_id, service=stream.service, event_id="")
    baseline, window = events[: tuning.baseline_size], events[tuning.baseline_size :]
    found = judge(
        [_line(event) for event in baseline],
        [_line(event) for event in window],
        significant=tuning.p_value,
        least_effect=tuning.effect,
    )
    moved = indicators([_numbers(event) for event in baseline], [_numbers(event) for event in window])
    cursor.received_at, cursor.event_time, cursor.event_id = events[-1].received_at, events[-1].time, events[-1].id
    previous, cursor.anomaly_id = cursor.anomaly_id if is_joined else None, None
    if found.is_anomaly or moved:
        cursor.anomaly_id = _note(session, stream, baseline, window, found, moved, previous, now)
    try:
        repository.save(session, cursor)
    except IntegrityError:  # another process looked at it for the first time in this very moment
        session.rollback()
        return None
    return cursor.anomaly_id


def is_behind(session: Session, stream: Stream) -> bool:
    """Whether the stream has enough new events for another look."""
    cursor = repository.cursor(session, stream.project_id, stream.service)
    if cursor is None:
        return False
    return repository.newer_count(stream.tenant_id, stream.project_id, cursor) >= tuning_of(session, stream.project_id).hop_size


def list_anomalies(
    session: Session, caller: IngestPrincipal, wanted: AnomalyFilter, limit: int, offset: int
) -> tuple[Sequence[StreamAnomaly], int]:
    """The caller's anomalies, newest first, and how many there are."""
    return repository.page(session, caller.tenant_id, caller.project_id, wanted, limit, offset)


def created_after(session: Session, caller: IngestPrincipal, after: datetime) -> list[StreamAnomaly]:
    """Anomalies of the tenant's project made since, oldest first."""
    return repository.created_after(session, caller.tenant_id, caller.project_id, after)


def found_after(session: Session, caller: IngestPrincipal, anomaly_id: str) -> list[StreamAnomaly]:
    """Anomalies made since this one of the caller's, oldest first, at most MOST_MISSED; none for an unknown id."""
    last = repository.find(session, caller.tenant_id, caller.project_id, anomaly_id)
    if last is None:
        return []
    # Those of one look share its moment.
    since = last.created_at - timedelta(microseconds=1)
    rows = repository.created_after(session, caller.tenant_id, caller.project_id, since, limit=MOST_MISSED)
    return [row for row in rows if (row.created_at, row.id) > (last.created_at, last.id)]


def get_anomaly(session: Session, caller: IngestPrincipal, anomaly_id: str) -> StreamAnomaly:
    """One of the caller's anomalies. NotFound."""
    found = repository.find(session, caller.tenant_id, caller.project_id, anomaly_id)
    if found is None:
        raise NotFound("anomaly not found")
    return found


def set_status(session: Session, caller: IngestPrincipal, anomaly_id: str, status: str, notes: str, now: datetime) -> StreamAnomaly:
    """Note what somebody decided, with a line in the timeline. NotFound, BadRequest for another word."""
    if status not in ALIASES:
        raise BadRequest(f"status is one of {', '.join(ALIASES)}")
    row = repository.find(session, caller.tenant_id, caller.project_id, anomaly_id, lock=True)
    if row is None:
        raise NotFound("anomaly not found")
    before, row.status = row.status, ALIASES[status].value
    text = f"from {before} to {row.status}" + (f": {notes[:LONGEST_NOTE]}" if notes else "")
    row.timeline = [*row.timeline, _entry(now, "status_changed", text, by=caller.key_id)]
    repository.save(session, row)
    identity.record_key_audit(
        session, caller, "stream_anomaly.set_status", "stream_anomaly", row.id, {"from": before, "to": row.status}
    )
    return row


def give_feedback(
    session: Session, caller: IngestPrincipal, anomaly_id: str, kind: str, reason: str, now: datetime
) -> StreamAnomaly:
    """Keep what somebody says about it. NotFound, BadRequest for another word."""
    if kind not in FEEDBACK:
        raise BadRequest(f"feedback_type is one of {', '.join(FEEDBACK)}")
    row = repository.find(session, caller.tenant_id, caller.project_id, anomaly_id, lock=True)
    if row is None:
        raise NotFound("anomaly not found")
    row.feedback = [*row.feedback, {"feedback_type": kind, "reason": reason[:LONGEST_NOTE], "timestamp": _iso(now)}]
    row.timeline = [*row.timeline, _entry(now, "feedback", kind, by=caller.key_id)]
    repository.save(session, row)
    identity.record_key_audit(session, caller, "stream_anomaly.feedback", "stream_anomaly", row.id, {"feedback_type": kind})
    return row


def shown(row: StreamAnomaly, *, with_timeline: bool = False) -> dict[str, Any]:
    """The anomaly as the API tells it."""
    found: dict[str, Any] = {
        "id": row.id,
        "timestamp": _iso(row.timestamp),
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
        "timestamp": _iso(row.timestamp),
        "confidence": row.confidence,
        "evidence": row.evidence,
        "exported_by": exporter,
        "exported_at": _iso(now),
    }
    digest = hashlib.sha256(json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return {"anomaly": shown(row, with_timeline=True), "signed": signed, "digest": {"algorithm": "sha256", "value": digest}}


def _note(
    session: Session,
    stream: Stream,
    baseline: Sequence[StreamEvent],
    window: Sequence[StreamEvent],
    found: Novelty,
    moved: Sequence[Indicator],
    previous: str | None,
    now: datetime,
) -> str | None:
    last = window[-1]
    earlier = repository.find(session, stream.tenant_id, stream.project_id, previous, lock=True) if previous else None
    severity = found.severity if found.is_anomaly else "medium"
    if earlier is not None:
        earlier.timeline = [*earlier.timeline, _entry(now, "anomaly_continued", explain(found))]
        earlier.severity = max(earlier.severity, severity, key=SEVERITIES.index)
        repository.save(session, earlier)
        return earlier.id
    if not ingest.take_anomaly(session, stream.tenant_id, now):
        return None
    text = explain(found) if found.is_anomaly else "The lines are of the usual kind; numbers left their range."
    details: dict[str, object] = {"service": stream.service, "operation": _most_common(window)}
    details |= {name: value for name, value in (("user_id", last.user_id), ("session_id", last.session_id)) if value}
    row = StreamAnomaly(
        id=f"anomaly_{new_id()}",
        tenant_id=stream.tenant_id,
        project_id=stream.project_id,
        service=stream.service,
        window_end_id=last.id[:128],
        timestamp=last.time,
        severity=severity,
        confidence=round(found.confidence if found.is_anomaly else 0.997, 4),
        type="statistical" if moved else "behavioral",
        description=f"{stream.service}: {text}",
        indicators=[{"name": one.name, "value": one.value, "threshold": one.threshold, "unit": one.unit} for one in moved],
        evidence={
            "baseline_period": f"{_iso(baseline[0].time)}/{_iso(baseline[-1].time)}",
            "compression_ratio": round(found.window_ratio, 4),
            "p_value": found.p_value,
            "effect": round(found.effect, 4),
            "ncd": round(found.ncd, 4),
            "permutations": found.permutations,
            "explanation": explain(found),
        },
        timeline=[_entry(now, "anomaly_detected", text)],
        details=details,
        created_at=now,
        updated_at=now,
    )
    try:
        with session.begin_nested():
            repository.save(session, row)
    except IntegrityError:  # another process noted this very window
        return None
    ANOMALIES_DETECTED.inc()
    return row.id


def _line(event: StreamEvent) -> str:
    attributes = _attributes(event)
    known = {"operation": event.operation, "status": event.status, "duration": event.duration}
    line = {**attributes, **{name: value for name, value in known.items() if value not in ("", None)}}
    return canonical(json.dumps(line, ensure_ascii=False, default=str))


def _numbers(event: StreamEvent) -> dict[str, float]:
    found = numbers_of(_attributes(event))
    return {**found, "duration": event.duration} if event.duration is not None else found


def _attributes(event: StreamEvent) -> dict[str, Any]:
    try:
        value = json.loads(event.properties or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _most_common(window: Sequence[StreamEvent]) -> str:
    return Counter(event.operation for event in window).most_common(1)[0][0]


def _entry(now: datetime, event: str, description: str, *, by: str = "") -> dict[str, object]:
    found: dict[str, object] = {"timestamp": _iso(now), "event": event, "description": description}
    return {**found, "by": by} if by else found


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
