"""The demo shop's logs, audit records and security events, and what detection makes of the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.demo.audit_story import audit_records
from app.demo.log_story import THRESHOLDS, log_records
from app.demo.sign_in_story import LEAD, LOCKED_OUT, TRAVELLER, security_events
from app.demo.story import Timeline
from app.eventstore.contracts import EventStore
from app.identity import service as identity
from app.identity.contracts import Actor, IngestKind, IngestPrincipal, IngestScope
from app.ingest.service import RecordLines, encode_records
from app.logs import service as logs
from app.projects.contracts import ProjectView
from app.security.contracts import SecurityEvent
from app.security.plans import plan_of
from app.security.service import actor_scoring, detection, intake, threat_models, triage
from app.security.service.alerts import Change, raise_instant_alerts
from app.security.service.judged_counts import JUDGED
from app.security.service.threat_models import ModelDraft, StepDraft

Transaction = Callable[..., AbstractContextManager[Session]]

JUDGED_DAYS: Final = 10
MODEL: Final = ModelDraft(
    name="Export after a reset password",
    description="Somebody resets a password and takes data out within the hour.",
    step=StepDraft("auth.password_reset", 60),
    followed_by=StepDraft("data.export", 60),
    group_by="actor",
    severity="high",
)
MANY_EXPORTS: Final = ModelDraft(
    name="Many exports in an hour",
    description="More exports than a report needs.",
    step=StepDraft("data.export", 60),
    threshold=8,
    group_by="actor",
    severity="medium",
)
_DECISIONS: Final = {
    TRAVELLER.email: Change("dismissed", "false_positive", "On a journey; the sign-in was confirmed by phone."),
    LEAD.email: Change("acknowledged", None, "Planned: two colleagues change teams this week."),
    LOCKED_OUT.email: Change("resolved", "reset_password", "Had forgotten the password after the holidays."),
}
"""What the shop's people decided about alerts on a colleague."""


def write_records(project: ProjectView, events: EventStore, attempt: str, timeline: Timeline) -> None:
    """Store log lines, audit records and security events. `attempt` keeps the batches of one filling apart from another's."""
    for surface, records in (("logs", log_records(timeline)), ("audit", audit_records(timeline))):
        _store(events, encode_records(surface, project.tenant_id, project.id, records), attempt)
    lines = intake.lines_of(_principal(project, ""), security_events(timeline), None)
    _store(events, lines, attempt)


def _store(events: EventStore, lines: RecordLines, attempt: str) -> None:
    events.insert_lines("events", lines.lines, rows=lines.rows, token=f"demo-{attempt}-{lines.surface}")


def watch(project: ProjectView, author: Actor, timeline: Timeline, transaction: Transaction) -> None:
    """Thresholds over logs, threat models where the plan has them, and the alerts that the stored security events raise."""
    with transaction() as session:
        for service, severity, per_minute, active in THRESHOLDS:
            logs.set_threshold(
                session, author, project.slug,
                service=service, severity=severity, per_minute=per_minute, active=active, now=timeline.now,
            )  # fmt: skip
        principal = _principal(project, identity.tenant_plan(session, project.tenant_id).value)
        if plan_of(principal.tenant_plan).has_threat_models:
            for model in (MODEL, MANY_EXPORTS):
                threat_models.create_model(session, author, project.slug, model)
    events = security_events(timeline)
    _judge(principal, events, timeline, transaction)
    if not plan_of(principal.tenant_plan).is_full:
        return
    with transaction() as session:
        found, _ = triage.list_alerts(session, author, project.slug, timeline.now, limit=200, offset=0)
        for alert in found:
            change = _DECISIONS.get(alert.actor_id or "")
            if change is not None and alert.status == "open":
                triage.change_alert(session, author, project.slug, alert.id, change, timeline.now)


def _judge(principal: IngestPrincipal, events: Sequence[SecurityEvent], timeline: Timeline, transaction: Transaction) -> None:
    recent = [event for event in events if event.at > timeline.now - timedelta(days=JUDGED_DAYS)]
    with transaction() as session:
        raise_instant_alerts(session, principal, recent)
    detection.judge(principal, plan_of(principal.tenant_plan), recent)
    # The sweep need not look at them again.
    JUDGED.note(principal.project_id, recent)
    JUDGED.write(is_urgent=True)


def score_actors(project: ProjectView, now: datetime, transaction: Transaction) -> None:
    """Say how unusual each colleague's day was, as the hourly job does; it takes seconds, and nothing else waits for it."""
    scoring = actor_scoring.look(_principal(project, ""), now)
    with transaction() as session:
        actor_scoring.keep(session, scoring, now)


def _principal(project: ProjectView, tenant_plan: str) -> IngestPrincipal:
    return IngestPrincipal("", project.tenant_id, project.id, IngestKind.SECURITY, IngestScope.READ, tenant_plan, "active", None)
