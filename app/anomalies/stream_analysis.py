"""Looking at streams for anomalies: the newest window of events against the baseline before it (contract A.3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.anomalies import repository
from app.anomalies.contracts import SEVERITIES, StreamEvent
from app.anomalies.tuning import tuning_of
from app.anomalies.views import iso, timeline_entry
from app.compression.lines import canonical, numbers_of
from app.compression.novelty import Novelty, explain, judge
from app.compression.numbers import Indicator, indicators
from app.ingest import service as ingest
from app.kernel.ids import new_id
from app.kernel.telemetry import ANOMALIES_DETECTED
from models.anomalies import StreamAnomaly, StreamCursor

MOST_BEHIND: Final = 2_000
MOST_LOOKS: Final = 100
LOOK_BACK: Final = timedelta(days=1)


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
        earlier.timeline = [*earlier.timeline, timeline_entry(now, "anomaly_continued", explain(found))]
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
            "baseline_period": f"{iso(baseline[0].time)}/{iso(baseline[-1].time)}",
            "compression_ratio": round(found.window_ratio, 4),
            "p_value": found.p_value,
            "effect": round(found.effect, 4),
            "ncd": round(found.ncd, 4),
            "permutations": found.permutations,
            "explanation": explain(found),
        },
        timeline=[timeline_entry(now, "anomaly_detected", text)],
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
