"""What a project's settings would have found lately, before anybody saves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from sqlmodel import Session

from app.detection import evaluation, repository, service, tuning_repository
from app.detection.contracts import DetectionSettings, Direction, Judgement
from app.detection.detectors import USUAL, ScopeRules, judge_series
from app.detection.engine.baseline import history_needed
from app.detection.engine.episodes import Episode, episodes
from app.detection.engine.judging import Verdicts
from app.detection.engine.matrix import CountMatrix, matrix_of
from app.detection.judgements import direction_of, judgements_of
from app.detection.repository import WatchedScan
from app.identity.contracts import Actor
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects

MOST_SERIES, MOST_TYPES = 60, 20
LOOKED_BACK = timedelta(days=7)
DRAWN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class SeriesAlarms:
    """A series that was looked at, and how many incidents it had in the last seven collected days."""

    key: SeriesKey
    name: str
    alarm_count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What was looked at, most alarms first; `drawn` are the judged buckets of one series, `sigma` the limit of its own rules.

    `series_count` counts every series that the settings would have judged, `looked_at` those that were.
    """

    looked_at: list[SeriesAlarms] = field(default_factory=list)
    series_count: int = 0
    drawn_key: SeriesKey | None = None
    drawn: list[Judgement] = field(default_factory=list)
    sigma: float = 3.0
    bucket_seconds: int = 3_600

    @property
    def alarm_count(self) -> int:
        """Incidents of all series that were looked at."""
        return sum(one.alarm_count for one in self.looked_at)


