"""Every query on projects and their figures. Nothing here decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from app.kernel.database import read_once
from app.projects.policy import HIDDEN, hidden_slug
from models.alerting import AlertDelivery
from models.detection import Anomaly
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import Variable
from models.projects import Project, ProjectRemoval
from models.scans import ScanConfig, ScanJob

_MAIN = "main"


def project_by_slug(session: Session, slug: str) -> Project | None:
    """The project."""

    def read() -> Project | None:
        return session.execute(sa.select(Project).where(col(Project.slug) == slug)).scalar_one_or_none()

    return read_once(session, ("project", slug), read)


def project_by_id(session: Session, project_id: str) -> Project | None:
    """The project."""
    return session.get(Project, project_id)


def list_projects(session: Session) -> list[Project]:
    """All projects by name, without those that only Plumbline itself works with."""
    statement = sa.select(Project).where(~col(Project.slug).startswith(HIDDEN, autoescape=True))
    statement = statement.order_by(sa.func.lower(col(Project.name)), col(Project.slug))
    return list(session.execute(statement).scalars())


def hidden_projects(session: Session, project_id: str) -> list[Project]:
    """The hidden projects that belong to the project."""
    of_project = col(Project.slug).startswith(hidden_slug(project_id, ""), autoescape=True)
    return list(session.execute(sa.select(Project).where(of_project)).scalars())


def is_slug_taken(session: Session, slug: str, *, except_id: str | None = None) -> bool:
    """Whether another project has the slug."""
    found = session.execute(sa.select(col(Project.id)).where(col(Project.slug) == slug)).scalar_one_or_none()
    return found is not None and found != except_id


def flush_unless_taken(session: Session, row: SQLModel) -> bool:
    """Write the row; False when a unique value of it was taken by somebody at the same moment."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except sa.exc.IntegrityError:
        return False
    return True


def delete_project(session: Session, project_id: str) -> None:
    """Remove the project; the database removes everything that hangs on it."""
    session.execute(sa.delete(Project).where(col(Project.id) == project_id))


def removals(session: Session, limit: int) -> list[ProjectRemoval]:
    """Deleted projects whose records are still to be removed, oldest first."""
    statement = sa.select(ProjectRemoval).order_by(col(ProjectRemoval.requested_at), col(ProjectRemoval.project_id))
    return list(session.execute(statement.limit(limit)).scalars())


def removal(session: Session, project_id: str) -> ProjectRemoval | None:
    """What is still to do for one deleted project."""
    return session.get(ProjectRemoval, project_id)


@dataclass(slots=True)
class Figures:
    """Counts of one project as the database gives them."""

    event_types: int = 0
    events_by_status: dict[str, int] = field(default_factory=dict)
    variables: int = 0
    scans: int = 0
    failing_scans: int = 0
    latest_job: tuple[ScanJob, str] | None = None


def figures(session: Session, project_ids: Sequence[str]) -> dict[str, Figures]:
    """Counts of main for each of the projects, in a handful of queries whatever their number."""
    found = {project_id: Figures() for project_id in project_ids}
    wanted = list(found)
    of_main = sa.and_(col(PlanBranch.project_id).in_(wanted), col(PlanBranch.kind) == _MAIN)
    for project_id, count in session.execute(_count_of(EventType, of_main)):
        found[project_id].event_types = count
    for project_id, count in session.execute(_count_of(Variable, of_main)):
        found[project_id].variables = count
    by_status = (
        sa.select(col(PlanBranch.project_id), col(Event.status), sa.func.count(col(Event.id)))
        .join(Event, col(Event.branch_id) == col(PlanBranch.id))
        .where(of_main)
        .group_by(col(PlanBranch.project_id), col(Event.status))
    )
    for project_id, status, count in session.execute(by_status):
        found[project_id].events_by_status[status] = count
    failing = sa.func.sum(sa.case((col(ScanConfig.consecutive_failures) > 0, 1), else_=0))
    by_scan = sa.select(col(ScanConfig.project_id), sa.func.count(col(ScanConfig.id)), failing)
    by_scan = by_scan.where(col(ScanConfig.project_id).in_(wanted)).group_by(col(ScanConfig.project_id))
    for project_id, count, failing_count in session.execute(by_scan):
        found[project_id].scans, found[project_id].failing_scans = count, int(failing_count)
    for job, scan_name in _latest_jobs(session, wanted):
        found[job.project_id].latest_job = (job, scan_name)
    return found


