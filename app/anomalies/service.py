"""What people do with the anomalies of streams (contract A.3, A.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from app.anomalies import repository
from app.anomalies.contracts import AnomalyFilter
from app.anomalies.views import iso, timeline_entry
from app.identity import service as identity
from app.identity.contracts import IngestPrincipal
from app.kernel.errors import BadRequest, NotFound
from models.anomalies import StreamAnomaly

MOST_MISSED: Final = 1_000
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
FEEDBACK: Final = ("confirmed", "false_positive", "dismissed")


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
    row.timeline = [*row.timeline, timeline_entry(now, "status_changed", text, by=caller.key_id)]
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
    row.feedback = [*row.feedback, {"feedback_type": kind, "reason": reason[:LONGEST_NOTE], "timestamp": iso(now)}]
    row.timeline = [*row.timeline, timeline_entry(now, "feedback", kind, by=caller.key_id)]
    repository.save(session, row)
    identity.record_key_audit(session, caller, "stream_anomaly.feedback", "stream_anomaly", row.id, {"feedback_type": kind})
    return row
