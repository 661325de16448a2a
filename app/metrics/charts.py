"""The series that charts and the API show: points with their anomalies, breakdowns, app versions (contract 5.4, 5.5, 5.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import BadRequest, InvalidInput, NotFound
from app.kernel.intervals import Interval
from app.metrics import figures, repository
from app.metrics.contracts import Heatmap, ScopeType, SeriesKey
from app.metrics.versions import latest_active, newest_first
from app.projects import service as projects
from models.detection import Anomaly
from models.scans import ScanConfig

OTHER = "Other"
DEFAULT_WINDOW = timedelta(hours=48)
Counts = list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Point:
    """One collected bucket; the anomaly's numbers only where detection found one."""

    bucket: datetime
    count: int
    anomaly: Anomaly | None = None


@dataclass(frozen=True, slots=True)
class ScopeChart:
    """A series as a chart shows it; without config and interval while nothing counts it."""

    scope: str
    config_id: str | None
    interval: Interval | None
    points: list[Point]


@dataclass(frozen=True, slots=True)
class ValueChart:
    """The series of one value of a breakdown; `is_latest` is for app versions."""

    value: str
    is_other: bool
    total_count: int
    points: list[Point]
    is_latest: bool = False


@dataclass(frozen=True, slots=True)
class BreakdownChart:
    """An event's breakdown by one of its columns."""

    config_id: str | None
    interval: Interval | None
    columns: list[str]
    selected_column: str | None
    series: list[ValueChart]


@dataclass(frozen=True, slots=True)
class VersionChart:
    """Counts per app version, newest version first and the rest last; `totals` is the sum of all versions."""

    config_id: str
    interval: Interval | None
    app_version_column: str | None
    latest_version: str | None
    series: list[ValueChart] = field(default_factory=list)
    totals: list[Point] = field(default_factory=list)


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
        config = scan_of(session, project_id, scan_config_id) if scan_config_id else _default_scan(session, project_id)
        if config is None:
            return ScopeChart(scope_type.value, None, None, [])
        counts, ref = repository.total_per_bucket(session, config.id, start, stop), config.id
    else:
        config = counting_scan(session, project_id, scope_type, ref or "")
        if config is None or ref is None:
            return ScopeChart(scope_type.value, None, None, [])
        rows = repository.counts_of_scopes(session, config.id, scope_type, [ref], start, stop)
        counts = [(bucket, count) for _, bucket, count in rows]
    anomalies = repository.anomalies_of(session, config.id, scope_type, [ref], start, stop)
    points = _points(counts, repository.covered_buckets(session, config.id, start, stop), anomalies)
    return ScopeChart(scope_type.value, config.id, collected_interval(config), points)


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
    config = _default_scan(session, project_id)
    if config is None:
        return ScopeChart("events_total", None, None, [])
    if event_type_id or search or tag or statuses:
        counts = repository.filtered_total_per_bucket(
            session, config, event_type_id=event_type_id, search=search, tag=tag, statuses=statuses, start=start, stop=stop
        )
    else:
        counts = repository.total_per_bucket(session, config.id, start, stop)
    points = _points(counts, repository.covered_buckets(session, config.id, start, stop))
    return ScopeChart("events_total", config.id, collected_interval(config), points)


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
            answer.append((event_id, ScopeChart("event", None, None, [])))
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


