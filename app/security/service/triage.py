"""Alerts as the people of a project see them and deal with them. What a plan hides from its keys, it hides here too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest
from app.security.repository import alerts as repository
from app.security.service.alerts import Change, apply_change, find_alert, require_alerts
from app.security.service.investigation import outlook
from app.security.vocabulary import ALERT_STATUSES, RESOLUTION_TYPES
from models.security import SecurityAlert

LONGEST_NOTES: Final = 10_000
MOST_MOMENTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert with its evidence."""

    id: str
    alert_type: str
    severity: str
    status: str
    title: str
    description: str
    source_ip: str | None
    actor_id: str | None
    trigger_event_id: str
    event_ids: tuple[str, ...]
    occurrences: int
    network: Mapping[str, Any]
    location: Mapping[str, Any]
    details: Mapping[str, Any]
    created_at: datetime
    last_event_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """How many alerts there are by status and severity, and when those of a period were raised, newest first."""

    counts: Mapping[tuple[str, str], int]
    moments: tuple[tuple[datetime, str], ...]

    def by_severity(self, *statuses: str) -> Counter[str]:
        """How many of each severity have one of the statuses."""
        found: Counter[str] = Counter()
        for (status, severity), count in self.counts.items():
            if status in statuses:
                found[severity] += count
        return found


def alert_figures(session: Session, actor: Actor, slug: str, since: datetime, now: datetime) -> AlertFigures:
    """Counts of all alerts that the plan shows, and the moments of those raised since then. Errors: NotFound, PlanRestricted."""
    view = outlook(session, actor, slug)
    require_alerts(view.plan)
    cutoff = view.plan.cutoff(now)
    found = repository.counts(session, view.scope.project_id, cutoff)
    moments = repository.moments(session, view.scope.project_id, max(since, cutoff), limit=MOST_MOMENTS)
    return AlertFigures({(status, severity): count for status, severity, count in found}, tuple(moments))


def list_alerts(
    session: Session,
    actor: Actor,
    slug: str,
    now: datetime,
    *,
    status: str = "",
    severity: str = "",
    alert_type: str = "",
    actor_id: str = "",
    limit: int,
    offset: int,
) -> tuple[list[AlertView], int]:
    """A page of alerts, newest first, and how many there are; empty words filter nothing. Errors: NotFound, PlanRestricted."""
    view = outlook(session, actor, slug)
    require_alerts(view.plan)
    rows, total = repository.list_alerts(
        session,
        view.scope.project_id,
        since=view.plan.cutoff(now),
        status=status or None,
        severity=severity or None,
        alert_type=alert_type or None,
        actor_id=actor_id or None,
        limit=limit,
        offset=offset,
    )
    return [_view(row) for row in rows], total


def get_alert(session: Session, actor: Actor, slug: str, alert_id: str, now: datetime) -> AlertView:
    """One alert. Errors: NotFound, PlanRestricted."""
    view = outlook(session, actor, slug)
    return _view(find_alert(session, view.scope, view.plan, alert_id, now))


def change_alert(session: Session, actor: Actor, slug: str, alert_id: str, change: Change, now: datetime) -> AlertView:
    """Acknowledge, close or reopen an alert, noted in the audit log. Editors and owners.

    Errors: NotFound, PlanRestricted, BadRequest for an unknown status or resolution and for overlong notes.
    """
    actor.require_editor()
    if change.status not in ALERT_STATUSES:
        raise BadRequest(f"The status is not one of {', '.join(sorted(ALERT_STATUSES))}")
    if change.resolution_type is not None and change.resolution_type not in RESOLUTION_TYPES:
        raise BadRequest(f"The resolution is not one of {', '.join(sorted(RESOLUTION_TYPES))}")
    if change.internal_notes is not None and len(change.internal_notes) > LONGEST_NOTES:
        raise BadRequest(f"Notes have at most {LONGEST_NOTES} characters")
    view = outlook(session, actor, slug)
    alert = find_alert(session, view.scope, view.plan, alert_id, now, is_locked=True)
    apply_change(session, actor, alert, change, now)
    return _view(alert)


def _view(alert: SecurityAlert) -> AlertView:
    return AlertView(
        id=alert.id,
        alert_type=alert.alert_type,
        severity=alert.severity,
        status=alert.status,
        title=alert.title,
        description=alert.description,
        source_ip=alert.source_ip,
        actor_id=alert.actor_id,
        trigger_event_id=alert.trigger_event_id,
        event_ids=tuple(alert.event_ids),
        occurrences=alert.occurrences,
        network=alert.network,
        location=alert.location,
        details=alert.details,
        created_at=alert.created_at,
        last_event_at=alert.last_event_at,
        updated_at=alert.updated_at,
        resolved_at=alert.resolved_at,
        resolved_by=alert.resolved_by,
    )
