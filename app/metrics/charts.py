"""The series that charts and the API show: points with their anomalies, filtered totals, windows, the week (contract 5.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import Interval
from app.metrics import figures, grid_repository, repository
from app.metrics.contracts import Heatmap, ScopeType, Series, SeriesKey
from app.metrics.points import Points
from app.projects import service as projects
from models.detection import Anomaly
from models.scans import ScanConfig

DEFAULT_WINDOW = timedelta(hours=48)
Counts = list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class ScopeChart:
    """A series as a chart shows it; without config and interval while nothing counts it."""

    scope: str
    config_id: str | None
    interval: Interval | None
    points: Points


@dataclass(frozen=True, slots=True)
class CollectedScan:
    """A scan with the buckets it collected in a range: what several charts of one page share."""

    config: ScanConfig
    grid: grid_repository.Grid


def collected_scan(
    session: Session, actor: Actor, slug: str, scan_config_id: str, start: datetime | None, stop: datetime | None
) -> CollectedScan:
    """The project's scan in [start, stop). Errors: NotFound."""
    config = scan_of(session, projects.get_project(session, actor, slug).id, scan_config_id)
    return CollectedScan(config, grid_repository.covered_grid(session, config.id, start, stop))


def scan_of_series(session: Session, series: Series, start: datetime, stop: datetime) -> CollectedScan:
    """The scan in [start, stop) that a series of `service.series_for` is from. Errors: NotFound when it is gone."""
    config = repository.find_config(session, series.key.scan_config_id)
    if config is None:
        raise NotFound("Scan not found")
    return CollectedScan(config, grid_repository.covered_grid(session, config.id, start, stop))


def scope_chart(
    session: Session,
    actor: Actor,
    slug: str,
    scope_type: ScopeType,
    ref: str | None = None,
    *,
    scan_config_id: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> ScopeChart:
    """The series in [start, stop). Errors: NotFound for an event, event type or scan of another project."""
    project_id = projects.get_project(session, actor, slug).id
    if scope_type is ScopeType.PROJECT_TOTAL:
        config = scan_of(session, project_id, scan_config_id) if scan_config_id else default_scan(session, project_id)
        ref = None if config is None else config.id
    else:
        config = counting_scan(session, project_id, scope_type, ref or "")
    if config is None or ref is None:
        return ScopeChart(scope_type.value, None, None, Points())
    grid = grid_repository.covered_grid(session, config.id, start, stop)
    counts = grid_repository.scope_counts(session, config.id, scope_type, ref, grid)
    found = repository.anomalies_of(session, config.id, scope_type, [ref], start, stop)
    anomalies = {anomaly.bucket: anomaly for anomaly in found}
    return ScopeChart(scope_type.value, config.id, collected_interval(config), points_on(grid, counts, anomalies))


def events_total(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    event_type_id: str | None = None,
    search: str | None = None,
    tag: str | None = None,
    statuses: Sequence[str] = (),
    start: datetime | None = None,
    stop: datetime | None = None,
) -> ScopeChart:
    """Volume of the events on main that meet the conditions, of the newest scan. Without conditions: everything it counted."""
    project_id = projects.get_project(session, actor, slug).id
    config = default_scan(session, project_id)
    if config is None:
        return ScopeChart("events_total", None, None, Points())
    grid = grid_repository.covered_grid(session, config.id, start, stop)
    if event_type_id or search or tag or statuses:
        counts = grid_repository.filtered_counts(
            session, config, event_type_id=event_type_id, search=search, tag=tag, statuses=statuses, grid=grid
        )
    else:
        counts = grid_repository.scope_counts(session, config.id, ScopeType.PROJECT_TOTAL, config.id, grid)
    return ScopeChart("events_total", config.id, collected_interval(config), points_on(grid, counts))


def window_charts(
    session: Session,
    actor: Actor,
    slug: str,
    event_ids: Sequence[str],
    start: datetime | None = None,
    stop: datetime | None = None,
    *,
    now: datetime | None = None,
) -> list[tuple[str, ScopeChart]]:
    """The series of each event in [start, stop), by default the last 48 hours; events of other projects are left out."""
    project_id = projects.get_project(session, actor, slug).id
    stop = stop or now or SYSTEM_CLOCK.now()
    start = start or stop - DEFAULT_WINDOW
    known = repository.known_event_ids(session, project_id, event_ids)
    wanted = [event_id for event_id in dict.fromkeys(event_ids) if event_id in known]
    configs = repository.project_configs(session, project_id)
    best: dict[str, tuple[datetime, ScanConfig, Counts]] = {}
    for config in configs:
        counts: dict[str, Counts] = defaultdict(list)
        for ref, bucket, count in repository.counts_of_scopes(session, config.id, ScopeType.EVENT, wanted, start, stop):
            counts[ref].append((bucket, count))
        for event_id, found in counts.items():
            newest = max(bucket for bucket, _ in found)
            if event_id not in best or newest > best[event_id][0]:
                best[event_id] = (newest, config, found)
    covered = {config.id: repository.covered_buckets(session, config.id, start, stop) for config in configs}
    anomalies: dict[tuple[str, str], list[Anomaly]] = defaultdict(list)
    for config in configs:
        for anomaly in repository.anomalies_of(session, config.id, ScopeType.EVENT, wanted, start, stop):
            anomalies[(config.id, anomaly.scope_ref)].append(anomaly)
    answer = []
    for event_id in wanted:
        if event_id in best:
            _, config, found = best[event_id]
            points = _points(found, covered[config.id], anomalies[(config.id, event_id)])
            answer.append((event_id, ScopeChart("event", config.id, collected_interval(config), points)))
        else:
            answer.append((event_id, ScopeChart("event", None, None, Points())))
    return answer


def created_per_day(session: Session, actor: Actor, slug: str, days: int, *, now: datetime | None = None) -> list[int]:
    """How many events on main were created on each of the last `days` UTC days, oldest first, today last."""
    project_id = projects.get_project(session, actor, slug).id
    today = (now or SYSTEM_CLOCK.now()).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=days - 1)
    counts = [0] * days
    for moment in repository.creation_moments(session, project_id, first):
        position = (moment - first).days
        if position < days:
            counts[position] += 1
    return counts


