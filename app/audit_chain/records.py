"""Ingested audit records as the chain reads them from the event store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.eventstore.service import get_event_store

_OWNED: Final = "tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'audit'"
_STAGE: Final = "JSONExtractInt(properties, 'event', 'stage')"
_RECEIVED: Final = "toUnixTimestamp64Milli(received_at)"
_COLUMNS: Final = (
    "source", "name", "severity", "status", "value", "environment", "actor_id", "session_id", "ip", "body", "verdict",
)  # fmt: skip
_SHOWN: Final = f"id, {_STAGE} AS stage, {_RECEIVED} AS received, toUnixTimestamp64Milli(time), properties, {', '.join(_COLUMNS)}"
_MOMENT: Final = "fromUnixTimestamp64Milli({{{{{name}:Int64}}}}, 'UTC')"
_FROM: Final = _MOMENT.format(name="start")
_TO: Final = _MOMENT.format(name="stop")
_COUNT: Final = f"SELECT sum(n) FROM {{database}}.events_1m WHERE {_OWNED}"
_FIRST: Final = f"SELECT {_RECEIVED} FROM {{database}}.events WHERE {_OWNED} AND received_at > {_FROM} ORDER BY received_at LIMIT 1"
_MINUTES: Final = f"""
SELECT intDiv({_RECEIVED}, 60000) AS minute, count() FROM {{database}}.events
WHERE {_OWNED} AND received_at >= {_FROM} GROUP BY minute ORDER BY minute
"""
_ARRIVALS: Final = f"""
SELECT {_SHOWN} FROM {{database}}.events
WHERE {_OWNED} AND received_at >= {_FROM} AND received_at < {_TO}
  AND (received, id, stage) > ({{{{after:Int64}}}}, {{{{after_id:String}}}}, {{{{after_stage:Int64}}}})
ORDER BY received, id, stage LIMIT {{{{limit:UInt32}}}}
"""
_BY_ID: Final = f"""
SELECT {_SHOWN} FROM {{database}}.events
WHERE {_OWNED} AND time >= {_FROM} AND time < {_TO} AND id IN {{{{ids:Array(String)}}}} ORDER BY id, stage
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One stored record. `record_id` names it within its tenant; `document` is what is hashed."""

    record_id: str
    key: tuple[int, str, int]
    time: datetime
    received_at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Receptions in [start, stop), in milliseconds since 1970."""

    start: int
    stop: int


def stored_count(tenant: str, project_id: str) -> int:
    """Records that were ever stored and not removed, from the roll-up. Unavailable."""
    ((count,),) = get_event_store().select(_COUNT, tenant, project_id, {})
    return int(count or 0)


def first_received(tenant: str, project_id: str, after: datetime) -> datetime | None:
    """When the first record behind the instant was received. Unavailable."""
    rows = get_event_store().select(_FIRST, tenant, project_id, {"start": milliseconds(after)})
    return _EPOCH + timedelta(milliseconds=rows[0][0]) if rows else None


def windows(tenant: str, project_id: str, since: datetime, most: int) -> list[Window]:
    """Spans of reception from the instant on, whole minutes with about `most` records each. Unavailable."""
    start = milliseconds(since)
    rows = get_event_store().select(_MINUTES, tenant, project_id, {"start": start})
    found: list[Window] = []
    count = 0
    for minute, records in rows:
        stop = (minute + 1) * _MINUTE
        if found and count + records <= most:
            found[-1], count = Window(found[-1].start, stop), count + records
        else:
            found.append(Window(max(start, minute * _MINUTE), stop))
            count = records
    return found


def arrivals(tenant: str, project_id: str, window: Window, after: tuple[int, str, int] | None, limit: int) -> list[Arrival]:
    """At most `limit` records of the window behind the key, in the order of reception. Unavailable."""
    received, event_id, stage = after or (window.start - 1, "", 0)
    parameters = {
        "start": window.start, "stop": window.stop, "after": received, "after_id": event_id, "after_stage": stage, "limit": limit,
    }  # fmt: skip
    return [_arrival(tenant, project_id, row) for row in get_event_store().select(_ARRIVALS, tenant, project_id, parameters)]


def by_record_id(
    tenant: str, project_id: str, record_ids: Sequence[str], first: datetime, last: datetime
) -> dict[str, dict[str, Any]]:
    """Documents of the records, which happened in [first, last], by record id. Unavailable."""
    ids = sorted({record_id.rpartition(":")[0] for record_id in record_ids})
    parameters = {"start": milliseconds(first), "stop": milliseconds(last) + 1, "ids": ids}
    rows = get_event_store().select(_BY_ID, tenant, project_id, parameters)
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        arrival = _arrival(tenant, project_id, row)
        # A second row under one id is a change, whichever of the two was there first.
        other = found.get(arrival.record_id)
        found[arrival.record_id] = arrival.document if other is None else {"copies": [other, arrival.document]}
    return found


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _arrival(tenant: str, project_id: str, row: Sequence[Any]) -> Arrival:
    event_id, stage, received, happened, properties, *values = row
    time, received_at = (_EPOCH + timedelta(milliseconds=value) for value in (happened, received))
    document = {
        "id": event_id,
        "tenant_id": tenant,
        "project_id": project_id,
        "time": time.isoformat(timespec="milliseconds"),
        "received_at": received_at.isoformat(timespec="milliseconds"),
        **dict(zip(_COLUMNS, values, strict=True)),
        "properties": _parsed(properties),
    }
    return Arrival(f"{event_id}:{stage}"[:64], (received, event_id, stage), time, received_at, document)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # what was made unreadable is hashed as it stands, and then differs
