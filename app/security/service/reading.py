"""Stored events as the caller's plan lets them be seen (contract C.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from app.identity.contracts import IngestPrincipal
from app.kernel.errors import NotFound
from app.security.contracts import Enrichment, EventFilter, StoredEvent
from app.security.plans import SecurityPlan
from app.security.repository import events as repository

_NETWORK = ("city", "is_vpn", "is_tor", "is_proxy", "is_datacenter", "latitude", "longitude")
_MIRRORS = ("geolocation", "network_intelligence")


def list_events(
    principal: IngestPrincipal, plan: SecurityPlan, wanted: EventFilter, *, limit: int, offset: int
) -> tuple[list[dict[str, object]], int]:
    """A page of events, newest first, and the total. Errors: Unavailable."""
    rows, total = repository.list_events(principal, wanted, limit=limit, offset=offset)
    return [_view(principal, plan, row) for row in rows], total


def get_event(principal: IngestPrincipal, plan: SecurityPlan, event_id: str, now: datetime) -> dict[str, object]:
    """One event. NotFound, also for one older than the plan shows; Unavailable."""
    found = repository.get_event(principal, event_id, plan.cutoff(now))
    if found is None:
        raise NotFound("Event not found")
    return _view(principal, plan, found)


def visible_properties(plan: SecurityPlan, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What the plan shows of an event's properties: of its enrichment only the country where the plan has no network part."""
    if plan.is_full:
        return dict(properties)
    hidden = {field.name for field in fields(Enrichment)} - {"country_code", "country_name"}
    metadata = {name: value for name, value in (properties.get("metadata") or {}).items() if name not in _MIRRORS}
    return {**{name: value for name, value in properties.items() if name not in hidden}, "metadata": metadata}


def _view(principal: IngestPrincipal, plan: SecurityPlan, event: StoredEvent) -> dict[str, object]:
    known = event.properties
    metadata = dict(known.get("metadata") or {})
    if not plan.is_full:
        for name in _MIRRORS:
            metadata.pop(name, None)
    return {
        "id": event.id,
        "org_id": principal.tenant_id,
        "event_name": event.name,
        "event_type": event.name,
        "actor_id": event.actor_id,
        "actor_email": known.get("actor_email"),
        "user_ip": event.user_ip,
        "server_ip": known.get("server_ip"),
        "country_code": known.get("country_code"),
        **{name: known.get(name) if plan.is_full else None for name in _NETWORK},
        "severity": event.severity,
        "metadata": metadata,
        "created_at": event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
