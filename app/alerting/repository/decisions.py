"""Queries on what was told and then decided in the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.repository.deliveries import ALERT
from app.alerting.vocabulary import GroupStatus
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertGroup

MOST_DECIDED = 5000
_DECIDED = (GroupStatus.ACKNOWLEDGED.value, GroupStatus.RESOLVED.value, GroupStatus.FALSE_POSITIVE.value)


@dataclass(frozen=True, slots=True)
class Decided:
    """A told bucket of a scope whose group somebody has decided about since."""

    scan_config_id: str
    scope_type: str
    scope_ref: str
    direction: str
    bucket: datetime
    status: str


def decided_items(session: Session, project_id: str, since: datetime) -> list[Decided]:
    """Items of buckets since then that were delivered before their group's standing decision; newest first, at most 5000."""
    statement = (
        sa.select(
            col(AlertDelivery.scan_config_id), col(AlertDeliveryItem.scope_type), col(AlertDeliveryItem.scope_ref),
            col(AlertDeliveryItem.direction), col(AlertDeliveryItem.bucket), col(AlertGroup.status),
        )
        .join(AlertDelivery, col(AlertDelivery.id) == col(AlertDeliveryItem.delivery_id))
        .join(
            AlertGroup,
            sa.and_(
                col(AlertGroup.correlation_group_id) == col(AlertDeliveryItem.correlation_group_id),
                col(AlertGroup.project_id) == col(AlertDelivery.project_id),
            ),
        )
        .where(
            col(AlertDelivery.project_id) == project_id,
            col(AlertDeliveryItem.bucket) >= since,
            col(AlertGroup.status).in_(_DECIDED),
            col(AlertDelivery.created_at) <= col(AlertGroup.acted_at),
        )
        .order_by(col(AlertDeliveryItem.bucket).desc(), col(AlertDeliveryItem.id))
        .limit(MOST_DECIDED)
    )  # fmt: skip
    return [Decided(*row) for row in session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery of a rule that had a bucket of the scope among its items."""

    delivery_id: str
    bucket: datetime
    status: str
    created_at: datetime
    sent_at: datetime | None


def told_about(session: Session, rule_id: str, scan_config_id: str, scope_type: str, scope_ref: str) -> Sequence[Told]:
    """What a rule told about a scope of a scan, oldest delivery first."""
    statement = (
        sa.select(
            col(AlertDelivery.id), col(AlertDeliveryItem.bucket), col(AlertDelivery.status), col(AlertDelivery.created_at),
            col(AlertDelivery.sent_at),
        )
        .join(AlertDeliveryItem, col(AlertDeliveryItem.delivery_id) == col(AlertDelivery.id))
        .where(
            col(AlertDelivery.rule_id) == rule_id,
            col(AlertDelivery.kind) == ALERT,
            col(AlertDelivery.scan_config_id) == scan_config_id,
            col(AlertDeliveryItem.scope_type) == scope_type,
            col(AlertDeliveryItem.scope_ref) == scope_ref,
        )
        .order_by(col(AlertDelivery.created_at), col(AlertDelivery.id))
    )  # fmt: skip
    return [Told(*row) for row in session.execute(statement)]


def made_since(session: Session, project_id: str, since: datetime) -> dict[str, int]:
    """How many deliveries each rule made since then, whatever became of them."""
    statement = (
        sa.select(col(AlertDelivery.rule_id), sa.func.count())
        .where(
            col(AlertDelivery.project_id) == project_id, col(AlertDelivery.created_at) >= since, col(AlertDelivery.kind) == ALERT
        )
        .group_by(col(AlertDelivery.rule_id))
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def last_made(session: Session, project_id: str) -> dict[str, datetime]:
    """When each rule last made a delivery, whatever became of it."""
    statement = (
        sa.select(col(AlertDelivery.rule_id), sa.func.max(col(AlertDelivery.created_at)))
        .where(col(AlertDelivery.project_id) == project_id, col(AlertDelivery.kind) == ALERT)
        .group_by(col(AlertDelivery.rule_id))
    )
    return {row[0]: row[1] for row in session.execute(statement)}
