"""Queries on deliveries that wait for a rule's schedule."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.repository.deliveries import ALERT
from app.alerting.vocabulary import DeliveryStatus
from models.alerting import AlertDelivery, AlertDeliveryItem


def held_deliveries(session: Session, rule_ids: Collection[str], now: datetime) -> list[AlertDelivery]:
    """Deliveries of the rules that no worker has begun and that wait until later, held for this transaction."""
    statement = (
        sa.select(AlertDelivery)
        .where(
            col(AlertDelivery.rule_id).in_(rule_ids),
            col(AlertDelivery.status) == DeliveryStatus.PENDING.value,
            col(AlertDelivery.kind) == ALERT,
            col(AlertDelivery.held_until) > now,
            col(AlertDelivery.attempt_count) == 0,
            col(AlertDelivery.claimed_by).is_(None),
        )
        .order_by(col(AlertDelivery.created_at), col(AlertDelivery.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.execute(statement).scalars())


def items_in_order(session: Session, delivery_id: str) -> list[AlertDeliveryItem]:
    """What a delivery tells so far, oldest bucket first."""
    statement = (
        sa.select(AlertDeliveryItem)
        .where(col(AlertDeliveryItem.delivery_id) == delivery_id)
        .order_by(col(AlertDeliveryItem.bucket), col(AlertDeliveryItem.id))
    )
    return list(session.execute(statement).scalars())
