"""Rows of demo projects that no service writes: progress, the plan's finishing touches, and clearing for a fresh start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from models.alerting import AlertDestination, AlertDrill, AlertDrillRun, AlertGroup
from models.alerting_people import AlertAssignment
from models.attachments import ChartAnnotation, EventPhoto, EventPhotoComment
from models.branches import BranchApproval, BranchComment, BranchReviewer, PlanRevision
from models.detection import AnomalySettings, PlannedEvent
from models.ingest import IngestPolicy
from models.logs import LogThreshold
from models.plan import Event, EventType, PlanBranch
from models.plan_entities import EventChange, EventTypeOwner, FieldDefinition, MetaField, Relation, Variable, VariableContext
from models.plan_rules import PlanRules
from models.projects import Project
from models.scans import ScanConfig
from models.security import SecurityActorScore, SecurityAlert, SecurityIncidentEvent, SecurityJudgedBucket, SecurityThreatModel

RUNNING = "running"

_OF_PROJECT: tuple[type[SQLModel], ...] = (
    PlanBranch,
    PlanRevision,
    EventType,
    Event,
    Variable,
    MetaField,
    Relation,
    EventPhoto,
    ChartAnnotation,
)
_OF_PARENT: tuple[tuple[type[SQLModel], str, type[SQLModel]], ...] = (
    (FieldDefinition, "event_type_id", EventType),
    (EventTypeOwner, "event_type_id", EventType),
    (EventChange, "event_id", Event),
    (VariableContext, "variable_id", Variable),
    (BranchReviewer, "branch_id", PlanBranch),
    (BranchComment, "branch_id", PlanBranch),
    (BranchApproval, "branch_id", PlanBranch),
    (EventPhotoComment, "photo_id", EventPhoto),
)
_CLEARED: tuple[type[SQLModel], ...] = (
    ScanConfig, AnomalySettings, PlannedEvent, ChartAnnotation, Event, EventType, PlanBranch, PlanRevision, PlanRules,
    IngestPolicy, LogThreshold, AlertDestination, AlertGroup, AlertAssignment, AlertDrill, AlertDrillRun, SecurityAlert,
    SecurityIncidentEvent, SecurityJudgedBucket, SecurityThreatModel, SecurityActorScore,
)  # fmt: skip
# The last one is kept up to date by the database layer, so it is written along with any other.
_MOMENTS = ("created_at", "approved_at", "merged_at", "updated_at")


def running_projects(session: Session) -> list[str]:
    """Ids of demo projects that wait to be filled, or whose filling was cut off; oldest first."""
    statement = sa.select(col(Project.id)).where(col(Project.is_demo), col(Project.generation_status) == RUNNING)
    return list(session.execute(statement.order_by(col(Project.created_at), col(Project.id))).scalars())


def find_project(session: Session, project_id: str) -> Project | None:
    """The demo project."""
    project = session.get(Project, project_id)
    return project if project is not None and project.is_demo else None


def clear(session: Session, project_id: str) -> None:
    """Remove the plan, scans, settings, rules and alerts with all that hangs on them; keys, certificates and saved views stay."""
    for table in _CLEARED:
        session.execute(
            sa.delete(table).where(_column(table, "project_id") == project_id),
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


def creator(session: Session, project_id: str) -> str | None:
    """Who made the project, None when nobody did or the account is gone."""
    project = session.get(Project, project_id)
    return None if project is None else project.created_by


def own_events(session: Session, event_ids: Sequence[str], user_id: str) -> None:
    """Make the person the owner of the events."""
    statement = sa.update(Event).where(col(Event.id).in_(event_ids)).values(owner_id=user_id)
    session.execute(statement, execution_options={"synchronize_session": False})


def date_rows(session: Session, project_id: str, *, since: datetime, moment: datetime) -> None:
    """Let rows of the project's plan that were written at `since` or later have been written at `moment`."""
    for table in _OF_PROJECT:
        _date(session, table, _column(table, "project_id") == project_id, since, moment)
    for table, reference, parent in _OF_PARENT:
        ids = sa.select(_column(parent, "id")).where(_column(parent, "project_id") == project_id)
        _date(session, table, _column(table, reference).in_(ids), since, moment)


def _date(session: Session, table: type[SQLModel], belongs: sa.ColumnElement[bool], since: datetime, moment: datetime) -> None:
    columns = {name: _column(table, name) for name in _MOMENTS if name in table.model_fields}
    values = {name: sa.case((column >= since, moment), else_=column) for name, column in columns.items()}
    is_recent = sa.or_(*(column >= since for column in columns.values()))
    statement = sa.update(table).where(belongs, is_recent).values(values)
    session.execute(statement, execution_options={"synchronize_session": False})


def _column(table: type[SQLModel], name: str) -> Any:
    return getattr(table, name)


def photo_files(session: Session, project_id: str) -> list[tuple[str, str]]:
    """(place, key) of every stored file that a photo of the project names."""
    statement = sa.select(EventPhoto).where(col(EventPhoto.project_id) == project_id)
    found = session.execute(statement).scalars().all()
    return sorted(
        {(row.storage_backend, key) for row in found for key in (row.storage_key, row.thumbnail_key) if row.storage_backend and key}
    )
