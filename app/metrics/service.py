"""Storing collected counts and reading them as series, heatmaps and figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics import count_blocks as blocks
from app.metrics import day_repository, figures, grid_repository, ranking_repository, repository
from app.metrics.contracts import BucketRow, CoverageRow, Heatmap, Overview, ScopeType, Series, SeriesKey, TopEvent
from app.plan import service as plan
from app.projects import service as projects
from models.scans import ScanConfig

DEFAULT_WINDOW_HOURS = 48
LONGEST_WINDOW_HOURS = 720


def replace_window(
    session: Session, config_id: str, start: datetime, stop: datetime, rows: Iterable[BucketRow], coverage: Iterable[CoverageRow]
) -> None:
    """Make [start, stop) of the config hold exactly these counts; all of them lie in the window (contract 5.3)."""
    repository.delete_window(session, config_id, start, stop)
    day_repository.forget_days(session, config_id, start, stop)
    # In the order of the primary key, by which the rows lie.
    repository.insert_counts(session, sorted(rows, key=lambda row: (row.key.scope_type.value, row.key.ref, row.bucket)))
    repository.insert_coverage(session, config_id, coverage)
    day_repository.sum_days(session, config_id, start, stop)


counted_keys = blocks.counted_keys
count_blocks = blocks.count_blocks


def load_series(
    session: Session, config_id: str, keys: Sequence[SeriesKey] | None = None, start: datetime | None = None
) -> list[Series]:
    """Series of one config from `start` on: those asked for, or the total and everything ever counted. Unknown config: nothing.

    A bucket without a stored count is 0 where a run covered it and None elsewhere. All series share one grid.
    """
    config = repository.find_config(session, config_id)
    if config is None or config.interval is None:
        return []
    if keys is None:
        stored = repository.stored_keys(session, config_id)
        keys = [SeriesKey(config_id, ScopeType.PROJECT_TOTAL, config_id)]
        keys += [SeriesKey(config_id, ScopeType(scope_type), ref) for scope_type, ref in stored]
        of_all = True
    else:
        of_all = False
    builder = figures.SeriesBuilder(repository.covered_buckets(session, config_id, start), Interval(config.interval))
    counts: dict[tuple[ScopeType, str], list[tuple[datetime, int]]] = defaultdict(list)
    for scope_type in (ScopeType.EVENT_TYPE, ScopeType.EVENT):
        refs = [key.ref for key in keys if key.scope_type is scope_type]
        if refs:
            for ref, bucket, count in repository.counts_of_scopes(session, config_id, scope_type, None if of_all else refs, start):
                counts[(scope_type, ref)].append((bucket, count))
    for key in keys:
        if key.scope_type is ScopeType.PROJECT_TOTAL:
            counts[(key.scope_type, key.ref)] = repository.total_per_bucket(session, config_id, start)
    return [builder.build(key, counts.get((key.scope_type, key.ref), ())) for key in keys]


def series_for(
    session: Session,
    actor: Actor,
    slug: str,
    scope_type: ScopeType,
    ref: str | None = None,
    *,
    scan_config_id: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> Series:
    """One series in [start, stop) for a chart; without buckets while no scan of the project collects metrics.

    The project total needs no `ref`. Without `scan_config_id` an event's or event type's series comes from the scan with its newest
    bucket, the total from the newest scan (contract 5.7). Errors: NotFound for a ref or scan of another project.
    """
    project = projects.get_project(session, actor, slug)
    config = _config_for(session, project.id, scope_type, ref, scan_config_id)
    if config is None:
        return _no_series(scope_type)
    key = _key(config, scope_type, ref)
    grid = grid_repository.covered_grid(session, config.id, start, stop)
    counts = grid_repository.scope_counts(session, config.id, scope_type, key.ref, grid)
    return figures.series_on(key, Interval(config.interval or Interval.HOUR), grid.buckets, counts)


def series_before(session: Session, series: Series, start: datetime) -> Series:
    """A series that `series_for` gave, from `start` up to its first bucket: what it is judged by."""
    key = series.key
    grid = grid_repository.covered_grid(session, key.scan_config_id, start, series.buckets[0])
    counts = grid_repository.scope_counts(session, key.scan_config_id, key.scope_type, key.ref, grid)
    return figures.series_on(key, series.interval, grid.buckets, counts)


def week_of(session: Session, series: Series) -> Heatmap:
    """Volume and anomaly counts of a series that `series_for` gave, by weekday and hour, UTC."""
    key, buckets = series.key, series.buckets
    if not buckets:
        return figures.heatmap(key, (), ())
    stop = buckets[-1] + series.interval.duration
    anomalies = repository.anomalous_buckets(session, key.scan_config_id, key.scope_type, key.ref, buckets[0], stop)
    counts = ((bucket, count) for bucket, count in zip(buckets, series.counts, strict=True) if count is not None)
    return figures.heatmap(key, counts, anomalies)


def top_events(
    session: Session,
    actor: Actor,
    slug: str,
    window_hours: int = DEFAULT_WINDOW_HOURS,
    limit: int = 6,
    *,
    now: datetime | None = None,
) -> list[TopEvent]:
    """The project's events with the most volume in the last `window_hours` (1 to 720), largest first, then by name."""
    project = projects.get_project(session, actor, slug)
    totals = _window_totals(session, project.id, window_hours, None, now)
    largest = sorted(totals, key=lambda event_id: (-totals[event_id], event_id))
    # Counts can outlive their event; a few spare ids make up for those.
    events = plan.events_by_id(session, project.id, largest[: limit + 50])
    found = [
        TopEvent(event_id, events[event_id].event_type_id, events[event_id].name, totals[event_id])
        for event_id in largest
        if event_id in events
    ]
    return sorted(found, key=lambda event: (-event.total_count, event.name, event.event_id))[:limit]


