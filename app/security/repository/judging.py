"""What was judged already: events counted into incidents, and how many of each five minutes were looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.identity.contracts import IngestKind, IngestPrincipal, IngestScope
from app.kernel.database import insert_into
from models.identity import IngestKey, Tenant
from models.projects import Project
from models.security import SecurityIncidentEvent, SecurityJudgedBucket

BUCKET: Final = timedelta(minutes=5)


def watched_projects(session: Session) -> list[IngestPrincipal]:
    """Every project that ever had a key for security events, as the one its events are read for."""
    keyed = sa.select(col(IngestKey.project_id)).where(col(IngestKey.kind) == IngestKind.SECURITY)
    query = (
        sa.select(col(Project.id), col(Project.tenant_id), col(Tenant.plan), col(Tenant.status))
        .join(Tenant, col(Tenant.id) == col(Project.tenant_id))
        .where(col(Project.id).in_(keyed))
        .order_by(col(Project.id))
    )
    return [
        IngestPrincipal("", tenant_id, project_id, IngestKind.SECURITY, IngestScope.READ, plan, status, None)
        for project_id, tenant_id, plan, status in session.execute(query)
    ]


def claim_events(session: Session, project_id: str, incident_key: str, events: Mapping[str, datetime]) -> set[str]:
    """Those of the events, by id with their time, that are counted into the incident now, by this transaction only."""
    table = SecurityIncidentEvent.__table__  # type: ignore[attr-defined]
    # In one order for everybody: a claim waits for the one of another transaction on the same event.
    values = [
        {"project_id": project_id, "incident_key": incident_key, "event_id": event_id, "alert_id": "", "happened_at": at}
        for event_id, at in sorted(events.items())
    ]
    statement = insert_into(session, table).values(values).on_conflict_do_nothing().returning(table.c.event_id)
    return {str(row[0]) for row in session.execute(statement)}


def holder_of(session: Session, project_id: str, incident_key: str, event_id: str) -> str:
    """The alert that holds a claimed event."""
    query = select(SecurityIncidentEvent.alert_id).where(
        SecurityIncidentEvent.project_id == project_id,
        SecurityIncidentEvent.incident_key == incident_key,
        SecurityIncidentEvent.event_id == event_id,
    )
    return session.exec(query).one()


def key_of(session: Session, project_id: str, event_id: str, alert_id: str) -> str | None:
    """The incident that the alert was raised for; None when it is forgotten."""
    query = select(SecurityIncidentEvent.incident_key).where(
        SecurityIncidentEvent.project_id == project_id,
        SecurityIncidentEvent.event_id == event_id,
        SecurityIncidentEvent.alert_id == alert_id,
    )
    return session.exec(query).first()


def note_alert(session: Session, project_id: str, incident_key: str, event_ids: Sequence[str], alert_id: str) -> None:
    """Which alert holds the claimed events."""
    session.execute(
        sa.update(SecurityIncidentEvent)
        .where(
            col(SecurityIncidentEvent.project_id) == project_id,
            col(SecurityIncidentEvent.incident_key) == incident_key,
            col(SecurityIncidentEvent.event_id).in_(event_ids),
        )
        .values(alert_id=alert_id)
    )


def bucket_of(moment: datetime) -> datetime:
    """The start of the five minutes that the moment lies in."""
    seconds = int(BUCKET.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, moment.tzinfo)


def add_judged(session: Session, counts: Mapping[tuple[str, datetime], int]) -> None:
    """Count events, by project and bucket, as judged. Projects that are gone are left out."""
    table = SecurityJudgedBucket.__table__  # type: ignore[attr-defined]
    present = set(session.exec(select(Project.id).where(col(Project.id).in_({project for project, _ in counts}))).all())
    for (project_id, starts_at), events in sorted(counts.items()):
        if project_id in present:
            statement = insert_into(session, table).values(project_id=project_id, starts_at=starts_at, events=events)
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["project_id", "starts_at"], set_={"events": table.c.events + events}
                )
            )


def set_judged(session: Session, project_id: str, starts_at: datetime, events: int) -> None:
    """All `events` of the bucket are judged."""
    table = SecurityJudgedBucket.__table__  # type: ignore[attr-defined]
    statement = insert_into(session, table).values(project_id=project_id, starts_at=starts_at, events=events)
    session.execute(statement.on_conflict_do_update(index_elements=["project_id", "starts_at"], set_={"events": events}))


def judged_counts(session: Session, project_id: str, since: datetime) -> dict[datetime, int]:
    """Judged events by bucket, from the bucket that starts at `since`."""
    query = select(SecurityJudgedBucket.starts_at, SecurityJudgedBucket.events).where(
        SecurityJudgedBucket.project_id == project_id, SecurityJudgedBucket.starts_at >= since
    )
    return dict(session.exec(query).all())


def forget_before(session: Session, moment: datetime) -> None:
    """Forget what is too old to be judged again."""
    session.execute(sa.delete(SecurityIncidentEvent).where(col(SecurityIncidentEvent.happened_at) < moment))
    session.execute(sa.delete(SecurityJudgedBucket).where(col(SecurityJudgedBucket.starts_at) < moment))
