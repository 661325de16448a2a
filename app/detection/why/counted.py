"""What counting says about a departure: values beside their usual share, releases, the source as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import repository as scopes
from app.detection.why import repository
from app.detection.why.contracts import NewRelease, SourceState, Subject, ValueMove
from app.detection.why.timing import lead_of
from app.identity.contracts import Actor
from app.kernel.intervals import Interval
from app.metrics import breakdowns, version_charts
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.metrics.points import Points
from app.scans import service as scans
from app.scans.contracts import JobStatus

MOST_COLUMNS = 6
MOST_CHILDREN = 300
LEAST_RELEASE_SHARE = 0.05
LEAST_EXPECTED = 5.0
FALLEN = 0.5
RECENT_RUNS = 50
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reference:
    """The earlier buckets that a departure's first bucket is compared with: the same time on earlier days or weeks."""

    buckets: frozenset[datetime]

    @property
    def start(self) -> datetime:
        """The oldest of them."""
        return min(self.buckets)


def reference_of(bucket: datetime, interval: Interval, covered: Collection[datetime]) -> Reference | None:
    """The same time on the last 14 days (weekday for daily buckets), else the 24 buckets before; None without any."""
    step = max(_DAY, interval.duration) if interval is not Interval.DAY else 7 * _DAY
    same_time = frozenset(bucket - step * back for back in range(1, 15)) & frozenset(covered)
    if len(same_time) >= 3:
        return Reference(same_time)
    before = frozenset(bucket - interval.duration * back for back in range(1, 25)) & frozenset(covered)
    return Reference(before) if before else None


def oldest_reference(bucket: datetime, interval: Interval) -> datetime:
    """Where reading has to begin for `reference_of`."""
    step = 7 * _DAY if interval is Interval.DAY else max(_DAY, interval.duration)
    return bucket - 14 * step


def value_moves(
    session: Session, actor: Actor, slug: str, subject: Subject, reference: Reference
) -> tuple[list[ValueMove], list[str]]:
    """The values of the series' breakdowns, and the columns it has; each column is read on its own."""
    key = subject.key
    stop = subject.bucket + subject.width
    start = reference.start
    first = breakdowns.scope_breakdown(session, actor, slug, key.scan_config_id, key.scope_type, key.ref, "", start, stop)
    found: list[ValueMove] = []
    for column in first.columns[:MOST_COLUMNS]:
        chart = first
        if column != first.selected_column:
            chart = breakdowns.scope_breakdown(
                session, actor, slug, key.scan_config_id, key.scope_type, key.ref, column, start, stop
            )
        counts = {one.value if not one.is_other else "Other": _counts(one.points) for one in chart.series}
        found += _moves(column, counts, subject, reference)
    return found, first.columns


def child_moves(session: Session, project_id: str, subject: Subject, reference: Reference) -> tuple[list[ValueMove], SourceState]:
    """The scopes below the series as values, and how the scan's other series did in the first bucket."""
    key = subject.key
    names = scopes.scope_names(session, project_id)
    types = [ref for (scope, ref) in names if scope is ScopeType.EVENT_TYPE]
    events = [ref for (scope, ref), name in names.items() if scope is ScopeType.EVENT]
    of_type = [ref for ref in events if names[(ScopeType.EVENT, ref)].event_type_id == key.ref]
    keys = [SeriesKey(key.scan_config_id, ScopeType.EVENT_TYPE, ref) for ref in types[:MOST_CHILDREN]]
    chosen = of_type if key.scope_type is ScopeType.EVENT_TYPE else events
    keys += [SeriesKey(key.scan_config_id, ScopeType.EVENT, ref) for ref in chosen[:MOST_CHILDREN]]
    loaded = metrics.load_series(session, key.scan_config_id, keys, reference.start)
    counts: dict[SeriesKey, dict[datetime, int]] = {}
    for one in loaded:
        pairs = zip(one.buckets, one.counts, strict=True)
        counts[one.key] = {bucket: count or 0 for bucket, count in pairs if bucket in reference.buckets or bucket == subject.bucket}
    moves: list[ValueMove] = []
    if key.scope_type is ScopeType.PROJECT_TOTAL and len(types) > 1:
        moves += _children("event type", ScopeType.EVENT_TYPE, counts, names, subject, reference)
    if key.scope_type is ScopeType.EVENT_TYPE and len(of_type) > 1:
        moves += _children("event", ScopeType.EVENT, counts, names, subject, reference)
    return moves, _source(counts, subject, reference)


def _children(
    column: str,
    scope: ScopeType,
    counts: Mapping[SeriesKey, Mapping[datetime, int]],
    names: Mapping[tuple[ScopeType, str], scopes.ScopeName],
    subject: Subject,
    reference: Reference,
) -> list[ValueMove]:
    of_scope = {key.ref: series for key, series in counts.items() if key.scope_type is scope}
    moves = _moves(column, of_scope, subject, reference)
    return [
        ValueMove(one.column, names[(scope, one.value)].name, one.actual, one.expected, f"{scope.value}/{one.value}")
        for one in moves
    ]


def _moves(column: str, counts: Mapping[str, Mapping[datetime, int]], subject: Subject, reference: Reference) -> list[ValueMove]:
    """Each value with its usual share of what the series was expected to count."""
    usual = {value: sum(series.get(bucket, 0) for bucket in reference.buckets) for value, series in counts.items()}
    whole = sum(usual.values())
    if whole == 0:
        return []
    return [
        ValueMove(column, value, float(series.get(subject.bucket, 0)), subject.expected * usual[value] / whole)
        for value, series in counts.items()
    ]


