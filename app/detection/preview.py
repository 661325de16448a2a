"""What a project's settings would have found lately, before anybody saves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import repository, service, tuning_repository
from app.detection.contracts import DetectionSettings, Direction, Judgement
from app.detection.detectors import USUAL, ScopeRules, judge_series
from app.detection.engine.baseline import history_needed
from app.detection.engine.episodes import Episode, episodes
from app.detection.engine.judging import Verdicts
from app.detection.engine.matrix import CountMatrix, matrix_of
from app.detection.judgements import direction_of, judgement_at
from app.identity.contracts import Actor
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.plan import service as plan
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
    """Judge the last week of at most 60 series, the largest ones, by these settings; writes nothing.

    Looks at the scan that speaks for the project's total. `drawn_key` is the series to draw, by default the one with most alarms.
    Errors: NotFound, InvalidInput for settings that break a constraint.
    """
    service.check_settings(settings)
    project = projects.get_project(session, actor, slug)
    total = metrics.series_for(session, actor, slug, ScopeType.PROJECT_TOTAL)
    scan = repository.watched_scan(session, total.key.scan_config_id) if total.buckets else None
    if scan is None or not settings.anomaly_detection_enabled:
        return Preview()
    names, series_count = _watched(session, actor, slug, project.id, scan.id, settings, total.buckets[-1] + scan.interval.duration)
    newest, width = total.buckets[-1], scan.interval.duration
    start = newest - DRAWN - history_needed(scan.interval, settings) * width
    series = [one for one in metrics.load_series(session, scan.id, list(names), start) if one.buckets]
    if not series:
        return Preview(series_count=series_count)
    matrix = matrix_of(series)
    keys = [one.key for one in series]
    rules = tuning_repository.rules_of_scan(session, scan.id)
    verdicts = judge_series(matrix, keys, settings, rules)
    first = max(0, matrix.bucket_count - int(LOOKED_BACK / width))
    counts = _incidents(matrix, verdicts, first)
    looked_at = [SeriesAlarms(key, names[key], counts.get(column, 0)) for column, key in enumerate(keys)]
    column = keys.index(drawn_key) if drawn_key in keys else max(range(len(keys)), key=lambda place: (counts.get(place, 0), -place))
    own = rules.get(keys[column], USUAL).apply(settings)
    drawn_from = max(0, matrix.bucket_count - int(DRAWN / width))
    return Preview(
        looked_at=sorted(looked_at, key=lambda one: (-one.alarm_count, list(ScopeType).index(one.key.scope_type), one.name)),
        series_count=series_count,
        drawn_key=keys[column],
        drawn=[judgement_at(matrix, verdicts, row, column, own) for row in range(drawn_from, matrix.bucket_count)],
        sigma=own.sigma_threshold,
        bucket_seconds=scan.interval.seconds,
    )


def _watched(
    session: Session, actor: Actor, slug: str, project_id: str, scan_id: str, settings: DetectionSettings, until: datetime
) -> tuple[dict[SeriesKey, str], int]:
    """The series to look at with their names, and how many there are in all."""
    names: dict[SeriesKey, str] = {}
    count = 0
    if settings.detect_project_total:
        names[SeriesKey(scan_id, ScopeType.PROJECT_TOTAL, scan_id)] = "Project total"
        count += 1
    if settings.detect_event_types:
        kinds = plan.list_event_types(session, actor, slug)
        names |= {SeriesKey(scan_id, ScopeType.EVENT_TYPE, kind.id): kind.display_name for kind in kinds[:MOST_TYPES]}
        count += len(kinds)
    if settings.detect_events:
        room = MOST_SERIES - len(names)
        top = metrics.top_events(
            session, actor, slug, window_hours=int(LOOKED_BACK.total_seconds() // 3_600), limit=room, now=until
        )
        names |= {SeriesKey(scan_id, ScopeType.EVENT, event.event_id): event.name for event in top}
        count += max(plan.count_events(session, project_id), len(top))
    return names, count


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