def window_totals(
    session: Session,
    actor: Actor,
    slug: str,
    event_ids: Sequence[str] | None = None,
    window_hours: int = DEFAULT_WINDOW_HOURS,
    *,
    now: datetime | None = None,
) -> dict[str, int]:
    """Volume of each event in the last `window_hours`; 0 for events without any. Without ids: of every event that has some."""
    project = projects.get_project(session, actor, slug)
    totals = _window_totals(session, project.id, window_hours, event_ids, now)
    return totals if event_ids is None else {event_id: totals.get(event_id, 0) for event_id in event_ids}


def overview(
    session: Session, actor: Actor, slug: str, days: int = 14, *, hours: int = 72, now: datetime | None = None
) -> Overview:
    """The project's figures: `days` UTC days up to today, and the total series of the last `hours`. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    now = now or SYSTEM_CLOCK.now()
    event_count = plan.count_events(session, project.id)
    active_count = plan.count_events(session, project.id, seen_since=now - figures.DAY * days)
    config = _config_for(session, project.id, ScopeType.PROJECT_TOTAL, None, None)
    if config is None:
        nothing = _no_series(ScopeType.PROJECT_TOTAL)
        until = figures.volume_end(now, nothing.interval, None)
        no_days = figures.day_totals(nothing, days, now)
        return Overview(event_count, active_count, until, None, None, no_days, nothing, None, None)
    interval = Interval(config.interval or Interval.HOUR)
    newest = repository.newest_covered_bucket(session, config.id)
    until = figures.volume_end(now, interval, newest)
    series_start = floor_to_bucket(until - timedelta(hours=hours), interval)
    earliest = min(floor_to_bucket(now, Interval.DAY) - figures.DAY * (days - 1), until - 2 * figures.DAY, series_start)
    key = _key(config, ScopeType.PROJECT_TOTAL, None)
    counts = repository.total_per_bucket(session, config.id, earliest)
    covered = repository.covered_buckets(session, config.id, earliest)
    whole = figures.SeriesBuilder(covered, interval).build(key, counts)
    recent = figures.SeriesBuilder([bucket for bucket in covered if bucket >= series_start], interval).build(key, counts)
    return Overview(
        event_count=event_count,
        active_event_count=active_count,
        volume_until=until,
        volume_24h=figures.sum_between(whole, until - figures.DAY, until),
        volume_previous_24h=figures.sum_between(whole, until - 2 * figures.DAY, until - figures.DAY),
        days=figures.day_totals(whole, days, now),
        total=recent,
        last_collected_bucket=newest,
        last_received_at=config.received_until,
    )


def _no_series(scope_type: ScopeType) -> Series:
    return Series(SeriesKey("", scope_type, ""), Interval.HOUR, [], [])


def _window_totals(
    session: Session, project_id: str, window_hours: int, event_ids: Sequence[str] | None, now: datetime | None
) -> dict[str, int]:
    hours = max(1, min(window_hours, LONGEST_WINDOW_HOURS))
    config_ids = [config.id for config in repository.project_configs(session, project_id)]
    totals: dict[str, int] = {}
    if config_ids:
        since = (now or SYSTEM_CLOCK.now()) - timedelta(hours=hours)
        # Scans are not added up: each is its own series, the fullest one speaks for the event.
        for config_id in config_ids:
            for event_id, total in ranking_repository.totals_since(session, project_id, config_id, since, event_ids).items():
                totals[event_id] = max(total, totals.get(event_id, 0))
    return totals


def _config_for(
    session: Session, project_id: str, scope_type: ScopeType, ref: str | None, scan_config_id: str | None
) -> ScanConfig | None:
    configs = repository.project_configs(session, project_id)
    is_total = scope_type is ScopeType.PROJECT_TOTAL
    if is_total and ref is not None and scan_config_id is None:
        scan_config_id = ref
    if not is_total and (ref is None or not repository.scope_exists(session, project_id, scope_type, ref)):
        raise NotFound("Event not found" if scope_type is ScopeType.EVENT else "Event type not found")
    if scan_config_id is not None:
        for config in configs:
            if config.id == scan_config_id:
                return config
        raise NotFound("Scan not found")
    if not configs:
        return None
    if not is_total and ref is not None and len(configs) > 1:
        newest = repository.newest_bucket_per_config(session, [config.id for config in configs], scope_type, ref)
        with_data = [config for config in configs if config.id in newest]
        if with_data:
            return max(with_data, key=lambda config: newest[config.id])
    return configs[0]


def _key(config: ScanConfig, scope_type: ScopeType, ref: str | None) -> SeriesKey:
    return SeriesKey(config.id, scope_type, config.id if scope_type is ScopeType.PROJECT_TOTAL or ref is None else ref)