def scan_of(session: Session, project_id: str, scan_config_id: str) -> ScanConfig:
    """The project's scan. Errors: NotFound."""
    config = repository.config_of_project(session, project_id, scan_config_id)
    if config is None:
        raise NotFound("Scan not found")
    return config


def counting_scan(session: Session, project_id: str, scope_type: ScopeType, ref: str) -> ScanConfig | None:
    """The scan with the newest bucket of the event or event type; None while none counted it. Errors: NotFound."""
    if not repository.scope_exists(session, project_id, scope_type, ref):
        raise NotFound("Event not found" if scope_type is ScopeType.EVENT else "Event type not found")
    configs = repository.project_configs(session, project_id)
    newest = repository.newest_bucket_per_config(session, [config.id for config in configs], scope_type, ref)
    counting = [config for config in configs if config.id in newest]
    return max(counting, key=lambda config: newest[config.id], default=None)


def heatmap_of(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> Heatmap:
    """Volume and anomalies of a scope by UTC weekday and hour, empty for a scope never counted. Errors: NotFound for the scan."""
    project_id = projects.get_project(session, actor, slug).id
    config = scan_of(session, project_id, scan_config_id)
    if scope_type is ScopeType.PROJECT_TOTAL:
        counts, ref = repository.total_per_bucket(session, config.id, start, stop), config.id
    else:
        rows = repository.counts_of_scopes(session, config.id, scope_type, [ref], start, stop)
        counts = [(bucket, count) for _, bucket, count in rows]
    anomalies = repository.anomalous_buckets(session, config.id, scope_type, ref, start, stop)
    return figures.heatmap(SeriesKey(config.id, scope_type, ref), counts, anomalies)


def default_scan(session: Session, project_id: str) -> ScanConfig | None:
    """The newest scan that collects; None while there is none."""
    return next(iter(repository.project_configs(session, project_id)), None)


def points_on(grid: grid_repository.Grid, counts: Sequence[int], anomalies: Mapping[datetime, Anomaly] | None = None) -> Points:
    """One point per collected bucket; an uncollected bucket has none."""
    return Points(grid.buckets, counts, anomalies or {})


def _points(counts: Iterable[tuple[datetime, int]], covered: Iterable[datetime], anomalies: Iterable[Anomaly]) -> Points:
    values = dict.fromkeys(covered, 0)
    values.update(counts)
    buckets = sorted(values)
    return Points(buckets, [values[bucket] for bucket in buckets], {anomaly.bucket: anomaly for anomaly in anomalies})


def collected_interval(config: ScanConfig) -> Interval | None:
    """The scan's bucket width; None for one that collects nothing."""
    return Interval(config.interval) if config.interval else None


def interval_of(config: ScanConfig) -> Interval:
    """The scan's bucket width; an hour for one that collects nothing."""
    return Interval(config.interval or Interval.HOUR)
