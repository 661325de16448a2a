"""Alerts of a project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.kernel.database import insert_into
from app.kernel.ids import is_uuid
from models.security import SecurityAlert


def list_alerts(
    session: Session,
    project_id: str,
    *,
    since: datetime,
    status: str | None,
    severity: str | None,
    alert_type: str | None,
    actor_id: str | None = None,
    limit: int,
    offset: int,
) -> tuple[Sequence[SecurityAlert], int]:
    """A page of alerts, newest first, and how many there are."""
    conditions: list[Any] = [col(SecurityAlert.project_id) == project_id, col(SecurityAlert.created_at) >= since]
    for column, value in (
        (SecurityAlert.status, status),
        (SecurityAlert.severity, severity),
        (SecurityAlert.alert_type, alert_type),
        (SecurityAlert.actor_id, actor_id),
    ):
        if value:
            conditions.append(col(column) == value)
    total = session.execute(sa.select(sa.func.count()).select_from(SecurityAlert).where(*conditions)).scalar_one()
    order = (col(SecurityAlert.created_at).desc(), col(SecurityAlert.id).desc())
    rows = session.exec(select(SecurityAlert).where(*conditions).order_by(*order).limit(limit).offset(offset)).all()
    return rows, total


def counts(session: Session, project_id: str, since: datetime) -> list[tuple[str, str, int]]:
    """Alerts by status and severity."""
    status, severity = col(SecurityAlert.status), col(SecurityAlert.severity)
    query = (
        sa.select(status, severity, sa.func.count())
        .where(col(SecurityAlert.project_id) == project_id, col(SecurityAlert.created_at) >= since)
        .group_by(status, severity)
    )
    return [(str(row[0]), str(row[1]), int(row[2])) for row in session.execute(query)]


def moments(session: Session, project_id: str, since: datetime, *, limit: int) -> list[tuple[datetime, str]]:
    """When alerts were raised and how severe they are, newest first."""
    query = (
        select(SecurityAlert.created_at, SecurityAlert.severity)
        .where(SecurityAlert.project_id == project_id, col(SecurityAlert.created_at) >= since)
        .order_by(col(SecurityAlert.created_at).desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.exec(query)]


def get_alert(session: Session, project_id: str, alert_id: str, *, is_locked: bool = False) -> SecurityAlert | None:
    """One alert of the project; None also for what is no id."""
    if not is_uuid(alert_id):
        return None
    query = select(SecurityAlert).where(SecurityAlert.project_id == project_id, SecurityAlert.id == alert_id)
    return session.exec(query.with_for_update() if is_locked else query).first()


def open_alert(session: Session, project_id: str, open_key: str) -> SecurityAlert | None:
    """The alert that takes further events of the key, locked for a change."""
    query = select(SecurityAlert).where(SecurityAlert.project_id == project_id, SecurityAlert.open_key == open_key)
    return session.exec(query.with_for_update()).first()


def insert_alert(session: Session, alert: SecurityAlert) -> bool:
    """Add the alert; False when another one holds its open key."""
    table = SecurityAlert.__table__  # type: ignore[attr-defined]
    statement = insert_into(session, table).values(alert.model_dump()).on_conflict_do_nothing().returning(table.c.id)
    return session.execute(statement).first() is not None


def take_open_key(session: Session, alert: SecurityAlert, open_key: str) -> None:
    """Let the alert take further events of the key, unless another one does."""
    session.add(alert)
    session.flush()
    try:
        with session.begin_nested():
            alert.open_key = open_key
            session.flush()
    except IntegrityError:
        session.refresh(alert)


def save_alert(session: Session, alert: SecurityAlert) -> None:
    """Write a changed alert."""
    session.add(alert)
    session.flush()