def preview(session: Session, actor: Actor, slug: str, settings: DetectionSettings, drawn_key: SeriesKey | None = None) -> Preview:
    """Judge the last week of at most 60 series, the largest ones of all scans, by these settings; writes nothing.

    `drawn_key` is the series to draw, by default the one with most alarms. Errors: NotFound, InvalidInput for settings that break a
    constraint.
    """
    service.check_settings(settings)
    project = projects.get_project(session, actor, slug)
    newest = repository.newest_buckets(session, project.id)
    found = [repository.watched_scan(session, scan_id) for scan_id in sorted(newest)]
    watched = {scan.id: scan for scan in found if scan is not None}
    if not watched or not settings.anomaly_detection_enabled:
        return Preview()
    until = max(newest[scan.id] + scan.interval.duration for scan in watched.values())
    names, series_count = _watched(session, actor, slug, project.id, list(watched.values()), settings, until)
    looks = [
        _look(session, scan, [key for key in names if key.scan_config_id == scan.id], settings, newest[scan.id])
        for scan in watched.values()
    ]
    alarms = {key: count for look in looks for key, count in look.alarm_counts().items()}
    if not alarms:
        return Preview(series_count=series_count)
    drawn = drawn_key if drawn_key in alarms else max(alarms, key=lambda key: alarms[key])
    look = next(look for look in looks if drawn in look.keys)
    order = list(ScopeType)
    looked_at = [SeriesAlarms(key, names[key], count) for key, count in alarms.items()]
    return Preview(
        looked_at=sorted(looked_at, key=lambda one: (-one.alarm_count, order.index(one.key.scope_type), one.name)),
        series_count=series_count,
        drawn_key=drawn,
        drawn=look.judgements(drawn, settings),
        sigma=look.rules_of(drawn, settings).sigma_threshold,
        bucket_seconds=look.matrix.interval.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """The judged series of one scan."""

    keys: list[SeriesKey]
    matrix: CountMatrix
    verdicts: Verdicts
    rules: Mapping[SeriesKey, ScopeRules]

    def alarm_counts(self) -> dict[SeriesKey, int]:
        """Incidents of each series in the days looked back at."""
        counts = _incidents(self.matrix, self.verdicts, self._first(LOOKED_BACK))
        return {key: counts.get(column, 0) for column, key in enumerate(self.keys)}

    def rules_of(self, key: SeriesKey, settings: DetectionSettings) -> DetectionSettings:
        """What the series is judged by."""
        return self.rules.get(key, USUAL).apply(settings)

    def judgements(self, key: SeriesKey, settings: DetectionSettings) -> list[Judgement]:
        """The buckets to draw."""
        column, own = self.keys.index(key), self.rules_of(key, settings)
        rows = range(self._first(DRAWN), self.matrix.bucket_count)
        return judgements_of(self.matrix, self.verdicts, rows, column, own)

    def _first(self, span: timedelta) -> int:
        return max(0, self.matrix.bucket_count - int(span / self.matrix.interval.duration))


def _look(session: Session, scan: WatchedScan, keys: list[SeriesKey], settings: DetectionSettings, newest: datetime) -> _Look:
    start = newest - DRAWN - history_needed(scan.interval, settings) * scan.interval.duration
    series = [one for one in metrics.load_series(session, scan.id, keys, start) if one.buckets]
    keys = [one.key for one in series]
    matrix = matrix_of(series) if series else CountMatrix(scan.interval, 0, np.empty((0, 0)))
    rules = tuning_repository.rules_of_scan(session, scan.id)
    return _Look(keys, matrix, judge_series(matrix, keys, settings, rules), rules)


def _watched(
    session: Session,
    actor: Actor,
    slug: str,
    project_id: str,
    scans: Sequence[WatchedScan],
    settings: DetectionSettings,
    until: datetime,
) -> tuple[dict[SeriesKey, str], int]:
    """What to look at with names: totals, some event types, the largest events; and how many series the settings would judge."""
    every = [key for scan in scans for key in evaluation.judged_keys(session, scan, settings)]
    scopes = repository.scope_names(session, project_id)
    volumes = metrics.window_totals(session, actor, slug, window_hours=int(LOOKED_BACK.total_seconds() // 3_600), now=until)
    scan_names = {scan.id: f" ({scan.name})" if len(scans) > 1 else "" for scan in scans}
    names = {key: _scope_name(key, scopes) + scan_names[key.scan_config_id] for key in every}
    of_type: dict[ScopeType, list[SeriesKey]] = {scope_type: [] for scope_type in ScopeType}
    for key in sorted(every, key=lambda key: (-volumes.get(key.ref, 0), names[key], key.ref)):
        of_type[key.scope_type].append(key)
    of_type[ScopeType.EVENT_TYPE] = of_type[ScopeType.EVENT_TYPE][:MOST_TYPES]
    chosen = [key for scope_type in ScopeType for key in of_type[scope_type]][:MOST_SERIES]
    return {key: names[key] for key in chosen}, len(every)


def _incidents(matrix: CountMatrix, verdicts: Verdicts, first: int) -> dict[int, int]:
    """Per column the incidents that begin or last in the rows from `first` on, joined over short gaps as in the inbox."""
    by_line: dict[tuple[int, Direction], list[Episode]] = {}
    for episode in episodes(matrix, verdicts):
        if episode.last_row >= first:
            actual, expected = matrix.counts[episode.row, episode.column], verdicts.expected[episode.row, episode.column]
            by_line.setdefault((episode.column, direction_of(float(actual), float(expected))), []).append(episode)
    counts: dict[int, int] = {}
    for (column, _), found in by_line.items():
        counts[column] = counts.get(column, 0) + _joined(found)
    return counts


def _joined(found: Sequence[Episode]) -> int:
    """How many incidents the episodes of one series and direction make."""
    count, last = 0, None
    for episode in sorted(found, key=lambda one: one.row):
        if last is None or episode.row - last > service.TOLERATED_GAP_BUCKETS + 1:
            count += 1
        last = episode.last_row
    return count


@dataclass(frozen=True, slots=True)
class Override:
    """A series with rules of its own."""

    key: SeriesKey
    scan_name: str
    scope_name: str
    rules: ScopeRules


def list_overrides(session: Session, actor: Actor, slug: str) -> list[Override]:
    """Series that are judged otherwise than their project says, by scan and name; those of events that are gone are left out.

    Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    names = repository.scope_names(session, project.id)
    found = []
    for scan_id, scan_name in repository.scan_names(session, project.id).items():
        found += [
            Override(key, scan_name, name, rules)
            for key, rules in tuning_repository.rules_of_scan(session, scan_id).items()
            if (name := _scope_name(key, names)) and rules != USUAL
        ]
    return sorted(found, key=lambda one: (one.scan_name, list(ScopeType).index(one.key.scope_type), one.scope_name))


def _scope_name(key: SeriesKey, names: Mapping[tuple[ScopeType, str], repository.ScopeName]) -> str:
    if key.scope_type is ScopeType.PROJECT_TOTAL:
        return "Project total"
    name = names.get((key.scope_type, key.ref))
    return "" if name is None else name.name
