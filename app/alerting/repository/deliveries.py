"""Queries on deliveries: the outbox that workers claim from, and the history that people read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.vocabulary import DeliveryStatus
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertDestination, AlertDrillRun

ALERT, ESCALATION = "alert", "escalation"
"""Kinds of deliveries: what a rule tells, and that nobody answered it."""

KEPT_BACK = ("dropped", "withdrawn")
"""Kinds of failures that are none: the message was not to be sent any more."""

_CLAIM_TRIES = 5


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a list shows; None does not restrict. Both moments are inclusive.

    `is_given_up` parts failed deliveries: those that nobody tries again by itself, and those that will be. `is_kept_back` parts
    those that were not to be sent any more from all others. `with_drills` adds the messages of the project's newest fire drill.
    """

    status: str | None = None
    is_given_up: bool | None = None
    channel: str | None = None
    destination_id: str | None = None
    rule_id: str | None = None
    scan_config_id: str | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    is_kept_back: bool | None = None
    with_drills: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What a rule has sent so far."""

    total: int
    last_at: datetime
    last_status: str


def add(session: Session, delivery: AlertDelivery, items: Iterable[AlertDeliveryItem]) -> None:
    """Insert a delivery with its items."""
    session.add(delivery)
    session.flush()
    session.add_all(items)
    session.flush()


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(AlertDelivery.next_attempt_at) <= now,
        col(AlertDelivery.status).in_([DeliveryStatus.PENDING.value, DeliveryStatus.FAILED.value]),
        sa.or_(col(AlertDelivery.claimed_until).is_(None), col(AlertDelivery.claimed_until) <= now),
    )


def has_due(session: Session, now: datetime) -> bool:
    """Whether a delivery waits for a worker."""
    return session.execute(sa.select(col(AlertDelivery.id)).where(_due(now)).limit(1)).first() is not None


def claim(session: Session, holder: str, now: datetime, until: datetime) -> AlertDelivery | None:
    """Take the delivery that has waited longest; of several workers exactly one gets it."""
    for _ in range(_CLAIM_TRIES):
        found = session.execute(
            sa.select(col(AlertDelivery.id))
            .where(_due(now))
            .order_by(col(AlertDelivery.next_attempt_at), col(AlertDelivery.id))
            .limit(1)
        ).scalar_one_or_none()
        if found is None:
            return None
        taken = session.execute(
            sa.update(AlertDelivery)
            .where(col(AlertDelivery.id) == found, _due(now))
            .values(
                claimed_by=holder,
                claimed_until=until,
                attempt_count=col(AlertDelivery.attempt_count) + 1,
                status=DeliveryStatus.PENDING.value,
            ),
            execution_options={"synchronize_session": False},
        )
        if cast("sa.CursorResult[Any]", taken).rowcount == 1:
            return session.get(AlertDelivery, found, populate_existing=True)
    return None


def claimed(session: Session, delivery_id: str, holder: str) -> AlertDelivery | None:
    """The delivery, when the holder still has it."""
    statement = (
        sa.select(AlertDelivery)
        .where(col(AlertDelivery.id) == delivery_id, col(AlertDelivery.claimed_by) == holder)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.execute(statement).scalar_one_or_none()


def supersede(session: Session, rule_id: str, scan_config_id: str, destination_id: str) -> None:
    """Failed deliveries of the rule and scan to that place are not tried again by themselves: a newer one says what is true."""
    session.execute(
        sa.update(AlertDelivery)
        .where(
            col(AlertDelivery.rule_id) == rule_id,
            col(AlertDelivery.scan_config_id) == scan_config_id,
            col(AlertDelivery.destination_id) == destination_id,
            col(AlertDelivery.kind) == ALERT,
            col(AlertDelivery.status) == DeliveryStatus.FAILED.value,
            col(AlertDelivery.next_attempt_at).is_not(None),
        )
        .values(next_attempt_at=None),
        execution_options={"synchronize_session": False},
    )


def page(session: Session, project_id: str, wanted: DeliveryFilter, *, limit: int, offset: int) -> tuple[list[AlertDelivery], int]:
    """The project's deliveries, newest first, and how many there are in all."""
    conditions = [_of_project(project_id, with_drills=wanted.with_drills)]
    for name in ("status", "channel", "destination_id", "rule_id", "scan_config_id"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(col(getattr(AlertDelivery, name)) == value)
    if wanted.is_given_up is not None:
        conditions.append(col(AlertDelivery.status) == DeliveryStatus.FAILED.value)
        has_ended = col(AlertDelivery.next_attempt_at).is_(None)
        conditions.append(has_ended if wanted.is_given_up else sa.not_(has_ended))
    if wanted.is_kept_back is not None:
        is_kept = sa.func.coalesce(col(AlertDelivery.error_kind), "").in_(KEPT_BACK)
        conditions.append(is_kept if wanted.is_kept_back else ~is_kept)
    if wanted.date_from is not None:
        conditions.append(col(AlertDelivery.created_at) >= wanted.date_from)
    if wanted.date_to is not None:
        conditions.append(col(AlertDelivery.created_at) <= wanted.date_to)
    total = session.execute(sa.select(sa.func.count()).select_from(AlertDelivery).where(*conditions)).scalar_one()
    statement = (
        sa.select(AlertDelivery)
        .where(*conditions)
        .order_by(col(AlertDelivery.created_at).desc(), col(AlertDelivery.id).desc())
        .limit(limit)
        .offset(offset)
    )
    return list(session.execute(statement).scalars()), total


def _of_project(project_id: str, *, with_drills: bool) -> sa.ColumnElement[bool]:
    own = col(AlertDelivery.project_id) == project_id
    if not with_drills:
        return own
    canaries = sa.select(col(AlertDrillRun.canary_project_id)).where(col(AlertDrillRun.project_id) == project_id)
    return sa.or_(own, col(AlertDelivery.project_id).in_(canaries))


def find(
    session: Session, project_id: str, delivery_id: str, *, lock: bool = False, with_drills: bool = False
) -> AlertDelivery | None:
    """One of the project's deliveries as it is now."""
    statement = sa.select(AlertDelivery).where(
        _of_project(project_id, with_drills=with_drills), col(AlertDelivery.id) == delivery_id
    )
    if lock:
        statement = statement.with_for_update()
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def items_of(session: Session, delivery_id: str) -> list[AlertDeliveryItem]:
    """A delivery's items by scope type, the newest bucket first."""
    statement = (
        sa.select(AlertDeliveryItem)
        .where(col(AlertDeliveryItem.delivery_id) == delivery_id)
        .order_by(col(AlertDeliveryItem.scope_type), col(AlertDeliveryItem.bucket).desc(), col(AlertDeliveryItem.id))
    )
    return list(session.execute(statement).scalars())


def figures(session: Session, rule_id: str) -> DeliveryFigures | None:
    """What the rule has sent so far; None for nothing."""
    of_rule = col(AlertDelivery.rule_id) == rule_id
    total = session.execute(sa.select(sa.func.count()).select_from(AlertDelivery).where(of_rule)).scalar_one()
    newest = session.execute(
        sa.select(col(AlertDelivery.created_at), col(AlertDelivery.status))
        .where(of_rule)
        .order_by(col(AlertDelivery.created_at).desc(), col(AlertDelivery.id).desc())
        .limit(1)
    ).first()
    return None if newest is None else DeliveryFigures(total, newest[0], newest[1])


def newest_of_destinations(session: Session, project_id: str | None = None) -> dict[str, AlertDelivery]:
    """The newest delivery of every destination that is still there, by destination; of all projects when none is named."""
    newest = sa.select(
        col(AlertDelivery.id).label("id"),
        sa.func.row_number()
        .over(
            partition_by=col(AlertDelivery.destination_id),
            order_by=(col(AlertDelivery.created_at).desc(), col(AlertDelivery.id).desc()),
        )
        .label("place"),
    ).join(AlertDestination, col(AlertDestination.id) == col(AlertDelivery.destination_id))
    if project_id is not None:
        newest = newest.where(col(AlertDelivery.project_id) == project_id)
    ranked = newest.subquery()
    statement = sa.select(AlertDelivery).join(ranked, sa.and_(ranked.c.id == col(AlertDelivery.id), ranked.c.place == 1))
    return {row.destination_id: row for row in session.execute(statement).scalars()}


def given_up_count(session: Session, since: datetime) -> int:
    """How many deliveries of all projects, made since then, failed and are not tried again by themselves."""
    statement = (
        sa.select(sa.func.count())
        .select_from(AlertDelivery)
        .where(
            col(AlertDelivery.created_at) >= since,
            col(AlertDelivery.status) == DeliveryStatus.FAILED.value,
            col(AlertDelivery.next_attempt_at).is_(None),
            sa.or_(col(AlertDelivery.error_kind).is_(None), col(AlertDelivery.error_kind).not_in(KEPT_BACK)),
        )
    )
    return int(session.execute(statement).scalar_one())
