"""Every query on stored counts and coverage. Counts live per event and per event type; totals are sums over the types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import read_once
from app.metrics.contracts import BucketRow, CoverageRow, ScopeType
from models.detection import Anomaly
from models.metrics import MetricBucket, MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.scans import ScanConfig

AnySelect: TypeAlias = "sa.Select[*tuple[Any, ...]]"

_ROWS_PER_STATEMENT = 20_000
_REFS_PER_STATEMENT = 5_000
STORED_SCOPES = (ScopeType.EVENT.value, ScopeType.EVENT_TYPE.value)


def _table(model: Any) -> sa.Table:
    return cast(sa.Table, model.__table__)


def delete_window(session: Session, config_id: str, start: datetime, stop: datetime) -> None:
    """Remove counts and coverage of the config in [start, stop)."""
    session.execute(
        sa.delete(MetricBucket).where(
            col(MetricBucket.scan_config_id) == config_id,
            col(MetricBucket.scope_type).in_(STORED_SCOPES),
            col(MetricBucket.bucket) >= start,
            col(MetricBucket.bucket) < stop,
        ),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        sa.delete(MetricCoverage).where(
            col(MetricCoverage.scan_config_id) == config_id, col(MetricCoverage.bucket) >= start, col(MetricCoverage.bucket) < stop
        ),
        execution_options={"synchronize_session": False},
    )


def _insert_many(session: Session, table: sa.Table, rows: Iterator[dict[str, object]]) -> None:
    # Core inserts in bounded batches: no ORM objects, and memory does not grow with the window.
    while batch := list(islice(rows, _ROWS_PER_STATEMENT)):
        session.connection().execute(sa.insert(table), batch)


def insert_counts(session: Session, rows: Iterable[BucketRow]) -> None:
    """Store counts; their keys are not stored yet."""
    values: Iterator[dict[str, object]] = (
        {
            "scan_config_id": row.key.scan_config_id,
            "scope_type": row.key.scope_type.value,
            "scope_ref": row.key.ref,
            "bucket": row.bucket,
            "count": row.count,
        }
        for row in rows
    )
    _insert_many(session, _table(MetricBucket), values)


def insert_coverage(session: Session, config_id: str, rows: Iterable[CoverageRow]) -> None:
    """Store coverage; its buckets are not stored yet."""
    values: Iterator[dict[str, object]] = (
        {
            "scan_config_id": config_id,
            "bucket": row.bucket,
            "total_count": row.total_count,
            "matched_count": row.matched_count,
        }
        for row in rows
    )
    _insert_many(session, _table(MetricCoverage), values)


def covered_buckets(
    session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None
) -> list[datetime]:
    """Collected buckets in [start, stop), oldest first."""
    statement: AnySelect = sa.select(col(MetricCoverage.bucket)).where(col(MetricCoverage.scan_config_id) == config_id)
    statement = between(statement, col(MetricCoverage.bucket), start, stop)
    return list(session.execute(statement.order_by(col(MetricCoverage.bucket))).scalars())


def newest_covered_bucket(session: Session, config_id: str) -> datetime | None:
    """The newest collected bucket."""
    statement = (
        sa.select(col(MetricCoverage.bucket))
        .where(col(MetricCoverage.scan_config_id) == config_id)
        .order_by(col(MetricCoverage.bucket).desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def stored_keys(session: Session, config_id: str) -> list[tuple[str, str]]:
    """Every (scope type, ref) the config ever stored a count for."""
    statement = sa.select(col(MetricBucket.scope_type), col(MetricBucket.scope_ref)).where(
        col(MetricBucket.scan_config_id) == config_id
    )
    return [(row[0], row[1]) for row in session.execute(statement.distinct().order_by(*statement.selected_columns))]


def counts_of_scopes(
    session: Session,
    config_id: str,
    scope_type: ScopeType,
    refs: Sequence[str] | None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> Iterator[tuple[str, datetime, int]]:
    """(ref, bucket, count) of the scopes, all of the type when `refs` is None."""
    statement: AnySelect = sa.select(col(MetricBucket.scope_ref), col(MetricBucket.bucket), col(MetricBucket.count)).where(
        col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == scope_type.value
    )
    statement = between(statement, col(MetricBucket.bucket), start, stop)
    if refs is None:
        yield from ((row[0], row[1], row[2]) for row in session.execute(statement))
        return
    for first in range(0, len(refs), _REFS_PER_STATEMENT):
        some = statement.where(col(MetricBucket.scope_ref).in_(refs[first : first + _REFS_PER_STATEMENT]))
        yield from ((row[0], row[1], row[2]) for row in session.execute(some))


def total_per_bucket(
    session: Session, config_id: str, start: datetime | None = None, stop: datetime | None = None
) -> list[tuple[datetime, int]]:
    """The project total: sum over the event-type rows per bucket, oldest first."""
    statement: AnySelect = sa.select(col(MetricBucket.bucket), sa.func.sum(col(MetricBucket.count))).where(
        col(MetricBucket.scan_config_id) == config_id, col(MetricBucket.scope_type) == ScopeType.EVENT_TYPE.value
    )
    statement = between(statement, col(MetricBucket.bucket), start, stop)
    rows = session.execute(statement.group_by(col(MetricBucket.bucket)).order_by(col(MetricBucket.bucket)))
    return [(row[0], int(row[1])) for row in rows]


def anomalous_buckets(
    session: Session, config_id: str, scope_type: ScopeType, ref: str, start: datetime | None, stop: datetime | None
) -> list[datetime]:
    """Buckets of the series in which detection found an anomaly."""
    statement = sa.select(col(Anomaly.bucket)).where(
        col(Anomaly.scan_config_id) == config_id, col(Anomaly.scope_type) == scope_type.value, col(Anomaly.scope_ref) == ref
    )
    return list(session.execute(between(statement, col(Anomaly.bucket), start, stop)).scalars())


def project_configs(session: Session, project_id: str) -> list[ScanConfig]:
    """The project's configs with interval and time column, newest first."""

    def read() -> list[ScanConfig]:
        statement = (
            sa.select(ScanConfig)
            .where(
                col(ScanConfig.project_id) == project_id,
                col(ScanConfig.interval).is_not(None),
                col(ScanConfig.time_column).is_not(None),
            )
            .order_by(col(ScanConfig.created_at).desc(), col(ScanConfig.id).desc())
        )
        return list(session.execute(statement).scalars())

    return list(read_once(session, ("collecting scans", project_id), read) or ())


