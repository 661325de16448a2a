"""Threat models of a project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from models.identity import Tenant
from models.security import SecurityAlert, SecurityThreatModel


def tenant_plan(session: Session, tenant_id: str) -> str:
    """What the tenant has booked."""
    return session.exec(select(Tenant.plan).where(Tenant.id == tenant_id)).one()


def list_models(session: Session, project_id: str, *, is_enabled: bool | None = None) -> Sequence[SecurityThreatModel]:
    """The project's models by name."""
    query = select(SecurityThreatModel).where(SecurityThreatModel.project_id == project_id)
    if is_enabled is not None:
        query = query.where(SecurityThreatModel.is_enabled == is_enabled)
    return session.exec(query.order_by(sa.func.lower(SecurityThreatModel.name), col(SecurityThreatModel.id))).all()


def count_models(session: Session, project_id: str) -> int:
    """How many models the project has."""
    query = sa.select(sa.func.count()).select_from(SecurityThreatModel).where(col(SecurityThreatModel.project_id) == project_id)
    return int(session.execute(query).scalar_one())


def alert_counts(session: Session, project_id: str, since: datetime) -> dict[str, int]:
    """Alerts that models raised since then, by model."""
    model_id = col(SecurityAlert.details)["model_id"].as_string()
    query = (
        sa.select(model_id, sa.func.count())
        .where(col(SecurityAlert.project_id) == project_id, col(SecurityAlert.created_at) >= since, model_id.is_not(None))
        .group_by(model_id)
    )
    return {str(row[0]): int(row[1]) for row in session.execute(query)}


def get_model(session: Session, project_id: str, model_id: str, *, is_locked: bool = False) -> SecurityThreatModel | None:
    """One model of the project."""
    query = select(SecurityThreatModel).where(SecurityThreatModel.project_id == project_id, SecurityThreatModel.id == model_id)
    return session.exec(query.with_for_update() if is_locked else query).first()


def pause(session: Session, project_id: str, model_id: str, reason: str) -> bool:
    """Switch a model off and say why; False when it was off already."""
    statement = (
        sa.update(SecurityThreatModel)
        .where(
            col(SecurityThreatModel.project_id) == project_id,
            col(SecurityThreatModel.id) == model_id,
            col(SecurityThreatModel.is_enabled).is_(True),
        )
        .values(is_enabled=False, paused_reason=reason)
        .returning(col(SecurityThreatModel.id))
    )
    return session.execute(statement).first() is not None


def save(session: Session, model: SecurityThreatModel) -> None:
    """Write the row now, so that its constraints speak here."""
    session.add(model)
    session.flush()


def delete(session: Session, model: SecurityThreatModel) -> None:
    """Remove the row."""
    session.delete(model)
    session.flush()
