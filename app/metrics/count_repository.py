"""Counts of many series, packed by the database: a text of buckets and a text of counts for each series instead of a row per count.

A row costs Python more than its arithmetic does, and detection reads tens of millions of them after each collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from app.metrics.contracts import ScopeType
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType

SEPARATOR = ","
_REFS_PER_STATEMENT = 5_000


def counted_refs(session: Session, config_id: str, scope_type: ScopeType, refs: Sequence[str]) -> set[str]:
    """Those of the event types or events for which the config ever stored a count."""
    model = Event if scope_type is ScopeType.EVENT else EventType
    is_counted = sa.exists().where(
        col(MetricBucket.scan_config_id) == config_id,
        col(MetricBucket.scope_type) == scope_type.value,
        col(MetricBucket.scope_ref) == col(model.id),
    )
    found: set[str] = set()
    for first in range(0, len(refs), _REFS_PER_STATEMENT):
        some = refs[first : first + _REFS_PER_STATEMENT]
        found.update(session.execute(sa.select(col(model.id)).where(col(model.id).in_(some), is_counted)).scalars())
    return found


def covered_buckets(session: Session, config_id: str, start: datetime, stop: datetime) -> list[tuple[datetime, str]]:
    """Collected buckets in [start, stop), oldest first, each with the text that `packed_counts` gives for it."""
    bucket = col(MetricCoverage.bucket)
    statement = sa.select(bucket, sa.cast(bucket, sa.String).label("text")).where(
        col(MetricCoverage.scan_config_id) == config_id, bucket >= start, bucket < stop
    )
    return [(row[0], row[1]) for row in session.execute(statement.order_by(bucket))]


def packed_counts(
    session: Session, config_id: str, scope_type: ScopeType, refs: Sequence[str], start: datetime, stop: datetime
) -> Iterator[tuple[str, str, str]]:
    """(ref, buckets, counts) of the scopes with a count in [start, stop): two lists of one order, usually that of time."""
    bucket, ref = col(MetricBucket.bucket), col(MetricBucket.scope_ref)
    statement = (
        sa.select(
            ref,
            sa.func.aggregate_strings(sa.cast(bucket, sa.String), SEPARATOR),
            sa.func.aggregate_strings(sa.cast(col(MetricBucket.count), sa.String), SEPARATOR),
        )
        .where(
            col(MetricBucket.scan_config_id) == config_id,
            col(MetricBucket.scope_type) == scope_type.value,
            bucket >= start,
            bucket < stop,
        )
        .group_by(ref)
    )
    for first in range(0, len(refs), _REFS_PER_STATEMENT):
        for row in session.execute(statement.where(ref.in_(refs[first : first + _REFS_PER_STATEMENT]))):
            yield row[0], row[1], row[2]
