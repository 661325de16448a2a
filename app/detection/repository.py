"""Every query of detection. Callers name the project or the scan; nothing here decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from app.kernel.database import read_once
from app.kernel.intervals import Interval
from app.metrics.contracts import ScopeType, SeriesKey
from models.detection import Anomaly, AnomalySettings, SeriesEvaluation
from models.metrics import MetricCoverage
from models.plan import Event, EventType, PlanBranch
from models.scans import ScanConfig

_ARCHIVED = "archived"
_MAIN = "main"
_ROWS_PER_STATEMENT = 5_000


@dataclass(frozen=True, slots=True)
class WatchedScan:
    """A scan config with what detection needs of it."""

    id: str
    project_id: str
    name: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class ScopeName:
    """What stands behind a scope ref."""

    name: str
    event_id: str | None
    event_type_id: str | None


def settings_row(session: Session, project_id: str, *, lock: bool = False) -> AnomalySettings | None:
    """The project's stored settings."""

    def read() -> AnomalySettings | None:
        statement = sa.select(AnomalySettings).where(col(AnomalySettings.project_id) == project_id)
        return session.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()

    return read() if lock else read_once(session, ("anomaly settings", project_id), read)


def add_settings(session: Session, row: AnomalySettings) -> None:
    """Insert settings now."""
    session.add(row)
    session.flush()


def delete_findings(session: Session, project_id: str) -> None:
    """Remove the project's anomalies and evaluations."""
    session.execute(
        sa.delete(Anomaly).where(col(Anomaly.project_id) == project_id), execution_options={"synchronize_session": False}
    )
    configs = sa.select(col(ScanConfig.id)).where(col(ScanConfig.project_id) == project_id)
    session.execute(
        sa.delete(SeriesEvaluation).where(col(SeriesEvaluation.scan_config_id).in_(configs)),
        execution_options={"synchronize_session": False},
    )


def watched_scan(session: Session, config_id: str) -> WatchedScan | None:
    """The scan, when it collects metrics."""
    row = read_once(session, ("scan", config_id), lambda: session.get(ScanConfig, config_id))
    if row is None or row.interval is None:
        return None
    return WatchedScan(row.id, row.project_id, row.name, Interval(row.interval))


def newest_buckets(session: Session, project_id: str) -> dict[str, datetime]:
    """The newest collected bucket of each scan of the project that has one."""
    newest = (
        sa.select(sa.func.max(col(MetricCoverage.bucket)))
        .where(col(MetricCoverage.scan_config_id) == col(ScanConfig.id))
        .scalar_subquery()
    )
    rows = session.execute(sa.select(col(ScanConfig.id), newest).where(col(ScanConfig.project_id) == project_id))
    return {config_id: bucket for config_id, bucket in rows if bucket is not None}


def covered_span(session: Session, config_id: str) -> tuple[datetime, datetime] | None:
    """The oldest and the newest collected bucket of the scan."""
    bucket = col(MetricCoverage.bucket)
    statement = sa.select(sa.func.min(bucket), sa.func.max(bucket)).where(col(MetricCoverage.scan_config_id) == config_id)
    oldest, newest = session.execute(statement).one()
    return None if oldest is None else (oldest, newest)


def is_evaluated(session: Session, config_id: str) -> bool:
    """Whether the scan was evaluated since detection was switched on."""
    statement = sa.select(col(SeriesEvaluation.scope_ref)).where(col(SeriesEvaluation.scan_config_id) == config_id).limit(1)
    return session.execute(statement).first() is not None


def scope_names(session: Session, project_id: str) -> dict[tuple[ScopeType, str], ScopeName]:
    """Event types and events of main that are not archived, by scope."""
    types = sa.select(col(EventType.id), col(EventType.display_name)).join(
        PlanBranch, sa.and_(col(PlanBranch.id) == col(EventType.branch_id), col(PlanBranch.kind) == _MAIN)
    )
    events = sa.select(col(Event.id), col(Event.name), col(Event.event_type_id)).join(
        PlanBranch, sa.and_(col(PlanBranch.id) == col(Event.branch_id), col(PlanBranch.kind) == _MAIN)
    )
    names = {
        (ScopeType.EVENT_TYPE, ref): ScopeName(name, None, ref)
        for ref, name in session.execute(types.where(col(PlanBranch.project_id) == project_id))
    }
    for ref, name, type_id in session.execute(
        events.where(col(PlanBranch.project_id) == project_id, col(Event.status) != _ARCHIVED)
    ):
        names[(ScopeType.EVENT, ref)] = ScopeName(name, ref, type_id)
    return names


