"""The activity feed: anomalies, scan jobs, alerts and edits of the plan in one order (contract section 17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from heapq import nlargest

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor
from app.projects import repository, service
from app.projects.contracts import ActivityItem, ActivitySeverity, ActivityType, ProjectView
from models.alerting import AlertDelivery
from models.detection import Anomaly
from models.plan import Event
from models.scans import ScanJob

_HIGH_Z_SCORE = 6.0
_PROJECT_TOTAL = "project_total"
_SAME_MOMENT = timedelta(seconds=1)
_JOB_TITLES = {
    "pending": "Scan waiting: {name}",
    "running": "Scan running: {name}",
    "completed": "Scan completed: {name}",
    "failed": "Scan failed: {name}",
    "cancelled": "Scan cancelled: {name}",
}


def workspace_activity(session: Session, actor: Actor, *, limit: int = 20) -> list[ActivityItem]:
    """The newest entries of all projects. Errors: Forbidden for a key bound to one project."""
    return _activity(session, service.list_projects(session, actor), limit)


def project_activity(
    session: Session, actor: Actor, slug: str, *, limit: int = 20, kind: ActivityType | None = None
) -> list[ActivityItem]:
    """The newest entries of one project, of one kind when it is named. Errors: NotFound."""
    return _activity(session, [service.get_project(session, actor, slug)], limit, kind)


def _activity(
    session: Session, projects: Sequence[ProjectView], limit: int, kind: ActivityType | None = None
) -> list[ActivityItem]:
    by_id = {project.id: project for project in projects}
    if not by_id:
        return []
    ids = list(by_id)
    entries: list[ActivityItem] = []
    if kind in (None, ActivityType.ANOMALY):
        entries += _anomalies(repository.recent_anomalies(session, ids, limit), by_id)
    if kind in (None, ActivityType.SCAN):
        entries += _jobs(repository.recent_jobs(session, ids, limit), by_id)
    if kind in (None, ActivityType.ALERT):
        entries += _alerts(repository.recent_alerts(session, ids, limit), by_id)
    if kind in (None, ActivityType.EVENT):
        entries += _events(repository.recent_events(session, ids, limit), by_id)
    return nlargest(limit, entries, key=lambda item: (item.occurred_at, item.id))


def _anomalies(rows: Iterable[tuple[Anomaly, str, str | None]], projects: dict[str, ProjectView]) -> Iterable[ActivityItem]:
    for anomaly, scan_name, scope_name in rows:
        project = projects[anomaly.project_id]
        scope = "Project total" if anomaly.scope_type == _PROJECT_TOTAL else scope_name or "A deleted series"
        if anomaly.scope_type == "event" and scope_name is not None:
            path = ui_paths.project_event(project.slug, anomaly.scope_ref)
        else:
            path = ui_paths.project_inbox(project.slug)
        yield ActivityItem(
            id=f"anomaly:{anomaly.id}",
            project_id=project.id,
            project_slug=project.slug,
            project_name=project.name,
            type=ActivityType.ANOMALY,
            severity=ActivitySeverity.HIGH if abs(anomaly.z_score) >= _HIGH_Z_SCORE else ActivitySeverity.MEDIUM,
            title=f"{anomaly.direction.capitalize()}: {scope}",
            detail=f"{anomaly.actual_count} where {anomaly.expected_count:.0f} were expected, found by {scan_name}",
            occurred_at=anomaly.bucket,
            target_path=path,
        )


def _jobs(rows: Iterable[tuple[ScanJob, str]], projects: dict[str, ProjectView]) -> Iterable[ActivityItem]:
    for job, scan_name in rows:
        project = projects[job.project_id]
        yield ActivityItem(
            id=f"scan:{job.id}",
            project_id=project.id,
            project_slug=project.slug,
            project_name=project.name,
            type=ActivityType.SCAN,
            severity=ActivitySeverity.HIGH if job.status == "failed" else ActivitySeverity.LOW,
            title=_JOB_TITLES.get(job.status, "Scan: {name}").format(name=scan_name),
            detail=job.error_message or job.progress_phase,
            occurred_at=job.completed_at or job.started_at or job.created_at,
            target_path=ui_paths.project_scans(project.slug),
        )


def _alerts(rows: Iterable[AlertDelivery], projects: dict[str, ProjectView]) -> Iterable[ActivityItem]:
    for delivery in rows:
        project = projects[delivery.project_id]
        yield ActivityItem(
            id=f"alert:{delivery.id}",
            project_id=project.id,
            project_slug=project.slug,
            project_name=project.name,
            type=ActivityType.ALERT,
            severity=ActivitySeverity.HIGH if delivery.status == "failed" else ActivitySeverity.MEDIUM,
            title=f"Alert {delivery.status}: {delivery.rule_name}",
            detail=delivery.error_message or f"{delivery.matched_count} matched, to {delivery.destination_name}",
            occurred_at=delivery.sent_at or delivery.created_at,
            target_path=ui_paths.project_delivery(project.slug, delivery.id),
        )


def _events(rows: Iterable[tuple[Event, str]], projects: dict[str, ProjectView]) -> Iterable[ActivityItem]:
    for event, event_type in rows:
        project = projects[event.project_id]
        is_fresh = event.updated_at - event.created_at < _SAME_MOMENT
        yield ActivityItem(
            id=f"event:{event.id}",
            project_id=project.id,
            project_slug=project.slug,
            project_name=project.name,
            type=ActivityType.EVENT,
            severity=ActivitySeverity.LOW,
            title=f"{'Event added' if is_fresh else 'Event changed'}: {event.name}",
            detail=f"{event_type}, {event.status.replace('_', ' ')}",
            occurred_at=event.updated_at,
            target_path=ui_paths.project_event(project.slug, event.id),
        )