def _source(counts: Mapping[SeriesKey, Mapping[datetime, int]], subject: Subject, reference: Reference) -> SourceState:
    # Event types are enough where they are many; else events, which tell more. Either way each row is counted once.
    types = {key: series for key, series in counts.items() if key.scope_type is ScopeType.EVENT_TYPE}
    events = {key: series for key, series in counts.items() if key.scope_type is ScopeType.EVENT}
    chosen = types if subject.key.scope_type is ScopeType.EVENT_TYPE or len(types) > 2 else events or types
    size = max(1, len(reference.buckets))
    others = fallen = 0
    for key, series in chosen.items():
        expected = sum(series.get(bucket, 0) for bucket in reference.buckets) / size
        if key == subject.key or expected < LEAST_EXPECTED:
            continue
        others += 1
        fallen += series.get(subject.bucket, 0) <= FALLEN * expected
    whole = types or events
    return SourceState(
        other_series=others,
        other_fallen=fallen,
        total_actual=sum(series.get(subject.bucket, 0) for series in whole.values()),
        total_expected=sum(sum(series.get(bucket, 0) for bucket in reference.buckets) for series in whole.values()) / size,
    )


def coverage_state(
    session: Session, subject: Subject, interval: Interval, reference: Reference, counted: SourceState
) -> SourceState:
    """The same with what the scan's runs left: buckets nobody collected, and the share of rows that match the plan."""
    width = interval.duration
    rows = repository.coverage(session, subject.key.scan_config_id, reference.start, subject.stop + 2 * width)
    newest = max(rows, default=subject.bucket)
    near = [subject.bucket - 2 * width, subject.bucket - width, subject.stop, subject.stop + width]
    missing = sum(bucket not in rows and min(rows, default=newest) < bucket < newest for bucket in near)
    shares = [matched / total for bucket, (total, matched) in rows.items() if bucket in reference.buckets and total]
    now = rows.get(subject.bucket)
    return replace(
        counted,
        missing_buckets=missing,
        matched_share=now[1] / now[0] if now is not None and now[0] else None,
        usual_matched_share=sum(shares) / len(shares) if shares else None,
    )


def failed_runs(session: Session, actor: Actor, slug: str, subject: Subject) -> int:
    """Runs of the scan that failed from the first bucket to a lead after the last one."""
    jobs = scans.list_jobs(session, actor, slug, subject.key.scan_config_id, limit=RECENT_RUNS).items
    until = subject.stop + lead_of(subject)
    return sum(job.status is JobStatus.FAILED and subject.bucket <= (job.completed_at or job.created_at) < until for job in jobs)


def with_failed_runs(source: SourceState, count: int) -> SourceState:
    """The same with so many failed runs."""
    return replace(source, failed_runs=count)


def new_releases(
    session: Session, actor: Actor, slug: str, subject: Subject, reference: Reference
) -> tuple[list[NewRelease], bool]:
    """Releases that appeared after the reference began, and whether the scan knows app versions at all."""
    key = subject.key
    start, stop = reference.start, subject.bucket + subject.width
    whole = version_charts.app_versions(session, actor, slug, key.scan_config_id, start=start, stop=stop)
    if whole.app_version_column is None:
        return [], False
    of_scan = {one.value: _counts(one.points) for one in whole.series if not one.is_other and one.value}
    totals: dict[datetime, int] = defaultdict(int)
    for point in whole.totals:
        totals[point.bucket] = point.count
    own: dict[str, dict[datetime, int]] = {}
    if key.scope_type is not ScopeType.PROJECT_TOTAL:
        chart = version_charts.app_versions(session, actor, slug, key.scan_config_id, key.scope_type, key.ref, start, stop)
        own = {one.value: _counts(one.points) for one in chart.series}
    oldest = min(totals, default=subject.bucket)
    found = []
    for version, counts in of_scan.items():
        used = [bucket for bucket, count in sorted(counts.items()) if count and count >= LEAST_RELEASE_SHARE * totals[bucket]]
        if not used or used[0] == oldest or counts.get(subject.bucket, 0) == 0:
            continue
        share = counts[subject.bucket] / max(1, totals[subject.bucket])
        observed = expected = None
        if own:
            share, observed, expected = _beside_others(version, of_scan, own, totals, subject, reference)
        found.append(NewRelease(version, used[0], share, observed, expected))
    return found, True


def _beside_others(
    version: str,
    of_scan: Mapping[str, Mapping[datetime, int]],
    own: Mapping[str, Mapping[datetime, int]],
    totals: Mapping[datetime, int],
    subject: Subject,
    reference: Reference,
) -> tuple[float, float, float]:
    """The release's share of all other traffic, what it counts of the series, and what it would at the older releases' rate.

    Rates are per row of everything but the series, which would otherwise move the measure it is measured by.
    """
    at = subject.bucket
    whole = {bucket: sum(series.get(bucket, 0) for series in own.values()) for bucket in (*reference.buckets, at)}
    mine = own.get(version, {})

    def others(bucket: datetime) -> tuple[int, int]:
        of_all = totals.get(bucket, 0) - whole[bucket]
        return of_all, of_scan[version].get(bucket, 0) - mine.get(bucket, 0)

    older = [(whole[bucket] - mine.get(bucket, 0), others(bucket)) for bucket in reference.buckets]
    traffic = sum(of_all - of_version for _, (of_all, of_version) in older)
    rate = sum(counted for counted, _ in older) / traffic if traffic else 0.0
    of_all, of_version = others(at)
    return of_version / max(1, of_all), float(mine.get(at, 0)), rate * of_version


def _counts(points: Points) -> dict[datetime, int]:
    return dict(zip(points.buckets, points.counts, strict=True))
