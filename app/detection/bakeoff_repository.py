"""Every query on bake-offs. Changes of a row are compare-and-set on its status and holder."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import SeriesKey
from models.detection import Bakeoff

LIVE = ("pending", "running")


def add(session: Session, row: Bakeoff) -> None:
    """Insert now."""
    session.add(row)
    session.flush()


def find(session: Session, project_id: str, bakeoff_id: str) -> Bakeoff | None:
    """The bake-off, when it is one of the project's."""
    row = session.get(Bakeoff, bakeoff_id)
    return row if row is not None and row.project_id == project_id else None


def live_of(session: Session, key: SeriesKey) -> Bakeoff | None:
    """The bake-off of the series that waits or runs."""
    statement = _of_series(sa.select(Bakeoff), key).where(col(Bakeoff.status).in_(LIVE))
    return session.execute(statement).scalars().first()


def newest(session: Session, project_id: str, key: SeriesKey | None, limit: int) -> list[Bakeoff]:
    """The project's bake-offs, or those of one series, newest first."""
    statement = sa.select(Bakeoff).where(col(Bakeoff.project_id) == project_id)
    if key is not None:
        statement = _of_series(statement, key)
    statement = statement.order_by(col(Bakeoff.created_at).desc(), col(Bakeoff.id).desc()).limit(limit)
    return list(session.execute(statement).scalars())


def claimable(session: Session, silent_since: datetime, limit: int) -> list[tuple[str, str, str | None]]:
    """(id, status, holder) of bake-offs that wait, and of running ones without a heartbeat since then, oldest first."""
    is_silent = sa.and_(col(Bakeoff.status) == "running", col(Bakeoff.heartbeat_at) < silent_since)
    statement = (
        sa.select(col(Bakeoff.id), col(Bakeoff.status), col(Bakeoff.claimed_by))
        .where(sa.or_(col(Bakeoff.status) == "pending", is_silent))
        .order_by(col(Bakeoff.created_at), col(Bakeoff.id))
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def change(session: Session, bakeoff_id: str, from_status: str, holder: str | None, **values: object) -> bool:
    """Set the values where the row has this status and holder; whether it had."""
    is_held = col(Bakeoff.claimed_by).is_(None) if holder is None else col(Bakeoff.claimed_by) == holder
    statement = (
        sa.update(Bakeoff)
        .where(col(Bakeoff.id) == bakeoff_id, col(Bakeoff.status) == from_status, is_held)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    result = cast("sa.CursorResult[Any]", session.execute(statement))
    session.expire_all()
    return result.rowcount == 1


def _of_series(statement: sa.Select[Any], key: SeriesKey) -> sa.Select[Any]:
    return statement.where(
        col(Bakeoff.scan_config_id) == key.scan_config_id,
        col(Bakeoff.scope_type) == key.scope_type.value,
        col(Bakeoff.scope_ref) == key.ref,
    )