def find_config(session: Session, config_id: str) -> ScanConfig | None:
    """One config."""
    return read_once(session, ("scan", config_id), lambda: session.get(ScanConfig, config_id))


def newest_bucket_per_config(session: Session, config_ids: Sequence[str], scope_type: ScopeType, ref: str) -> dict[str, datetime]:
    """For each config that ever counted the scope, its newest bucket."""
    statement = (
        sa.select(col(MetricBucket.scan_config_id), sa.func.max(col(MetricBucket.bucket)))
        .where(
            col(MetricBucket.scan_config_id).in_(config_ids),
            col(MetricBucket.scope_type) == scope_type.value,
            col(MetricBucket.scope_ref) == ref,
        )
        .group_by(col(MetricBucket.scan_config_id))
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def scope_exists(session: Session, project_id: str, scope_type: ScopeType, ref: str) -> bool:
    """Whether the event or event type is the project's."""
    model = Event if scope_type is ScopeType.EVENT else EventType
    statement = sa.select(col(model.id)).where(col(model.id) == ref, col(model.project_id) == project_id)
    return session.execute(statement).first() is not None


def config_of_project(session: Session, project_id: str, config_id: str) -> ScanConfig | None:
    """The project's config, whether or not it collects metrics."""
    statement = sa.select(ScanConfig).where(col(ScanConfig.id) == config_id, col(ScanConfig.project_id) == project_id)
    return session.execute(statement).scalar_one_or_none()


def anomalies_of(
    session: Session, config_id: str, scope_type: ScopeType, refs: Sequence[str], start: datetime | None, stop: datetime | None
) -> list[Anomaly]:
    """The anomalies of these scopes in [start, stop)."""
    statement = sa.select(Anomaly).where(
        col(Anomaly.scan_config_id) == config_id, col(Anomaly.scope_type) == scope_type.value, col(Anomaly.scope_ref).in_(refs)
    )
    return list(session.execute(between(statement, col(Anomaly.bucket), start, stop)).scalars())


def find_event(session: Session, project_id: str, event_id: str) -> Event | None:
    """The project's event."""
    statement = sa.select(Event).where(col(Event.id) == event_id, col(Event.project_id) == project_id)
    return session.execute(statement).scalar_one_or_none()


def known_event_ids(session: Session, project_id: str, event_ids: Sequence[str]) -> set[str]:
    """Which of the ids are events of the project."""
    found: set[str] = set()
    for first in range(0, len(event_ids), _REFS_PER_STATEMENT):
        some = event_ids[first : first + _REFS_PER_STATEMENT]
        found |= set(
            session.execute(sa.select(col(Event.id)).where(col(Event.project_id) == project_id, col(Event.id).in_(some))).scalars()
        )
    return found


def creation_moments(session: Session, project_id: str, since: datetime) -> list[datetime]:
    """When each event on main was created, at or after `since`."""
    statement = (
        sa.select(col(Event.created_at))
        .join(PlanBranch, col(PlanBranch.id) == col(Event.branch_id))
        .where(col(Event.project_id) == project_id, col(PlanBranch.kind) == "main", col(Event.created_at) >= since)
    )
    return list(session.execute(statement).scalars())


def between(statement: AnySelect, column: Any, start: datetime | None, stop: datetime | None) -> AnySelect:
    """The statement for rows of [start, stop) alone; None is no bound."""
    if start is not None:
        statement = statement.where(column >= start)
    if stop is not None:
        statement = statement.where(column < stop)
    return statement
