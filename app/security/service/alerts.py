"""Alerts: raised once per incident, shown to plans that include them, closed with a trace in the audit log (contract C.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.identity import service as identity
from app.identity.contracts import Actor, IngestPrincipal, UserRole, Via
from app.kernel.errors import NotFound
from app.security.contracts import Finding, Scoped, SecurityEvent
from app.security.plans import SecurityPlan
from app.security.refusals import PlanRestricted
from app.security.repository import accounts, judging
from app.security.repository import alerts as repository
from app.security.vocabulary import CRITICAL, instant_alert_type
from models.security import SecurityAlert

SAME_INCIDENT: Final = timedelta(hours=1)
FARTHEST_BEHIND: Final = timedelta(days=4)
"""More than the sweep looks back: nothing that is judged late is this late."""
MOST_EVENT_IDS: Final = 200
UNDER_WAY: Final = ("open", "acknowledged")
_LOCATION = ("city", "region", "country_code", "country_name", "latitude", "longitude", "timezone")
_DETAILS = ("is_vpn", "is_tor", "is_proxy", "is_datacenter", "latitude", "longitude", "city", "isp", "threat_score")


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody does to an alert; `status` is open, acknowledged, resolved or dismissed."""

    status: str
    resolution_type: str | None = None
    internal_notes: str | None = None
    resolved_by: str | None = None


def instant_finding(event: SecurityEvent) -> Finding | None:
    """The finding a critical event is by itself."""
    alert_type = instant_alert_type(event.name)
    if alert_type is None:
        return None
    who = event.actor_id or event.user_ip or "somebody unknown"
    return Finding(
        alert_type=alert_type,
        severity=CRITICAL,
        title=f"Critical event {event.name}",
        description=f"{event.name} was reported for {who}.",
        subject=event.actor_id or event.user_ip or "",
    )


def raise_alert(session: Session, project_id: str, event: SecurityEvent, finding: Finding) -> str:
    """The id of the alert that now holds the event: an open one of the same type and subject within the hour, else another.

    Safe to repeat for the same event, also in two processes at once and after its alert was closed.
    """
    key = _incident_key(finding)
    _raise_incident(session, project_id, key, [(event, finding)])
    return judging.holder_of(session, project_id, key, event.id)


def raise_alerts(session: Session, project_id: str, found: Sequence[tuple[SecurityEvent, Finding]]) -> None:
    """As `raise_alert`, of many findings; those of one incident are given in the order in which they happened."""
    by_incident: dict[tuple[str, str], list[tuple[SecurityEvent, Finding]]] = {}
    for event, finding in found:
        by_incident.setdefault((finding.alert_type, finding.subject), []).append((event, finding))
    # One order for everybody, so that two passes never wait for each other's alerts.
    for _, part in sorted(by_incident.items()):
        _raise_incident(session, project_id, _incident_key(part[0][1]), part)


def _incident_key(finding: Finding) -> str:
    return hashlib.sha256(f"{finding.alert_type}\0{finding.subject}".encode()).hexdigest()


def _raise_incident(session: Session, project_id: str, key: str, part: Sequence[tuple[SecurityEvent, Finding]]) -> None:
    """Put those events of one incident that nobody counted yet into its alert, or into several when an hour lies between."""
    fresh = judging.claim_events(session, project_id, key, {event.id: event.at for event, _ in part})
    held: dict[str, list[str]] = {}
    joined: SecurityAlert | None = None
    for event, finding in part:
        if event.id in fresh:
            fresh.discard(event.id)
            holder, joined = _place(session, project_id, key, event, finding, joined)
            held.setdefault(holder, []).append(event.id)
    if joined is not None:
        repository.save_alert(session, joined)
    for holder, event_ids in held.items():
        judging.note_alert(session, project_id, key, event_ids, holder)


def _place(
    session: Session, project_id: str, key: str, event: SecurityEvent, finding: Finding, joined: SecurityAlert | None
) -> tuple[str, SecurityAlert | None]:
    """The alert that takes the event, and the same one as the row that this transaction holds, changed but not written yet."""
    while True:
        present = joined or repository.open_alert(session, project_id, key)
        if present is None:
            fresh = _alert(project_id, key, event, finding)
            if repository.insert_alert(session, fresh):
                return fresh.id, None
        elif present.status not in UNDER_WAY or not _is_same_incident(present, event):
            present.open_key, joined = None, None
            repository.save_alert(session, present)
        else:
            present.occurrences += 1
            present.event_ids = [*present.event_ids, event.id][-MOST_EVENT_IDS:]
            present.last_event_at = max(present.last_event_at, event.at)
            present.details = {**present.details, **finding.details, "occurrences": present.occurrences}
            return present.id, present


def _is_same_incident(alert: SecurityAlert, event: SecurityEvent) -> bool:
    # An event that is judged late joins what came after it. One far older tells that the clock was wrong when the alert was
    # raised: without an end in that direction the alert would swallow everything until its date is reached.
    return -FARTHEST_BEHIND < event.at - alert.last_event_at < SAME_INCIDENT


def raise_instant_alerts(session: Session, principal: IngestPrincipal, events: Sequence[SecurityEvent]) -> int:
    """Alerts of the critical events among these; how many events raised or joined one."""
    found = [(event, finding) for event in events if (finding := instant_finding(event)) is not None]
    raise_alerts(session, principal.project_id, found)
    return len(found)


