"""Queries on drifts. Their project and branch are those of their event type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import insert_into
from app.plan.repository.matching import chunks
from app.plan.vocabulary import DriftStatus, Sensitivity
from models.plan import EventType
from models.plan_drifts import SchemaDrift
from models.plan_entities import FieldDefinition

# A drift has fifteen values at most, and one statement of SQLite takes 32766.
_ROWS_PER_STATEMENT = 1000
_REFRESHED = ("scan_config_id", "observed_type", "declared_type", "sample_value", "detected_at")


def drifts_of(session: Session, event_type_id: str, *, since: datetime) -> list[SchemaDrift]:
    """The event type's drifts found at or after `since`, newest first, then by field name."""
    statement = (
        sa.select(SchemaDrift)
        .where(col(SchemaDrift.event_type_id) == event_type_id, col(SchemaDrift.detected_at) >= since)
        .order_by(col(SchemaDrift.detected_at).desc(), col(SchemaDrift.field_name), col(SchemaDrift.id))
        .execution_options(populate_existing=True)
    )
    return list(session.execute(statement).scalars())


def drifts_of_branch(session: Session, branch_id: str, *, since: datetime) -> list[SchemaDrift]:
    """The drifts of all the branch's event types found at or after `since`, newest first; one query."""
    statement = (
        sa.select(SchemaDrift)
        .join(EventType, col(EventType.id) == col(SchemaDrift.event_type_id))
        .where(col(EventType.branch_id) == branch_id, col(SchemaDrift.detected_at) >= since)
        .order_by(col(SchemaDrift.detected_at).desc(), col(SchemaDrift.field_name), col(SchemaDrift.id))
        .execution_options(populate_existing=True)
    )
    return list(session.execute(statement).scalars())


def branch_of_drift(session: Session, project_id: str, drift_id: str) -> str | None:
    """Id of the branch that the drift's event type is on, or None when the project has no such drift."""
    statement = (
        sa.select(col(EventType.branch_id))
        .join(SchemaDrift, col(SchemaDrift.event_type_id) == col(EventType.id))
        .where(col(EventType.project_id) == project_id, col(SchemaDrift.id) == drift_id)
    )
    return session.execute(statement).scalar_one_or_none()


def drift_of_branch(session: Session, branch_id: str, drift_id: str) -> SchemaDrift | None:
    """The drift as it is now, or None when the branch has none of that id."""
    statement = (
        sa.select(SchemaDrift)
        .join(EventType, col(EventType.id) == col(SchemaDrift.event_type_id))
        .where(col(EventType.branch_id) == branch_id, col(SchemaDrift.id) == drift_id)
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).scalar_one_or_none()


def active_counts(session: Session, event_type_ids: Collection[str], *, now: datetime, since: datetime) -> dict[str, int]:
    """How many drifts of each event type are active, by event type id; those without any are left out (contract 2.4)."""
    is_awake = sa.and_(col(SchemaDrift.status) == DriftStatus.SNOOZED, col(SchemaDrift.snoozed_until) <= now)
    found: dict[str, int] = {}
    for portion in chunks(list(event_type_ids)):
        statement = (
            sa.select(col(SchemaDrift.event_type_id), sa.func.count())
            .where(
                col(SchemaDrift.event_type_id).in_(portion),
                sa.or_(col(SchemaDrift.status) == DriftStatus.OPEN, is_awake),
                col(SchemaDrift.detected_at) >= since,
            )
            .group_by(col(SchemaDrift.event_type_id))
        )
        found |= {row[0]: row[1] for row in session.execute(statement)}
    return found


def event_types_of_project(session: Session, project_id: str, ids: Collection[str]) -> set[str]:
    """Those of the ids that are event types of the project."""
    found: set[str] = set()
    for portion in chunks(list(ids)):
        statement = sa.select(col(EventType.id)).where(col(EventType.project_id) == project_id, col(EventType.id).in_(portion))
        found |= set(session.execute(statement).scalars())
    return found


def upsert(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert drifts; of one that is there (event type, field name, drift type) only what was observed is set anew."""
    table = cast(sa.Table, SchemaDrift.__table__)  # type: ignore[attr-defined]
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        statement = insert_into(session, table).values([dict(row) for row in rows[start : start + _ROWS_PER_STATEMENT]])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["event_type_id", "field_name", "drift_type"],
                set_={name: statement.excluded[name] for name in _REFRESHED},
            )
        )


def forget_sensitive_samples(session: Session, branch_id: str) -> None:
    """Empty the samples of the branch's drifts whose name, in whatever case, is that of a field with a sensitivity label."""
    of_branch = sa.select(col(EventType.id)).where(col(EventType.branch_id) == branch_id)
    labelled = (
        sa.select(sa.func.lower(col(FieldDefinition.name)))
        .join(EventType, col(EventType.id) == col(FieldDefinition.event_type_id))
        .where(col(EventType.branch_id) == branch_id, col(FieldDefinition.sensitivity) != Sensitivity.NONE.value)
    )
    statement = (
        sa.update(SchemaDrift)
        .where(
            col(SchemaDrift.event_type_id).in_(of_branch),
            col(SchemaDrift.sample_value).is_not(None),
            sa.func.lower(col(SchemaDrift.field_name)).in_(labelled),
        )
        .values(sample_value=None)
    )
    session.execute(statement, execution_options={"synchronize_session": False})


def prune(session: Session, project_id: str, *, before: datetime) -> int:
    """Delete the project's drifts last found before that instant; how many there were."""
    of_project = sa.select(col(EventType.id)).where(col(EventType.project_id) == project_id)
    statement = sa.delete(SchemaDrift).where(col(SchemaDrift.event_type_id).in_(of_project), col(SchemaDrift.detected_at) < before)
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("sa.CursorResult[Any]", done).rowcount