def event_breakdowns(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    column: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> BreakdownChart:
    """An event by the values of one column, real values before Other, then by volume (contract 5.4).

    Without `column` the first one is taken. Errors: NotFound; BadRequest for a column the event is not broken down by.
    """
    project_id = projects.get_project(session, actor, slug).id
    event = repository.find_event(session, project_id, event_id)
    if event is None:
        raise NotFound("Event not found")
    config = counting_scan(session, project_id, ScopeType.EVENT, event_id)
    source = config or _default_scan(session, project_id)
    columns = list(dict.fromkeys([*(source.metric_breakdown_columns if source else ()), *event.metric_breakdown_columns]))
    if config is not None:
        stored = repository.breakdown_columns(session, config.id, ScopeType.EVENT, event_id)
        columns = [one for one in dict.fromkeys([*columns, *stored]) if one != config.app_version_column]
    if column is not None and column not in columns:
        raise BadRequest("Unknown breakdown column")
    selected = column or (columns[0] if columns else None)
    if config is None or selected is None:
        return BreakdownChart(config.id if config else None, collected_interval(config) if config else None, columns, selected, [])
    series = value_charts(session, config, ScopeType.EVENT, event_id, selected, start, stop)
    return BreakdownChart(config.id, collected_interval(config), columns, selected, series)


def value_charts(
    session: Session,
    config: ScanConfig,
    scope_type: ScopeType,
    ref: str | None,
    column: str,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> list[ValueChart]:
    """The series of every value of the column, real values before Other, then by volume, then by value."""
    counts: dict[tuple[str, bool], Counts] = defaultdict(list)
    for value, is_other, bucket, count in repository.breakdown_rows(
        session, config.id, scope_type, ref, start, stop, column=column
    ):
        counts[(value, is_other)].append((bucket, count))
    covered = repository.covered_buckets(session, config.id, start, stop)
    charts = [
        ValueChart(value, is_other, sum(count for _, count in found), _points(found, covered))
        for (value, is_other), found in counts.items()
    ]
    return sorted(charts, key=lambda chart: (chart.is_other, -chart.total_count, chart.value))


def breakdown_timeline(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    column: str,
    value: str,
    *,
    is_other: bool = False,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> ScopeChart:
    """The counts of one value; without points when it was never counted in [start, stop). Errors: NotFound."""
    project_id = projects.get_project(session, actor, slug).id
    config = scan_of(session, project_id, scan_config_id)
    stored_ref = None if scope_type is ScopeType.PROJECT_TOTAL else ref
    rows = repository.breakdown_rows(
        session, config.id, scope_type, stored_ref, start, stop, column=column, value=(value, is_other)
    )
    counts = [(bucket, count) for _, _, bucket, count in rows]
    points = _points(counts, repository.covered_buckets(session, config.id, start, stop)) if counts else []
    return ScopeChart(scope_type.value, config.id, collected_interval(config), points)


def app_versions(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType = ScopeType.PROJECT_TOTAL,
    ref: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> VersionChart:
    """Counts per app version: the newest versions by name, the rest folded into Other (contract 5.5).

    Errors: NotFound for a scan, event or event type of another project; InvalidInput when an event or event type is not named.
    """
    project_id = projects.get_project(session, actor, slug).id
    config = scan_of(session, project_id, scan_config_id)
    if scope_type is ScopeType.PROJECT_TOTAL:
        ref = None
    elif ref is None:
        raise InvalidInput("Name the event or event type", field="scope_ref")
    elif not repository.scope_exists(session, project_id, scope_type, ref):
        raise NotFound("Event not found" if scope_type is ScopeType.EVENT else "Event type not found")
    column = config.app_version_column
    if column is None:
        return VersionChart(config.id, collected_interval(config), None, None)
    rows = repository.breakdown_rows(session, config.id, scope_type, ref, start, stop, column=column)
    of_all = rows
    if ref is not None:
        of_all = repository.breakdown_rows(session, config.id, ScopeType.PROJECT_TOTAL, None, start, stop, column=column)
    named = newest_first(value for value, is_other, _, _ in rows if not is_other and value)[: config.app_version_keep_releases]
    latest = latest_active(of_all) or next(iter(newest_first(value for value, other, _, _ in of_all if not other and value)), None)
    kept = set(named)
    counts: dict[tuple[str, bool], dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[datetime, int] = defaultdict(int)
    for value, is_other, bucket, count in rows:
        key = (value, False) if not is_other and value in kept else (OTHER, True)
        counts[key][bucket] += count
        totals[bucket] += count
    covered = repository.covered_buckets(session, config.id, start, stop)
    order = [(version, False) for version in named] + ([(OTHER, True)] if (OTHER, True) in counts else [])
    series = [
        ValueChart(
            value, is_other, sum(counts[(value, is_other)].values()), _points(counts[(value, is_other)].items(), covered),
            is_latest=not is_other and value == latest,
        )
        for value, is_other in order
    ]  # fmt: skip
    return VersionChart(
        config.id, collected_interval(config), column, latest, series, _points(totals.items(), covered) if rows else []
    )


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


def _default_scan(session: Session, project_id: str) -> ScanConfig | None:
    return next(iter(repository.project_configs(session, project_id)), None)


def _points(counts: Iterable[tuple[datetime, int]], covered: Iterable[datetime], anomalies: Iterable[Anomaly] = ()) -> list[Point]:
    """One point per collected bucket, zero where nothing was counted; an uncollected bucket has none."""
    values = dict.fromkeys(covered, 0)
    values.update(counts)
    found = {anomaly.bucket: anomaly for anomaly in anomalies}
    return [Point(bucket, values[bucket], found.get(bucket)) for bucket in sorted(values)]


def collected_interval(config: ScanConfig) -> Interval | None:
    """The scan's bucket width; None for one that collects nothing."""
    return Interval(config.interval) if config.interval else None


def interval_of(config: ScanConfig) -> Interval:
    """The scan's bucket width; an hour for one that collects nothing."""
    return Interval(config.interval or Interval.HOUR)
