"""Stored security events: they are rows of the event store with the kind `security`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.eventstore.service import get_event_store
from app.kernel.clock import as_utc
from app.security.contracts import EventFilter, Scoped, StoredEvent

_FROM = (
    "FROM {database}.events WHERE tenant_id = {{tenant:String}} AND project_id = {{project:String}} AND kind = 'security' "
    "AND time >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')"
)
_COLUMNS = "SELECT id, name, actor_id, ip, severity, time, properties "


def list_events(scope: Scoped, wanted: EventFilter, *, limit: int, offset: int) -> tuple[list[StoredEvent], int]:
    """A page of events, newest first, and how many there are. Errors: Unavailable."""
    where, parameters = where_of(wanted)
    total = int(select(scope, f"SELECT count() {where}", parameters)[0][0])
    if not limit or offset >= total:
        return [], total
    sql = f"{_COLUMNS}{where} ORDER BY time DESC, id DESC LIMIT {{{{limit:UInt32}}}} OFFSET {{{{offset:UInt32}}}}"
    rows = select(scope, sql, {**parameters, "limit": limit, "offset": offset})
    return [_event(row) for row in rows], total


def get_event(scope: Scoped, event_id: str, since: datetime) -> StoredEvent | None:
    """One event that is not older than `since`. Errors: Unavailable."""
    sql = f"{_COLUMNS}{_FROM} AND id = {{{{id:String}}}} LIMIT 1"
    rows = select(scope, sql, {"since": _milliseconds(since), "id": event_id})
    return _event(rows[0]) if rows else None


def where_of(wanted: EventFilter) -> tuple[str, dict[str, object]]:
    """FROM and WHERE of the events that are wanted, with their parameters."""
    where, parameters = _FROM, {"since": _milliseconds(wanted.since)}
    found: dict[str, object] = dict(parameters)
    if wanted.until is not None:
        where += " AND time <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')"
        found["until"] = _milliseconds(wanted.until)
    if wanted.event:
        where += " AND name = {{event:String}}"
        found["event"] = wanted.event
    if wanted.actor_id:
        where += " AND actor_id = {{actor:String}}"
        found["actor"] = wanted.actor_id
    if wanted.severities:
        where += " AND severity IN {{severities:Array(String)}}"
        found["severities"] = list(wanted.severities)
    if wanted.user_ip:
        where += " AND ip = {{ip:String}}"
        found["ip"] = wanted.user_ip
    if wanted.country_code:
        where += " AND JSONExtractString(properties, 'country_code') = {{country:String}}"
        found["country"] = wanted.country_code
    return where, found


def related_events(
    scope: Scoped, *, actor_id: str | None, user_ip: str | None, since: datetime, until: datetime, limit: int
) -> list[StoredEvent]:
    """Events of the actor or from the address in [since, until], newest first. Errors: Unavailable."""
    sql = (
        f"{_COLUMNS}{_FROM} AND time <= fromUnixTimestamp64Milli({{{{until:Int64}}}}, 'UTC') "
        "AND ((actor_id != '' AND actor_id = {{actor:String}}) OR (ip != '' AND ip = {{ip:String}})) "
        "ORDER BY time DESC, id DESC LIMIT {{limit:UInt32}}"
    )
    parameters = {
        "since": _milliseconds(since),
        "until": _milliseconds(until),
        "actor": actor_id or "",
        "ip": user_ip or "",
        "limit": limit,
    }
    return [_event(row) for row in select(scope, sql, parameters)]


def select(scope: Scoped, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[Any]]:
    """Rows of a statement that begins its condition as `where_of` does. Errors: Unavailable."""
    return get_event_store().select(sql, scope.tenant_id, scope.project_id, parameters)


def _event(row: Sequence[Any]) -> StoredEvent:
    identifier, name, actor_id, user_ip, severity, time, properties = row
    return StoredEvent(identifier, name, actor_id or None, user_ip or None, severity, as_utc(time), json.loads(properties))


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
