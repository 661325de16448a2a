"""Storing what a collection counted beside the plain counts: breakdowns, app versions, distributions (contract 5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from app.metrics.day_repository import merge_days
from models.detection import Anomaly
from models.metrics import MetricBreakdown, MetricBucket, MetricDistribution

_ROWS_PER_STATEMENT = 20_000


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """One stored count of a scope for one value; `is_other` stands for all values that have no row of their own."""

    scope_type: ScopeType
    scope_ref: str
    breakdown_column: str
    breakdown_value: str
    is_other: bool
    bucket: datetime
    count: int


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """One stored count of a watched field's value within an event type."""

    event_type_id: str
    field_name: str
    value: str
    bucket: datetime
    count: int


def replace_breakdowns(
    session: Session,
    config_id: str,
    start: datetime,
    stop: datetime,
    breakdowns: Iterable[BreakdownRow],
    distributions: Iterable[DistributionRow],
) -> None:
    """Make [start, stop) of the config hold exactly these rows; all of them lie in the window and no key occurs twice."""
    for table in (MetricBreakdown, MetricDistribution):
        session.execute(
            sa.delete(table).where(col(table.scan_config_id) == config_id, col(table.bucket) >= start, col(table.bucket) < stop),
            execution_options={"synchronize_session": False},
        )
    of_breakdowns: Iterator[dict[str, object]] = (
        {
            "scan_config_id": config_id,
            "scope_type": row.scope_type.value,
            "scope_ref": row.scope_ref,
            "breakdown_column": row.breakdown_column,
            "breakdown_value": row.breakdown_value,
            "is_other": row.is_other,
            "bucket": row.bucket,
            "count": row.count,
        }
        # In the order of the primary key, by which the rows lie: far fewer pages change than in the order of a hash.
        for row in sorted(breakdowns, key=_place)
    )
    _insert_many(session, MetricBreakdown, of_breakdowns)
    of_distributions: Iterator[dict[str, object]] = (
        {
            "scan_config_id": config_id,
            "event_type_id": row.event_type_id,
            "field_name": row.field_name,
            "value": row.value,
            "bucket": row.bucket,
            "count": row.count,
        }
        for row in distributions
    )
    _insert_many(session, MetricDistribution, of_distributions)


def merge_event_metrics(session: Session, sources: Sequence[str], target: str) -> None:
    """Add the counts of events, in every scan, to those of the target and remove them; breakdowns likewise (contract 4.7).

    Their anomalies move too, except where the target has one in the same bucket.
    """
    if not sources:
        return
    merged = [target, *sources]
    for table, keys in (
        (MetricBucket, ("scan_config_id", "bucket")),
        (MetricBreakdown, ("scan_config_id", "breakdown_column", "breakdown_value", "is_other", "bucket")),
    ):
        columns = [getattr(table, name) for name in keys]
        of_events = (col(table.scope_type) == ScopeType.EVENT.value, col(table.scope_ref).in_(merged))
        summed = sa.select(*columns, sa.func.sum(col(table.count))).where(*of_events).group_by(*columns)
        rows = [dict(zip((*keys, "count"), row, strict=True)) for row in session.execute(summed)]
        session.execute(sa.delete(table).where(*of_events), execution_options={"synchronize_session": False})
        scope = {"scope_type": ScopeType.EVENT.value, "scope_ref": target}
        _insert_many(session, table, ({**row, **scope, "count": int(row["count"])} for row in rows))

    merge_days(session, merged, target)
    of_event = col(Anomaly.scope_type) == ScopeType.EVENT.value
    keys_of = (col(Anomaly.scan_config_id), col(Anomaly.bucket))
    taken = {tuple(row) for row in session.execute(sa.select(*keys_of).where(of_event, col(Anomaly.scope_ref) == target))}
    found = sa.select(Anomaly).where(of_event, col(Anomaly.scope_ref).in_(sources)).order_by(col(Anomaly.created_at))
    for anomaly in session.execute(found).scalars():
        key = (anomaly.scan_config_id, anomaly.bucket)
        if key in taken:
            session.delete(anomaly)
        else:
            taken.add(key)
            anomaly.scope_ref = target
    session.flush()


def _place(row: BreakdownRow) -> tuple[str, str, str, str, bool, datetime]:
    return row.scope_type.value, row.scope_ref, row.breakdown_column, row.breakdown_value, row.is_other, row.bucket


def _insert_many(session: Session, model: Any, rows: Iterator[dict[str, Any]]) -> None:
    # Core inserts in bounded batches: no ORM objects, and memory does not grow with the window.
    while batch := list(islice(rows, _ROWS_PER_STATEMENT)):
        session.connection().execute(sa.insert(cast(sa.Table, model.__table__)), batch)
