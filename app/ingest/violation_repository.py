"""Reads of refused and flagged events, and the record of refused ones that were taken in since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.eventstore.service import get_event_store
from app.ingest.contracts import RefusedEvent, ViolationGroup
from app.ingest.times import milliseconds_of
from app.kernel.database import insert_into
from models.ingest import ReplayedRecord

EXAMPLES: Final = 3
MOST_GROUPS: Final = 500
_OWNED: Final = "tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'event'"
_RECEIVED: Final = "received_at >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')"
_HOURS: Final = "sumMap([toUInt32(intDiv(toUnixTimestamp64Milli(received_at) - {{since:Int64}}, 3600000))], [toUInt64(1)]) AS trend"
_SPAN: Final = "count() AS n, toUnixTimestamp64Milli(min(received_at)), toUnixTimestamp64Milli(max(received_at))"
_RAW_SOURCE: Final = "JSONExtractString(raw, 'service')"
_RAW_NAME: Final = f"if(JSONExtractString(raw, 'operation') = '', {_RAW_SOURCE}, JSONExtractString(raw, 'operation'))"
_FINGERPRINT: Final = "lower(hex(sipHash128(raw, received_at)))"

_REFUSED_GROUPS: Final = f"""
SELECT {_RAW_SOURCE} AS source, {_RAW_NAME} AS name, reason, {_SPAN}, {_HOURS}, groupArray({EXAMPLES})(raw)
FROM {{database}}.quarantine WHERE {_OWNED} AND {_RECEIVED}
GROUP BY source, name, reason ORDER BY n DESC, source, name, reason LIMIT {MOST_GROUPS}
"""
_FLAGGED_GROUPS: Final = f"""
SELECT source, name, verdict_reason, {_SPAN}, {_HOURS}, groupArray({EXAMPLES})(properties)
FROM {{database}}.events WHERE {_OWNED} AND verdict = 'flagged' AND {_RECEIVED}
GROUP BY source, name, verdict_reason ORDER BY n DESC, source, name, verdict_reason LIMIT {MOST_GROUPS}
"""
_REFUSED: Final = f"""
SELECT {_FINGERPRINT} AS fingerprint, {_RAW_SOURCE} AS source, {_RAW_NAME} AS name, reason, toUnixTimestamp64Milli(received_at), raw
FROM {{database}}.quarantine WHERE {_OWNED} AND {_RECEIVED} AND ({{{{reason:String}}}} = '' OR reason = {{{{reason:String}}}})
ORDER BY received_at, fingerprint LIMIT {{{{limit:UInt32}}}} OFFSET {{{{offset:UInt32}}}}
"""
_NEWEST_REFUSED: Final = _REFUSED.replace("ORDER BY received_at,", "ORDER BY received_at DESC,")
_SAMPLE: Final = f"""
SELECT source, name, environment, actor_id, session_id, ip, status, severity, value, properties, verdict_reason
FROM {{database}}.events WHERE {_OWNED} AND {_RECEIVED}
ORDER BY received_at DESC LIMIT {{{{limit:UInt32}}}}
"""


def violation_groups(tenant_id: str, project_id: str, since: datetime, *, is_refused: bool) -> list[ViolationGroup]:
    """Refused or flagged events received since, by name and fault, most frequent first. Errors: Unavailable."""
    sql = _REFUSED_GROUPS if is_refused else _FLAGGED_GROUPS
    rows = get_event_store().select(sql, tenant_id, project_id, {"since": milliseconds_of(since)})
    return [
        ViolationGroup(
            source, name, reason, count, _moment(first), _moment(last), dict(zip(trend[0], trend[1], strict=True)), examples
        )
        for source, name, reason, count, first, last, trend, examples in rows
    ]


def refused_events(
    tenant_id: str, project_id: str, since: datetime, *, reason: str, limit: int, offset: int = 0
) -> list[RefusedEvent]:
    """Quarantined events received since, oldest first; an empty reason means all. Errors: Unavailable."""
    parameters = {"since": milliseconds_of(since), "reason": reason, "limit": limit, "offset": offset}
    return _refused(_REFUSED, tenant_id, project_id, parameters)


def newest_refused(tenant_id: str, project_id: str, since: datetime, limit: int) -> list[RefusedEvent]:
    """The newest quarantined events received since. Errors: Unavailable."""
    parameters = {"since": milliseconds_of(since), "reason": "", "limit": limit, "offset": 0}
    return _refused(_NEWEST_REFUSED, tenant_id, project_id, parameters)


def _refused(sql: str, tenant_id: str, project_id: str, parameters: dict[str, object]) -> list[RefusedEvent]:
    rows = get_event_store().select(sql, tenant_id, project_id, parameters)
    return [
        RefusedEvent(fingerprint, source, name, fault, _moment(received_at), raw)
        for fingerprint, source, name, fault, received_at, raw in rows
    ]


def stored_sample(tenant_id: str, project_id: str, since: datetime, limit: int) -> Sequence[Sequence[Any]]:
    """The newest stored events, columns as in the statement. Errors: Unavailable."""
    return get_event_store().select(_SAMPLE, tenant_id, project_id, {"since": milliseconds_of(since), "limit": limit})


def replayed_among(session: Session, project_id: str, fingerprints: Sequence[str]) -> set[str]:
    """Which of the records were taken in already."""
    found: set[str] = set()
    for start in range(0, len(fingerprints), 1000):
        part = fingerprints[start : start + 1000]
        statement = sa.select(col(ReplayedRecord.fingerprint)).where(
            col(ReplayedRecord.project_id) == project_id, col(ReplayedRecord.fingerprint).in_(part)
        )
        found.update(row[0] for row in session.execute(statement))
    return found


def note_replayed(session: Session, project_id: str, records: Sequence[RefusedEvent], now: datetime) -> None:
    """Remember the records as taken in; what is remembered already stays as it is."""
    table = cast(sa.Table, ReplayedRecord.__table__)  # type: ignore[attr-defined]
    for start in range(0, len(records), 1000):
        rows = [
            {
                "project_id": project_id,
                "fingerprint": record.fingerprint,
                "source": record.source[:500],
                "name": record.name[:500],
                "reason": record.reason[:500],
                "received_at": record.received_at,
                "replayed_at": now,
            }
            for record in records[start : start + 1000]
        ]
        session.execute(insert_into(session, table).values(rows).on_conflict_do_nothing())


def replayed_counts(session: Session, project_id: str, since: datetime) -> dict[tuple[str, str, str], int]:
    """Records taken in again among those received since, by (source, name, reason)."""
    statement = (
        sa.select(col(ReplayedRecord.source), col(ReplayedRecord.name), col(ReplayedRecord.reason), sa.func.count())
        .where(col(ReplayedRecord.project_id) == project_id, col(ReplayedRecord.received_at) >= since)
        .group_by(col(ReplayedRecord.source), col(ReplayedRecord.name), col(ReplayedRecord.reason))
    )
    return {(row[0], row[1], row[2]): row[3] for row in session.execute(statement)}


def _moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
