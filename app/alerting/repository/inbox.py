"""Queries on correlation groups and what people decided about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.vocabulary import GroupStatus
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertGroup

MOST_ITEMS = 2000
_VALUES_PER_STATEMENT = 500


def recent_items(
    session: Session, project_id: str, since: datetime, *, group_id: str | None = None
) -> Sequence[sa.Row[tuple[AlertDeliveryItem, AlertDelivery]]]:
    """Items of deliveries made since then, newest delivery first, at most 2000."""
    statement = (
        sa.select(AlertDeliveryItem, AlertDelivery)
        .join(AlertDelivery, col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id))
        .where(
            col(AlertDelivery.project_id) == project_id,
            col(AlertDelivery.created_at) >= since,
            col(AlertDeliveryItem.correlation_group_id).is_not(None),
        )
        .order_by(col(AlertDelivery.created_at).desc(), col(AlertDelivery.id).desc(), col(AlertDeliveryItem.id))
        .limit(MOST_ITEMS)
    )
    if group_id is not None:
        statement = statement.where(col(AlertDeliveryItem.correlation_group_id) == group_id)
    return session.execute(statement).all()


def groups(session: Session, project_id: str, group_ids: Collection[str]) -> dict[str, AlertGroup]:
    """What people decided about the groups; those without a decision are left out."""
    found: dict[str, AlertGroup] = {}
    ids = list(group_ids)
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement = sa.select(AlertGroup).where(
            col(AlertGroup.project_id) == project_id,
            col(AlertGroup.correlation_group_id).in_(ids[start : start + _VALUES_PER_STATEMENT]),
        )
        found |= {row.correlation_group_id: row for row in session.execute(statement).scalars()}
    return found


def has_items(session: Session, project_id: str, group_id: str) -> bool:
    """Whether a delivery of the project ever had an item of the group."""
    statement = (
        sa.select(col(AlertDeliveryItem.id))
        .join(AlertDelivery, col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id))
        .where(col(AlertDelivery.project_id) == project_id, col(AlertDeliveryItem.correlation_group_id) == group_id)
        .limit(1)
    )
    return session.execute(statement).first() is not None


def group_for_update(session: Session, project_id: str, group_id: str) -> AlertGroup | None:
    """The decision about a group, held until the transaction ends."""
    statement = sa.select(AlertGroup).where(
        col(AlertGroup.project_id) == project_id, col(AlertGroup.correlation_group_id) == group_id
    )
    return session.execute(statement.with_for_update().execution_options(populate_existing=True)).scalar_one_or_none()


def suppressed(session: Session, project_id: str, now: datetime) -> frozenset[str]:
    """Groups about which nothing is sent now."""
    silent = [GroupStatus.RESOLVED.value, GroupStatus.FALSE_POSITIVE.value, GroupStatus.ACKNOWLEDGED.value]
    statement = sa.select(col(AlertGroup.correlation_group_id)).where(
        col(AlertGroup.project_id) == project_id,
        sa.or_(
            col(AlertGroup.status).in_(silent),
            sa.and_(col(AlertGroup.status) == GroupStatus.MUTED.value, col(AlertGroup.muted_until) > now),
        ),
    )
    return frozenset(session.execute(statement).scalars())


def reopen(session: Session, project_id: str, group_ids: Collection[str]) -> None:
    """What was acknowledged or resolved is open again, because its scope has stopped firing."""
    ended = [GroupStatus.ACKNOWLEDGED.value, GroupStatus.RESOLVED.value]
    ids = list(group_ids)
    for start in range(0, len(ids), _VALUES_PER_STATEMENT):
        statement: Any = (
            sa.update(AlertGroup)
            .where(
                col(AlertGroup.project_id) == project_id,
                col(AlertGroup.correlation_group_id).in_(ids[start : start + _VALUES_PER_STATEMENT]),
                col(AlertGroup.status).in_(ended),
            )
            .values(status=GroupStatus.OPEN.value)
        )
        session.execute(statement, execution_options={"synchronize_session": False})