def anomalies_in(session: Session, config_id: str, start: datetime, stop: datetime) -> list[Anomaly]:
    """Stored anomalies of the scan that touch [start, stop)."""
    statement = sa.select(Anomaly).where(
        col(Anomaly.scan_config_id) == config_id, col(Anomaly.last_bucket) >= start, col(Anomaly.bucket) < stop
    )
    return list(session.execute(statement).scalars())


def write_anomalies(session: Session, fresh: Iterable[Anomaly], stale: Sequence[str]) -> None:
    """Remove anomalies by id, then insert the fresh ones."""
    for start in range(0, len(stale), _ROWS_PER_STATEMENT):
        session.execute(
            sa.delete(Anomaly).where(col(Anomaly.id).in_(stale[start : start + _ROWS_PER_STATEMENT])),
            execution_options={"synchronize_session": False},
        )
    session.add_all(fresh)
    session.flush()


def replace_evaluations(session: Session, config_id: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Make these the scan's evaluations."""
    session.execute(
        sa.delete(SeriesEvaluation).where(col(SeriesEvaluation.scan_config_id) == config_id),
        execution_options={"synchronize_session": False},
    )
    table = cast(sa.Table, SeriesEvaluation.__table__)  # type: ignore[attr-defined]
    remaining = iter(rows)
    while batch := list(islice(remaining, _ROWS_PER_STATEMENT)):
        session.connection().execute(sa.insert(table), [dict(row) for row in batch])


def evaluations(session: Session, project_id: str) -> list[SeriesEvaluation]:
    """How the newest evaluation of each series of the project ended."""
    statement = (
        sa.select(SeriesEvaluation)
        .join(ScanConfig, col(ScanConfig.id) == col(SeriesEvaluation.scan_config_id))
        .where(col(ScanConfig.project_id) == project_id)
        .order_by(col(SeriesEvaluation.scan_config_id), col(SeriesEvaluation.scope_type), col(SeriesEvaluation.scope_ref))
    )
    return list(session.execute(statement).scalars())


def newest_anomalies(session: Session, project_id: str, since: Mapping[str, datetime]) -> list[Anomaly]:
    """The newest anomaly of each scope that touches or follows `since` of its scan; newest first, one row per scope."""
    if not since:
        return []
    recent = sa.or_(
        *(
            sa.and_(col(Anomaly.scan_config_id) == config_id, col(Anomaly.last_bucket) >= moment)
            for config_id, moment in since.items()
        )
    )
    scope = [col(Anomaly.scan_config_id), col(Anomaly.scope_type), col(Anomaly.scope_ref)]
    place = sa.func.row_number().over(partition_by=scope, order_by=col(Anomaly.bucket).desc())
    ranked = sa.select(col(Anomaly.id).label("id"), place.label("place")).where(col(Anomaly.project_id) == project_id, recent)
    ranks = ranked.subquery()
    statement: sa.Select[Any] = (
        sa.select(Anomaly)
        .join(ranks, ranks.c.id == col(Anomaly.id))
        .where(ranks.c.place == 1)
        .order_by(col(Anomaly.bucket).desc(), col(Anomaly.scope_type), col(Anomaly.scope_ref))
    )
    return list(session.execute(statement).scalars())


def scan_names(session: Session, project_id: str) -> dict[str, str]:
    """Names of the project's scans by id."""
    rows = session.execute(sa.select(col(ScanConfig.id), col(ScanConfig.name)).where(col(ScanConfig.project_id) == project_id))
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted; None does not filter. The instants are those of the incident: it touches [since, until)."""

    direction: str | None = None
    scopes: Sequence[ScopeType] | None = None
    scope_ref: str | None = None
    scan_config_ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


def _incidents(project_id: str, wanted: IncidentFilter, gap_buckets: int) -> sa.Select[Any]:
    """Islands of anomalies of one scope and direction, over gaps of at most so many quiet buckets."""
    scope = [col(Anomaly.scan_config_id), col(Anomaly.scope_type), col(Anomaly.scope_ref), col(Anomaly.direction)]
    start, end = sa.extract("epoch", col(Anomaly.bucket)), sa.extract("epoch", col(Anomaly.last_bucket))
    width = col(Anomaly.bucket_seconds)
    before = sa.func.lag(end).over(partition_by=scope, order_by=col(Anomaly.bucket))
    living = sa.select(col(Event.id)).where(col(Event.project_id) == project_id, col(Event.status) != _ARCHIVED)
    marked = sa.select(
        *scope,
        col(Anomaly.bucket),
        col(Anomaly.last_bucket),
        col(Anomaly.actual_count),
        col(Anomaly.expected_count),
        col(Anomaly.z_score),
        width,
        ((end - start) / width + 1).label("buckets"),
        sa.case((start - before <= (gap_buckets + 1) * width, 0), else_=1).label("begins"),
    ).where(
        col(Anomaly.project_id) == project_id,
        sa.or_(col(Anomaly.scope_type) != ScopeType.EVENT.value, col(Anomaly.scope_ref).in_(living)),
    )
    if wanted.direction is not None:
        marked = marked.where(col(Anomaly.direction) == wanted.direction)
    if wanted.scopes is not None:
        marked = marked.where(col(Anomaly.scope_type).in_([scope_type.value for scope_type in wanted.scopes]))
    if wanted.scope_ref is not None:
        marked = marked.where(col(Anomaly.scope_ref) == wanted.scope_ref)
    if wanted.scan_config_ids is not None:
        marked = marked.where(col(Anomaly.scan_config_id).in_(wanted.scan_config_ids))
    m = marked.cte("marked").c
    of_scope = [m.scan_config_id, m.scope_type, m.scope_ref, m.direction]
    run = sa.func.sum(m.begins).over(partition_by=of_scope, order_by=m.bucket)
    n = sa.select(*m, run.label("run")).cte("numbered").c
    of_run = [n.scan_config_id, n.scope_type, n.scope_ref, n.direction, n.run]
    place = sa.func.row_number().over(partition_by=of_run, order_by=[sa.func.abs(n.z_score).desc(), n.bucket])
    r = sa.select(*n, place.label("place")).cte("ranked").c
    started, ended = sa.func.min(r.bucket), sa.func.max(r.last_bucket)
    statement = sa.select(
        r.scan_config_id,
        r.scope_type,
        r.scope_ref,
        r.direction,
        started.label("started_at"),
        ended.label("ended_at"),
        sa.cast(sa.func.sum(r.buckets), sa.Integer).label("bucket_count"),
        sa.func.max(r.bucket_seconds).label("bucket_seconds"),
        *(
            sa.func.max(sa.case((r.place == 1, column), else_=None)).label(f"peak_{name}")
            for name, column in (
                ("at", r.bucket),
                ("actual", r.actual_count),
                ("expected", r.expected_count),
                ("z_score", r.z_score),
            )
        ),
    ).group_by(r.scan_config_id, r.scope_type, r.scope_ref, r.direction, r.run)
    if wanted.since is not None:
        statement = statement.having(ended >= wanted.since)
    if wanted.until is not None:
        statement = statement.having(started < wanted.until)
    return statement


def page_of_incidents(
    session: Session, project_id: str, wanted: IncidentFilter, *, gap_buckets: int, limit: int, offset: int
) -> tuple[list[sa.Row[Any]], int]:
    """One page, newest start first (the total before what it covers), and how many there are."""
    statement = _incidents(project_id, wanted, gap_buckets)
    total = session.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one()
    found = statement.subquery()
    f = found.c
    ordered = sa.select(found).order_by(f.started_at.desc(), f.scope_type.desc(), f.scope_ref, f.scan_config_id, f.direction)
    return list(session.execute(ordered.limit(limit).offset(offset))), total


def event_incident_spans(
    session: Session, project_id: str, config_ids: Sequence[str], start: datetime, stop: datetime, *, gap_buckets: int
) -> list[tuple[str, str, datetime, datetime]]:
    """(scan, direction, start, end) of event incidents that touch [start, stop)."""
    wanted = IncidentFilter(scopes=[ScopeType.EVENT], scan_config_ids=config_ids, since=start, until=stop)
    rows = session.execute(_incidents(project_id, wanted, gap_buckets))
    return [(row.scan_config_id, row.direction, row.started_at, row.ended_at) for row in rows]


def key_of(row: Anomaly) -> tuple[SeriesKey, datetime]:
    """What an anomaly is about: its series and its first bucket."""
    return SeriesKey(row.scan_config_id, ScopeType(row.scope_type), row.scope_ref), row.bucket
