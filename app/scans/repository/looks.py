"""Every query on looks: previews and rehearsals that wait, run or have ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.scans.contracts import JobStatus
from app.scans.repository.rows import affected_count
from models.projects import Project
from models.scans import DataSource, ScanLook


def find_look(session: Session, project_id: str, look_id: str, kind: str) -> ScanLook | None:
    """The project's look of that kind."""
    statement = sa.select(ScanLook).where(
        col(ScanLook.project_id) == project_id, col(ScanLook.id) == look_id, col(ScanLook.kind) == kind
    )
    return session.execute(statement).scalar_one_or_none()


def look_with_context(session: Session, look_id: str, holder: str) -> tuple[ScanLook, DataSource, Project] | None:
    """The look while the holder runs it, with everything it refers to."""
    statement = (
        sa.select(ScanLook, DataSource, Project)
        .join(DataSource, col(DataSource.id) == col(ScanLook.data_source_id))
        .join(Project, col(Project.id) == col(ScanLook.project_id))
        .where(col(ScanLook.id) == look_id, col(ScanLook.status) == JobStatus.RUNNING.value, col(ScanLook.claimed_by) == holder)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def oldest_pending_looks(session: Session, limit: int) -> list[str]:
    """Ids of waiting looks, oldest first."""
    statement = sa.select(col(ScanLook.id)).where(col(ScanLook.status) == JobStatus.PENDING.value)
    return list(session.execute(statement.order_by(col(ScanLook.created_at), col(ScanLook.id)).limit(limit)).scalars())


def change_look(session: Session, look_id: str, expected: JobStatus, holder: str | None, **values: Any) -> bool:
    """Change the look if it still has the expected status and, when given, the holder; says whether it did."""
    statement = sa.update(ScanLook).where(col(ScanLook.id) == look_id, col(ScanLook.status) == expected.value)
    if holder is not None:
        statement = statement.where(col(ScanLook.claimed_by) == holder)
    return affected_count(session, statement.values(**values)) == 1


def fail_abandoned_looks(session: Session, workers: set[str], message: str, now: datetime) -> int:
    """End running looks whose worker is gone; returns how many."""
    statement = sa.update(ScanLook).where(col(ScanLook.status) == JobStatus.RUNNING.value, col(ScanLook.claimed_by).not_in(workers))
    return affected_count(session, statement.values(status=JobStatus.FAILED.value, error_message=message, completed_at=now))


def delete_old_looks(session: Session, before: datetime) -> int:
    """Remove looks made before the instant; returns how many."""
    return affected_count(session, sa.delete(ScanLook).where(col(ScanLook.created_at) < before))
