"""Queries on anomalies, cursors and the newest events of streams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col

from app.anomalies.contracts import AnomalyFilter, StreamEvent
from app.eventstore.service import get_event_store
from models.anomalies import StreamAnomaly, StreamCursor, StreamSettings
from models.projects import Project

MOST_SUMMED: Final = 10_000
_STREAMS: Final = """
SELECT source, count(), toUnixTimestamp64Milli(max(received_at)) FROM {database}.events
WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'event'
  AND received_at > fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')
GROUP BY source ORDER BY source LIMIT 1000
"""
_NEWEST: Final = """
SELECT id, toUnixTimestamp64Milli(received_at), toUnixTimestamp64Milli(time), name, status, value, actor_id, session_id, properties
FROM {database}.events
WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'event' AND source = {{service:String}}
ORDER BY received_at DESC, time DESC, id DESC LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}
"""
_NEWER: Final = """
SELECT count() FROM {database}.events
WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'event' AND source = {{service:String}}
  AND (received_at, time, id) > (
    fromUnixTimestamp64Milli({{since:Int64}}, 'UTC'), fromUnixTimestamp64Milli({{time:Int64}}, 'UTC'), {{id:String}})
"""


def projects(session: Session) -> list[tuple[str, str]]:
    """Tenant and id of every project."""
    return [(row[0], row[1]) for row in session.execute(sa.select(col(Project.tenant_id), col(Project.id)))]


def streams(tenant_id: str, project_id: str, since: datetime) -> list[tuple[str, datetime]]:
    """Services that sent something since, with their newest reception. Unavailable."""
    rows = get_event_store().select(_STREAMS, tenant_id, project_id, {"since": _milliseconds(since)})
    return [(service, _moment(newest)) for service, _, newest in rows]


def newer_count(tenant_id: str, project_id: str, place: StreamCursor) -> int:
    """Events of the stream behind the cursor; those of one request share a moment and count one by one. Unavailable."""
    parameters = {
        "service": place.service,
        "since": _milliseconds(place.received_at),
        "time": _milliseconds(place.event_time),
        "id": place.event_id,
    }
    return int(get_event_store().select(_NEWER, tenant_id, project_id, parameters)[0][0])


def newest_events(tenant_id: str, project_id: str, service: str, limit: int, offset: int = 0) -> list[StreamEvent]:
    """The newest events of the stream but for `offset` of them, oldest first. Unavailable."""
    rows = get_event_store().select(_NEWEST, tenant_id, project_id, {"service": service, "limit": limit, "offset": offset})
    return [StreamEvent(row[0], _moment(row[1]), _moment(row[2]), *row[3:]) for row in reversed(rows)]


def cursor(session: Session, project_id: str, service: str, *, lock: bool = False) -> StreamCursor | None:
    """How far the stream was looked at; with `lock` held until the transaction ends."""
    statement = sa.select(StreamCursor).where(col(StreamCursor.project_id) == project_id, col(StreamCursor.service) == service)
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def save(session: Session, row: Any) -> None:
    """Write the row now, so that its constraints speak here."""
    session.add(row)
    session.flush()


def find(session: Session, tenant_id: str, project_id: str, anomaly_id: str, *, lock: bool = False) -> StreamAnomaly | None:
    """One anomaly of the caller's."""
    statement = sa.select(StreamAnomaly).where(
        col(StreamAnomaly.id) == anomaly_id,
        col(StreamAnomaly.tenant_id) == tenant_id,
        col(StreamAnomaly.project_id) == project_id,
    )
    return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()


def page(
    session: Session, tenant_id: str, project_id: str, wanted: AnomalyFilter, limit: int, offset: int
) -> tuple[Sequence[StreamAnomaly], int]:
    """Anomalies, newest first, and how many there are."""
    conditions = [col(StreamAnomaly.tenant_id) == tenant_id, col(StreamAnomaly.project_id) == project_id]
    if wanted.start_time is not None:
        conditions.append(col(StreamAnomaly.timestamp) >= wanted.start_time)
    if wanted.end_time is not None:
        conditions.append(col(StreamAnomaly.timestamp) <= wanted.end_time)
    if wanted.severity is not None:
        conditions.append(col(StreamAnomaly.severity) == wanted.severity)
    if wanted.status is not None:
        conditions.append(col(StreamAnomaly.status) == wanted.status)
    newest = (col(StreamAnomaly.timestamp).desc(), col(StreamAnomaly.id).desc())
    statement = sa.select(StreamAnomaly).where(*conditions).order_by(*newest).limit(limit).offset(offset)
    total = session.execute(sa.select(sa.func.count()).select_from(StreamAnomaly).where(*conditions)).scalar_one()
    return list(session.scalars(statement)), int(total)


def created_after(session: Session, tenant_id: str, project_id: str, after: datetime, *, limit: int = 100) -> list[StreamAnomaly]:
    """Anomalies made since, oldest first."""
    statement = (
        sa.select(StreamAnomaly)
        .where(
            col(StreamAnomaly.tenant_id) == tenant_id,
            col(StreamAnomaly.project_id) == project_id,
            col(StreamAnomaly.created_at) > after,
        )
        .order_by(col(StreamAnomaly.created_at), col(StreamAnomaly.id))
        .limit(limit)
    )
    return list(session.scalars(statement))


def found_since(session: Session, tenant_id: str, project_id: str, since: datetime) -> list[StreamAnomaly]:
    """Anomalies of events since, oldest first; the newest 10,000."""
    statement = (
        sa.select(StreamAnomaly)
        .where(
            col(StreamAnomaly.tenant_id) == tenant_id,
            col(StreamAnomaly.project_id) == project_id,
            col(StreamAnomaly.timestamp) >= since,
        )
        .order_by(col(StreamAnomaly.timestamp).desc(), col(StreamAnomaly.id).desc())
        .limit(MOST_SUMMED)
    )
    return list(session.scalars(statement))[::-1]


def settings_of(session: Session, project_id: str) -> StreamSettings | None:
    """How the project's streams are looked at, when somebody chose."""
    return session.get(StreamSettings, project_id)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
