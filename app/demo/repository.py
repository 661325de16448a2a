"""Rows of demo projects that no service writes: progress, the plan's finishing touches, and clearing for a fresh start."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Session, col

from models.detection import AnomalySettings
from models.plan import Event, EventType, PlanBranch
from models.projects import Project
from models.scans import ScanConfig

RUNNING = "running"


def running_projects(session: Session) -> list[str]:
    """Ids of demo projects that wait to be filled, or whose filling was cut off; oldest first."""
    statement = sa.select(col(Project.id)).where(col(Project.is_demo), col(Project.generation_status) == RUNNING)
    return list(session.execute(statement.order_by(col(Project.created_at), col(Project.id))).scalars())


def find_project(session: Session, project_id: str) -> Project | None:
    """The demo project."""
    project = session.get(Project, project_id)
    return project if project is not None and project.is_demo else None


def clear(session: Session, project_id: str) -> None:
    """Remove the project's plan, scans and settings with all that hangs on them."""
    for table in (ScanConfig, AnomalySettings, Event, EventType, PlanBranch):
        session.execute(
            sa.delete(table).where(col(table.project_id) == project_id),
            execution_options={"synchronize_session": False},
        )


def finish_event_types(session: Session, texts: Mapping[str, tuple[str, str]], project_id: str) -> None:
    """Give event types (by name) their display name and description."""
    for event_type in session.execute(sa.select(EventType).where(col(EventType.project_id) == project_id)).scalars():
        if event_type.name in texts:
            event_type.display_name, event_type.description = texts[event_type.name]


def finish_events(session: Session, texts: Mapping[str, tuple[str, str]]) -> None:
    """Give events (by id) their status and description, as if somebody had reviewed them."""
    for event in session.execute(sa.select(Event).where(col(Event.id).in_(list(texts)))).scalars():
        event.status, event.description = texts[event.id]
        event.reviewed = True


def pause(session: Session, scan_config_id: str) -> None:
    """Stop scheduled collection: no further events arrive, and their absence is not news."""
    config = session.get(ScanConfig, scan_config_id)
    if config is not None:
        config.is_paused = True
