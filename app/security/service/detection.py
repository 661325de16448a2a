"""One pass over events that were just stored: history in, findings out, one alert per incident (contract C.6)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final

from app.identity.contracts import IngestPrincipal
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.security import behaviour
from app.security.contracts import ActorHistory, Enrichment, SecurityEvent
from app.security.plans import SecurityPlan
from app.security.repository import events as repository
from app.security.repository.events import StoredEvent
from app.security.service.alerts import raise_alert

ALL_PLANS: Final = frozenset({"brute_force_attack", "rate_limit_exceeded", "suspicious_activity", "new_device"})
MOST_HISTORY: Final = 1_000
PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.2
_WATCHED: Final = ("auth.login_success", "auth.login_failed", "security.rate_limit_exceeded")


def is_watched(event: SecurityEvent) -> bool:
    """Whether the event can be part of an incident that only history shows."""
    return event.name in _WATCHED and bool(event.actor_id or event.user_ip)


def run(principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent]) -> None:
    """Judge the events in their order once the event store shows them. Safe to repeat. Errors: Unavailable."""
    _wait_until_stored(principal, events[-1])
    for event in events:
        history = _history(principal, plan, event)
        for finding in behaviour.findings(event, history, get_settings()):
            if plan.is_full or finding.alert_type in ALL_PLANS:
                with session_scope() as session:
                    raise_alert(session, principal.project_id, event, finding)


def _wait_until_stored(principal: IngestPrincipal, event: SecurityEvent) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while repository.get_event(principal, event.id, event.at) is None and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _history(principal: IngestPrincipal, plan: SecurityPlan, event: SecurityEvent) -> ActorHistory:
    since = event.at - timedelta(days=plan.retention_days)
    rows = repository.related_events(
        principal, actor_id=event.actor_id, user_ip=event.user_ip, since=since, until=event.at, limit=MOST_HISTORY
    )
    earlier = [_event(row) for row in reversed(rows) if (row.time, row.id) < (event.at, event.id)]
    return ActorHistory(
        by_actor=tuple(one for one in earlier if event.actor_id and one.actor_id == event.actor_id),
        by_ip=tuple(one for one in earlier if event.user_ip and one.user_ip == event.user_ip),
    )


def _event(row: StoredEvent) -> SecurityEvent:
    known: dict[str, Any] = {field.name: row.properties.get(field.name) for field in fields(Enrichment)}
    known["threat_reasons"] = tuple(known["threat_reasons"] or ())
    return SecurityEvent(
        id=row.id,
        name=row.name,
        at=row.time,
        severity=row.severity,
        actor_id=row.actor_id,
        actor_email=row.properties.get("actor_email"),
        user_ip=row.user_ip,
        metadata=row.properties.get("metadata") or {},
        enrichment=Enrichment(**known),
    )
