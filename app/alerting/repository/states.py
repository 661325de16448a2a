"""Queries on what rules remember, and on how far collections were handed to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting.repository.deliveries import ALERT
from app.kernel.database import insert_into
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertEvaluation, AlertRuleState
from models.projects import Project
from models.scans import ScanConfig, ScanJob

_ROWS_PER_STATEMENT = 1000
_COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Collected:
    """A scan whose newest collection the rules have not seen."""

    scan_config_id: str
    scan_name: str
    job_id: str
    completed_at: datetime
    project_id: str
    project_slug: str
    project_name: str


def waiting_scans(session: Session) -> list[Collected]:
    """Scans that completed a run since their rules were last asked, oldest run first."""
    newest = (
        sa.select(col(ScanJob.scan_config_id).label("config_id"), sa.func.max(col(ScanJob.completed_at)).label("completed_at"))
        .where(col(ScanJob.status) == _COMPLETED, col(ScanJob.completed_at).is_not(None))
        .group_by(col(ScanJob.scan_config_id))
        .subquery()
    )
    statement = (
        sa.select(
            col(ScanConfig.id), col(ScanConfig.name), sa.func.max(col(ScanJob.id)), newest.c.completed_at,
            col(Project.id), col(Project.slug), col(Project.name),
        )
        .join(newest, newest.c.config_id == col(ScanConfig.id))
        .join(
            ScanJob,
            sa.and_(
                col(ScanJob.scan_config_id) == col(ScanConfig.id),
                col(ScanJob.completed_at) == newest.c.completed_at,
                col(ScanJob.status) == _COMPLETED,
            ),
        )
        .join(Project, col(Project.id) == col(ScanConfig.project_id))
        .outerjoin(AlertEvaluation, col(AlertEvaluation.scan_config_id) == col(ScanConfig.id))
        .where(
            col(ScanConfig.interval).is_not(None),
            sa.or_(col(AlertEvaluation.collected_at).is_(None), newest.c.completed_at > col(AlertEvaluation.collected_at)),
        )
        .group_by(
            col(ScanConfig.id), col(ScanConfig.name), newest.c.completed_at, col(Project.id), col(Project.slug), col(Project.name)
        )
        .order_by(newest.c.completed_at, col(ScanConfig.id))
    )  # fmt: skip
    return [Collected(*row) for row in session.execute(statement)]


def take_collection(session: Session, scan_config_id: str, collected_at: datetime, now: datetime) -> bool:
    """Note that this collection is handed to the rules in this transaction; False when somebody else did it."""
    table = cast(sa.Table, AlertEvaluation.__table__)  # type: ignore[attr-defined]
    statement = insert_into(session, table).values(scan_config_id=scan_config_id, collected_at=collected_at, evaluated_at=now)
    statement = statement.on_conflict_do_update(
        index_elements=["scan_config_id"],
        set_={"collected_at": statement.excluded.collected_at, "evaluated_at": statement.excluded.evaluated_at},
        where=table.c.collected_at < statement.excluded.collected_at,
    )
    return session.execute(statement.returning(table.c.scan_config_id)).first() is not None


def states_of_scan(session: Session, rule_ids: Collection[str], scan_config_id: str) -> list[AlertRuleState]:
    """What the rules remember of the scan, held until the transaction ends, so that no delivery ends meanwhile."""
    statement = (
        sa.select(AlertRuleState)
        .where(col(AlertRuleState.rule_id).in_(rule_ids), col(AlertRuleState.scan_config_id) == scan_config_id)
        .with_for_update()
    )
    return list(session.execute(statement.execution_options(populate_existing=True)).scalars())


def states_of_rules(session: Session, rule_ids: Collection[str]) -> list[AlertRuleState]:
    """What the rules remember."""
    statement = sa.select(AlertRuleState).where(col(AlertRuleState.rule_id).in_(rule_ids))
    return list(session.execute(statement).scalars())


def write_states(session: Session, rows: Iterable[Mapping[str, object]]) -> None:
    """Insert states; of those that are there, everything but when somebody was told."""
    table = cast(sa.Table, AlertRuleState.__table__)  # type: ignore[attr-defined]
    written = [dict(row) for row in rows]
    for start in range(0, len(written), _ROWS_PER_STATEMENT):
        statement = insert_into(session, table).values(written[start : start + _ROWS_PER_STATEMENT])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["rule_id", "scan_config_id", "scope_type", "scope_ref"],
                set_={
                    name: statement.excluded[name]
                    for name in (
                        "is_active",
                        "bucket",
                        "last_seen_bucket",
                        "direction",
                        "delivery_id",
                        "waiting_since",
                        "escalation_step",
                    )
                },
            )
        )


def hold_scopes(session: Session, delivery: AlertDelivery) -> None:
    """The delivery is under way again: its scopes wait for it, unless another delivery is about them."""
    if delivery.kind != ALERT:
        return
    session.execute(
        sa.update(AlertRuleState)
        .where(*_about(delivery), col(AlertRuleState.delivery_id).is_(None))
        .values(delivery_id=delivery.id),
        execution_options={"synchronize_session": False},
    )


def release_scopes(session: Session, delivery: AlertDelivery, *, arrived_at: datetime | None) -> None:
    """The delivery ended: its scopes do not wait for it any more, and were told about when it arrived.

    What it left out was not told, and a step of an escalation is no news about its scopes.
    """
    if arrived_at is not None and delivery.kind == ALERT:
        told = (
            sa.select(sa.func.max(col(AlertDeliveryItem.bucket)))
            .where(
                col(AlertDeliveryItem.delivery_id) == delivery.id,
                col(AlertDeliveryItem.dropped_because).is_(None),
                col(AlertDeliveryItem.scope_type) == col(AlertRuleState.scope_type),
                col(AlertDeliveryItem.scope_ref) == col(AlertRuleState.scope_ref),
            )
            .correlate(AlertRuleState)
            .scalar_subquery()
        )
        # A late retry of an old delivery must not undo what a later one said.
        is_news = sa.or_(col(AlertRuleState.notified_bucket).is_(None), col(AlertRuleState.notified_bucket) <= told)
        session.execute(
            sa.update(AlertRuleState).where(*_about(delivery), is_news).values(notified_at=arrived_at, notified_bucket=told),
            execution_options={"synchronize_session": False},
        )
    session.execute(
        sa.update(AlertRuleState).where(col(AlertRuleState.delivery_id) == delivery.id).values(delivery_id=None),
        execution_options={"synchronize_session": False},
    )


def settle_scopes(session: Session, delivery: AlertDelivery) -> None:
    """What the delivery leaves out is not told by the next one either: people know about these buckets."""
    left_out = sa.select(sa.func.max(col(AlertDeliveryItem.bucket))).where(
        col(AlertDeliveryItem.delivery_id) == delivery.id,
        col(AlertDeliveryItem.dropped_because).is_not(None),
        col(AlertDeliveryItem.scope_type) == col(AlertRuleState.scope_type),
        col(AlertDeliveryItem.scope_ref) == col(AlertRuleState.scope_ref),
    )
    bucket = left_out.correlate(AlertRuleState).scalar_subquery()
    is_news = sa.or_(col(AlertRuleState.notified_bucket).is_(None), col(AlertRuleState.notified_bucket) < bucket)
    session.execute(
        sa.update(AlertRuleState)
        .where(
            col(AlertRuleState.rule_id) == delivery.rule_id,
            col(AlertRuleState.scan_config_id) == delivery.scan_config_id,
            bucket.is_not(None),
            is_news,
        )
        .values(notified_bucket=bucket),
        execution_options={"synchronize_session": False},
    )


def _about(delivery: AlertDelivery) -> list[sa.ColumnElement[bool]]:
    is_item = sa.exists().where(
        col(AlertDeliveryItem.delivery_id) == delivery.id,
        col(AlertDeliveryItem.dropped_because).is_(None),
        col(AlertDeliveryItem.scope_type) == col(AlertRuleState.scope_type),
        col(AlertDeliveryItem.scope_ref) == col(AlertRuleState.scope_ref),
    )
    return [
        col(AlertRuleState.rule_id) == delivery.rule_id,
        col(AlertRuleState.scan_config_id) == delivery.scan_config_id,
        is_item,
    ]
