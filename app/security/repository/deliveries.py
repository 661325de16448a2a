"""Every query on the entries of webhooks that became events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import insert_into
from models.security import SecurityDelivery

_QUIET = {"synchronize_session": False}


def claim(session: Session, project_id: str, event_ids: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Those of the deliveries (delivery to event id) that nobody claimed before; they are claimed now, by this transaction only."""
    values = [
        {"project_id": project_id, "delivery_id": delivery_id, "event_id": event_id, "received_at": now}
        for delivery_id, event_id in event_ids.items()
    ]
    table = SecurityDelivery.__table__  # type: ignore[attr-defined]
    statement = insert_into(session, table).values(values).on_conflict_do_nothing().returning(table.c.delivery_id)
    return frozenset(str(row[0]) for row in session.execute(statement))


def take_over(session: Session, project_id: str, ids: Sequence[str], before: datetime, now: datetime) -> dict[str, str]:
    """Claim those that were claimed before the instant and never kept; delivery to event id."""
    lapsed = (
        sa.update(SecurityDelivery)
        .where(*_of(project_id, ids), col(SecurityDelivery.kept_at).is_(None), col(SecurityDelivery.received_at) <= before)
        .values(received_at=now)
        .returning(col(SecurityDelivery.delivery_id), col(SecurityDelivery.event_id))
    )
    return {row[0]: row[1] for row in session.execute(lapsed, execution_options=_QUIET)}


def is_any_under_way(session: Session, project_id: str, ids: Sequence[str]) -> bool:
    """Whether one of them is claimed and not kept."""
    wanted = sa.select(col(SecurityDelivery.delivery_id)).where(*_of(project_id, ids), col(SecurityDelivery.kept_at).is_(None))
    return session.execute(wanted.limit(1)).first() is not None


def keep(session: Session, project_id: str, ids: Sequence[str], now: datetime) -> None:
    """Say that their events are durable."""
    kept = sa.update(SecurityDelivery).where(*_of(project_id, ids)).values(kept_at=now)
    session.execute(kept, execution_options=_QUIET)


def forget(session: Session, project_id: str, ids: Sequence[str]) -> None:
    """Let them be claimed again, because their events were not stored."""
    session.execute(sa.delete(SecurityDelivery).where(*_of(project_id, ids)), execution_options=_QUIET)


def _of(project_id: str, ids: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return col(SecurityDelivery.project_id) == project_id, col(SecurityDelivery.delivery_id).in_(ids)