def _count_of(table: type[EventType] | type[Variable], of_main: sa.ColumnElement[bool]) -> sa.Select[str, int]:
    counted = sa.select(col(PlanBranch.project_id), sa.func.count(col(table.id)))
    return counted.join(table, col(table.branch_id) == col(PlanBranch.id)).where(of_main).group_by(col(PlanBranch.project_id))


def _latest_jobs(session: Session, project_ids: Sequence[str]) -> list[tuple[ScanJob, str]]:
    newest_first = (col(ScanJob.created_at).desc(), col(ScanJob.id).desc())
    place = sa.func.row_number().over(partition_by=col(ScanJob.project_id), order_by=newest_first)
    ranked = sa.select(col(ScanJob.id).label("id"), place.label("place")).where(col(ScanJob.project_id).in_(project_ids))
    ranks = ranked.subquery()
    statement = (
        sa.select(ScanJob, col(ScanConfig.name))
        .join(ranks, ranks.c.id == col(ScanJob.id))
        .join(ScanConfig, col(ScanConfig.id) == col(ScanJob.scan_config_id))
        .where(ranks.c.place == 1)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def recent_anomalies(session: Session, project_ids: Sequence[str], limit: int) -> list[tuple[Anomaly, str, str | None]]:
    """Newest anomalies with the name of their scan and of their event or event type; archived events are left out."""
    statement = (
        sa.select(Anomaly, col(ScanConfig.name), sa.func.coalesce(col(Event.name), col(EventType.display_name)))
        .join(ScanConfig, col(ScanConfig.id) == col(Anomaly.scan_config_id))
        .outerjoin(Event, col(Event.id) == col(Anomaly.scope_ref))
        .outerjoin(EventType, col(EventType.id) == col(Anomaly.scope_ref))
        .where(
            col(Anomaly.project_id).in_(project_ids),
            sa.or_(col(Event.status).is_(None), col(Event.status) != "archived"),
        )
        .order_by(col(Anomaly.bucket).desc(), col(Anomaly.id).desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def recent_jobs(session: Session, project_ids: Sequence[str], limit: int) -> list[tuple[ScanJob, str]]:
    """Newest scan jobs with the name of their scan."""
    statement = (
        sa.select(ScanJob, col(ScanConfig.name))
        .join(ScanConfig, col(ScanConfig.id) == col(ScanJob.scan_config_id))
        .where(col(ScanJob.project_id).in_(project_ids))
        .order_by(col(ScanJob.created_at).desc(), col(ScanJob.id).desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def recent_alerts(session: Session, project_ids: Sequence[str], limit: int) -> list[AlertDelivery]:
    """Newest deliveries of alerts."""
    statement = (
        sa.select(AlertDelivery)
        .where(col(AlertDelivery.project_id).in_(project_ids))
        .order_by(col(AlertDelivery.created_at).desc(), col(AlertDelivery.id).desc())
        .limit(limit)
    )
    return list(session.scalars(statement))


def recent_events(session: Session, project_ids: Sequence[str], limit: int) -> list[tuple[Event, str]]:
    """Events of main that were added or edited last, with the name of their event type."""
    statement = (
        sa.select(Event, col(EventType.display_name))
        .join(EventType, col(EventType.id) == col(Event.event_type_id))
        .join(PlanBranch, sa.and_(col(PlanBranch.id) == col(Event.branch_id), col(PlanBranch.kind) == _MAIN))
        .where(col(Event.project_id).in_(project_ids))
        .order_by(col(Event.updated_at).desc(), col(Event.id).desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def add(session: Session, row: SQLModel) -> None:
    """Insert the row now."""
    session.add(row)
    session.flush()
