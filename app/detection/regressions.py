"""Release regressions of a scan: its newest active release against the one before (contract 7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import report_repository as queries
from app.detection import repository
from app.detection.engine.releases import MOST_UNFAMILIAR, Deficit, RegressionKind, active_releases, deficit, unfamiliar_share
from app.kernel.intervals import Interval, bucket_index
from app.metrics.contracts import ScopeType
from app.scans.versions import is_release, newest_versions
from models.scans import ScanConfig

LONGEST_WINDOW = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Regression:
    """A scope that a release counts too little of, in the window [window_from, window_to] of bucket starts."""

    scope_type: ScopeType
    scope_ref: str
    scope_name: str
    event_id: str | None
    event_type_id: str | None
    version: str
    previous_version: str
    deficit: Deficit
    release_share: float
    window_from: datetime
    window_to: datetime


@dataclass(frozen=True, slots=True)
class RegressionReport:
    """A scan's regressions, missing scopes first and then by ratio.

    `reason` says why nothing could be compared, or only missing scopes are told because the releases count different events.
    """

    scan_config_id: str
    app_version_column: str | None
    latest_version: str | None
    items: list[Regression]
    reason: str = ""
    is_comparable: bool = True


@dataclass(frozen=True, slots=True)
class _Counted:
    """Events of a scan per bucket, and of each version named, over all event types."""

    traffic: dict[int, int]
    by_version: dict[str, dict[int, int]]

    def until(self, newest: int) -> _Counted:
        """As it stood when this bucket was the newest."""
        cut = {
            version: {place: count for place, count in counts.items() if place <= newest}
            for version, counts in self.by_version.items()
        }
        return _Counted(
            {place: count for place, count in self.traffic.items() if place <= newest},
            {version: counts for version, counts in cut.items() if counts},
        )


def of_scan(session: Session, scan: ScanConfig) -> RegressionReport:
    """Compare the two highest active releases of the scan."""
    column = scan.app_version_column
    if column is None or scan.interval is None:
        return RegressionReport(scan.id, column, None, [], "the scan has no app version column")
    return _compared(session, scan, column, Interval(scan.interval), _counted(session, scan.id, column, Interval(scan.interval)))


def history(session: Session, scan: ScanConfig, start: datetime, stop: datetime) -> list[Regression]:
    """Regressions of every release that was the newest in [start, stop], oldest first.

    Each is compared once: when the release after it became active, or at the newest bucket up to `stop`.
    """
    column = scan.app_version_column
    if column is None or scan.interval is None:
        return []
    interval = Interval(scan.interval)
    first, last = bucket_index(start, interval), bucket_index(stop, interval)
    counted = _counted(session, scan.id, column, interval).until(last)
    if not counted.by_version:
        return []
    newest, oldest = max(counted.traffic), min(counted.traffic)
    releases = active_releases(counted.by_version, counted.traffic, _order(counted), newest - oldest + 1)
    ends = {newest, *(one.activated - 1 for one in releases)}
    return [
        found
        for end in sorted(end for end in ends if max(first, oldest) <= end)
        for found in _compared(session, scan, column, interval, counted.until(end)).items
        if start <= found.window_to <= stop
    ]


def _counted(session: Session, scan_id: str, column: str, interval: Interval) -> _Counted:
    traffic: dict[int, int] = defaultdict(int)
    by_version: dict[str, dict[int, int]] = defaultdict(dict)
    for version, is_other, bucket, count in queries.version_totals(session, scan_id, column):
        place = bucket_index(bucket, interval)
        traffic[place] += count
        if not is_other and version:
            by_version[version][place] = by_version[version].get(place, 0) + count
    return _Counted(dict(traffic), dict(by_version))


def _order(counted: _Counted) -> list[str]:
    seen = newest_versions(counted.by_version, len(counted.by_version))
    return [version for version in reversed(seen) if is_release(version)]


def _compared(session: Session, scan: ScanConfig, column: str, interval: Interval, counted: _Counted) -> RegressionReport:
    traffic, by_version = counted.traffic, counted.by_version
    if not by_version:
        return RegressionReport(scan.id, column, None, [], "no version was counted yet")
    longest = max(1, int(LONGEST_WINDOW / interval.duration))
    active = active_releases(by_version, traffic, _order(counted), longest)
    if len(active) < 2:
        latest = active[-1].version if active else newest_versions(by_version, 1)[0]
        return RegressionReport(scan.id, column, latest, [], "no two releases have enough traffic to compare")
    newer, older = active[-1], active[-2]
    newest = max(traffic)
    start = max(newer.activated, newest - longest + 1)

    def total(counts: dict[int, int]) -> int:
        return sum(count for bucket, count in counts.items() if bucket >= start)

    total_new, total_previous = total(by_version[newer.version]), total(by_version[older.version])
    share = total_new / max(1, total(traffic))
    window_from, window_to = (interval.anchor + place * interval.duration for place in (start, newest))
    counts: dict[tuple[ScopeType, str], dict[str, int]] = defaultdict(dict)
    pair = [newer.version, older.version]
    for scope, ref, version, count in queries.version_scopes(session, scan.id, column, pair, window_from, window_to):
        counts[(ScopeType(scope), ref)][version] = count
    is_comparable = all(
        unfamiliar_share(_pairs(counts, scope_type, newer.version, older.version), total_new, total_previous) <= MOST_UNFAMILIAR
        for scope_type in (ScopeType.EVENT_TYPE, ScopeType.EVENT)
    )
    names = repository.scope_names(session, scan.project_id)
    items = []
    for (scope_type, ref), of_scope in counts.items():
        name = names.get((scope_type, ref))
        found = deficit(of_scope.get(newer.version, 0), of_scope.get(older.version, 0), total_new, total_previous)
        if name is not None and found is not None and (is_comparable or found.kind is RegressionKind.MISSING):
            items.append(
                Regression(
                    scope_type, ref, name.name, name.event_id, name.event_type_id, newer.version, older.version, found, share,
                    window_from, window_to,
                )
            )  # fmt: skip
    items.sort(
        key=lambda item: (item.deficit.kind is not RegressionKind.MISSING, item.deficit.ratio, item.scope_name, item.scope_ref)
    )
    reason = "" if is_comparable else "the two releases count different events: only those that are missing are told"
    if not total_previous:
        reason = "the release before has no traffic in the window"
    return RegressionReport(scan.id, column, newer.version, items, reason, is_comparable)


def _pairs(
    counts: Mapping[tuple[ScopeType, str], Mapping[str, int]], wanted: ScopeType, newer: str, older: str
) -> list[tuple[int, int]]:
    return [
        (of_scope.get(newer, 0), of_scope.get(older, 0)) for (scope_type, _), of_scope in counts.items() if scope_type is wanted
    ]