def list_alerts(
    session: Session,
    principal: IngestPrincipal,
    plan: SecurityPlan,
    now: datetime,
    *,
    status: str | None,
    severity: str | None,
    alert_type: str | None,
    limit: int,
    offset: int,
) -> tuple[list[dict[str, object]], int]:
    """A page of alerts, newest first, and the total. PlanRestricted."""
    require_alerts(plan)
    rows, total = repository.list_alerts(
        session,
        principal.project_id,
        since=plan.cutoff(now),
        status=status,
        severity=severity,
        alert_type=alert_type,
        limit=limit,
        offset=offset,
    )
    return [_view(row) for row in rows], total


def get_alert(session: Session, principal: IngestPrincipal, plan: SecurityPlan, alert_id: str, now: datetime) -> dict[str, object]:
    """One alert. PlanRestricted, NotFound."""
    return _view(find_alert(session, principal, plan, alert_id, now))


def change_alert(
    session: Session, principal: IngestPrincipal, plan: SecurityPlan, alert_id: str, change: Change, now: datetime
) -> dict[str, object]:
    """Close or reopen an alert and note it in the audit log. PlanRestricted, NotFound."""
    alert = find_alert(session, principal, plan, alert_id, now, is_locked=True)
    name = accounts.key_name(session, principal.key_id)
    actor = Actor(user_id=None, email=f"ingest key {name}", name=name, role=UserRole.EDITOR, via=Via.KEY)
    apply_change(session, actor, alert, change, now)
    actions = {"resolved": "resolve", "dismissed": "mark_safe", "open": "reopen"}
    return {
        "id": alert.id,
        "status": alert.status,
        "action": actions[change.status],
        "resolution_type": change.resolution_type,
        "resolved_at": _instant(alert.resolved_at),
        "resolved_by": alert.resolved_by,
        "updated_at": _instant(alert.updated_at),
    }


def apply_change(session: Session, actor: Actor, alert: SecurityAlert, change: Change, now: datetime) -> None:
    """Put the locked alert into its other state, in the actor's name unless the change names another."""
    alert.status = change.status
    alert.updated_at = now
    alert.resolved_at = now if change.status == "resolved" else None
    alert.resolved_by = None if change.status in UNDER_WAY else (change.resolved_by or actor.name)[:255]
    if change.status not in UNDER_WAY:
        alert.open_key = None
    added: dict[str, object] = {"resolution_type": change.resolution_type} if change.resolution_type else {}
    if change.internal_notes is not None:
        added["internal_notes"] = change.internal_notes
    alert.details = {**alert.details, **added}
    repository.save_alert(session, alert)
    if change.status in UNDER_WAY and alert.open_key is None:
        key = judging.key_of(session, alert.project_id, alert.trigger_event_id, alert.id)
        if key is not None:
            repository.take_open_key(session, alert, key)
    slug = accounts.project_slug(session, alert.project_id)
    payload = {"status": change.status, "resolution_type": change.resolution_type, "resolved_by": alert.resolved_by}
    identity.record_audit(session, actor, "security_alert.update", "security_alert", alert.id, slug, payload)


def find_alert(
    session: Session, scope: Scoped, plan: SecurityPlan, alert_id: str, now: datetime, *, is_locked: bool = False
) -> SecurityAlert:
    """The alert, when the plan shows it. PlanRestricted, NotFound."""
    require_alerts(plan)
    alert = repository.get_alert(session, scope.project_id, alert_id, is_locked=is_locked)
    if alert is None or alert.created_at < plan.cutoff(now):
        raise NotFound("Alert not found")
    return alert


def require_alerts(plan: SecurityPlan) -> None:
    """PlanRestricted unless the plan has alerts."""
    if not plan.is_full:
        raise PlanRestricted("Alerts need the plan pro or enterprise")


def _alert(project_id: str, key: str, event: SecurityEvent, finding: Finding) -> SecurityAlert:
    known = asdict(event.enrichment)
    known["threat_reasons"] = list(event.enrichment.threat_reasons)
    return SecurityAlert(
        project_id=project_id,
        open_key=key,
        alert_type=finding.alert_type,
        severity=finding.severity,
        status="open",
        title=finding.title[:255],
        description=finding.description,
        source_ip=event.user_ip,
        actor_id=event.actor_id,
        trigger_event_id=event.id,
        event_ids=[event.id],
        network={name: value for name, value in known.items() if name not in _LOCATION},
        location={name: known[name] for name in _LOCATION},
        details={
            **{name: known[name] for name in _DETAILS},
            "country": known["country_name"],
            "event": event.name,
            "actor_email": event.actor_email,
            **finding.details,
        },
        last_event_at=event.at,
        created_at=event.at,
        updated_at=event.at,
    )


def _view(alert: SecurityAlert) -> dict[str, object]:
    return {
        "id": alert.id,
        "alert_type": alert.alert_type,
        "severity": alert.severity,
        "status": alert.status,
        "title": alert.title,
        "description": alert.description,
        "source_ip": alert.source_ip,
        "actor_id": alert.actor_id,
        "trigger_event_id": alert.trigger_event_id,
        "forensics": {"network": alert.network, "location": alert.location},
        "created_at": _instant(alert.created_at),
        "updated_at": _instant(alert.updated_at),
        "resolved_at": _instant(alert.resolved_at),
        "resolved_by": alert.resolved_by,
        "metadata": alert.details,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
