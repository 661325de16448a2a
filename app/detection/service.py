"""Detection as pages, routes and jobs use it: settings, evaluations, signals, incidents, expected ranges."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from app.detection import (
    drifts,
    evaluation,
    forecasts,
    incidents,
    project_settings,
    regressions,
    report_repository,
    repository,
    tuning_repository,
)
from app.detection import signals as active_signals
from app.detection.contracts import (
    DetectionSettings,
    EvaluationResult,
    Judgement,
    Outcome,
    SeriesOutcome,
    Signal,
)
from app.detection.detectors import USUAL, judge_series
from app.detection.engine.baseline import history_needed
from app.detection.engine.matrix import matrix_of
from app.detection.judgements import judgements_of
from app.detection.project_settings import settings_of_row, stored_settings
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series
from app.projects import service as projects

TOLERATED_GAP_BUCKETS = incidents.TOLERATED_GAP_BUCKETS
SWITCHED_OFF = "anomaly detection is switched off for this project"


get_settings = project_settings.get_settings
get_stored_settings = project_settings.get_stored_settings
update_settings = project_settings.update_settings
settings_of_project = project_settings.settings_of_project
enable_by_default = project_settings.enable_by_default
check_settings = project_settings.check_settings


# Evaluation


def evaluate_config(
    session: Session, config_id: str, now: datetime, *, window: tuple[datetime, datetime] | None = None
) -> EvaluationResult:
    """Judge a scan's series and make the stored anomalies what was found; called after counts were stored.

    Judges the 30 newest buckets, or from the start of `window` (the buckets whose counts changed); the first time the last 60
    days. Does nothing while detection is off, for scans without an interval, and for scans that are gone.
    """
    judged = judge_config(session, config_id, now, window=window)
    return EvaluationResult() if judged is None else evaluation.store(session, judged)


def judge_config(
    session: Session, config_id: str, now: datetime, *, window: tuple[datetime, datetime] | None = None
) -> evaluation.Judged | None:
    """The first, long half of `evaluate_config`: it only reads. None when there is nothing to judge."""
    scan = repository.watched_scan(session, config_id)
    row = None if scan is None else repository.settings_row(session, scan.project_id)
    if scan is None or row is None or not row.anomaly_detection_enabled:
        return None
    return evaluation.judge_scan(session, scan, settings_of_row(row), now, window)


def store_judged(session: Session, judged: evaluation.Judged | None) -> EvaluationResult:
    """The second, short half: stores what was found, unless the scan is gone or detection was switched off meanwhile."""
    if judged is None or repository.watched_scan(session, judged.scan.id) is None:
        return EvaluationResult()
    row = repository.settings_row(session, judged.scan.project_id)
    if row is None or not row.anomaly_detection_enabled:
        return EvaluationResult()
    return evaluation.store(session, judged)


def list_evaluations(session: Session, actor: Actor, slug: str) -> list[SeriesOutcome]:
    """How the newest evaluation of each of the project's series ended, by scope and name. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    names = repository.scope_names(session, project.id)
    found = []
    for row in repository.evaluations(session, project.id):
        scope_type = ScopeType(row.scope_type)
        name = names.get((scope_type, row.scope_ref))
        if scope_type is ScopeType.PROJECT_TOTAL or name is not None:
            found.append(
                SeriesOutcome(
                    scan_config_id=row.scan_config_id,
                    scope_type=scope_type,
                    scope_ref=row.scope_ref,
                    scope_name=project.name if name is None else name.name,
                    outcome=Outcome(row.outcome),
                    reason=row.reason,
                    bucket=row.bucket,
                    evaluated_at=row.evaluated_at,
                )
            )
    order = list(ScopeType)
    return sorted(found, key=lambda item: (order.index(item.scope_type), item.scope_name, item.scope_ref))


# Signals and incidents


def list_signals(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    event_ids: Collection[str] = (),
    expanded: bool = False,
    now: datetime | None = None,
) -> list[Signal]:
    """Active signals, newest bucket first (contract 6.6): totals and event types, plus those of the events named.

    `expanded` gives all scopes, flat. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    found = active_signals.active(session, project.id, now or SYSTEM_CLOCK.now(), project_name=project.name)
    return active_signals.shown(found, frozenset(event_ids), expanded=expanded)


list_incidents = incidents.list_incidents


# Charts


def band(session: Session, actor: Actor, slug: str, series: Series) -> list[Judgement]:
    """A judgement for each bucket of a series of the project, with the history before it taken into account.

    Every bucket is unknown while detection is off. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    if not series.buckets:
        return []
    settings = stored_settings(session, project).settings
    if not settings.anomaly_detection_enabled:
        pairs = zip(series.buckets, series.counts, strict=True)
        return [Judgement(bucket, count, Outcome.UNKNOWN, reason=SWITCHED_OFF) for bucket, count in pairs]
    scan = repository.watched_scan(session, series.key.scan_config_id)
    if scan is None or scan.project_id != project.id:
        raise NotFound("Scan not found")
    key, first = series.key, series.buckets[0]
    start = first - history_needed(series.interval, settings) * series.interval.duration
    earlier = metrics.series_before(session, series, start)
    matrix = matrix_of([Series(key, series.interval, [*earlier.buckets, *series.buckets], [*earlier.counts, *series.counts])])
    rules = tuning_repository.rules_of_scan(session, scan.id)
    verdicts = judge_series(matrix, [key], settings, rules)
    own = rules.get(key, USUAL).apply(settings)
    return judgements_of(matrix, verdicts, matrix.rows(series.buckets), 0, own)


def forecast(
    session: Session, actor: Actor, slug: str, scope_type: ScopeType, ref: str | None, *, scan_config_id: str
) -> list[forecasts.ForecastPoint]:
    """What the bucket after the newest collected one is expected to count; nothing while the history is too short (6.7).

    Errors: NotFound for a scan or scope of another project.
    """
    project = projects.get_project(session, actor, slug)
    scan = repository.watched_scan(session, scan_config_id)
    span = None if scan is None else repository.covered_span(session, scan_config_id)
    if scan is None or scan.project_id != project.id or span is None:
        return []
    settings = stored_settings(session, project).settings
    start = span[1] - history_needed(scan.interval, settings) * scan.interval.duration
    series = metrics.series_for(session, actor, slug, scope_type, ref, scan_config_id=scan.id, start=start)
    return forecasts.next_bucket(series, settings)


# Reports


def distribution_drifts(
    session: Session,
    actor: Actor,
    slug: str,
    scope_type: str,
    scope_ref: str,
    *,
    scan_config_id: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> drifts.DriftReport:
    """How the values of watched fields moved, per bucket in [start, stop) (contract 8.4). Errors as in `drifts.report`."""
    project = projects.get_project(session, actor, slug)
    settings = stored_settings(session, project).settings
    return drifts.report(
        session, project.id, settings, scope_type, scope_ref, scan_config_id=scan_config_id, start=start, stop=stop
    )


def release_regressions(session: Session, actor: Actor, slug: str, scan_config_id: str) -> regressions.RegressionReport:
    """What the newest active release counts too little of (contract 7). Errors: NotFound for a scan of another project."""
    project = projects.get_project(session, actor, slug)
    scan = report_repository.scan_of_project(session, project.id, scan_config_id)
    if scan is None:
        raise NotFound("Scan not found")
    return regressions.of_scan(session, scan)


def drift_candidates(session: Session, scan_config_id: str) -> list[drifts.DriftPoint]:
    """Significant drifts at the newest bucket of a scan, for alerting; nothing for a scan that is gone."""
    scan = report_repository.find_scan(session, scan_config_id)
    if scan is None:
        return []
    row = repository.settings_row(session, scan.project_id)
    return drifts.candidates(session, scan, DetectionSettings() if row is None else settings_of_row(row))


def regression_candidates(session: Session, scan_config_id: str) -> list[regressions.Regression]:
    """Release regressions of a scan now, for alerting; nothing for a scan that is gone."""
    scan = report_repository.find_scan(session, scan_config_id)
    return [] if scan is None else regressions.of_scan(session, scan).items


def drift_history(session: Session, scan_config_id: str, start: datetime, stop: datetime) -> list[drifts.DriftPoint]:
    """Significant drifts of a scan in [start, stop), oldest first, for simulations; nothing for a scan that is gone."""
    scan = report_repository.find_scan(session, scan_config_id)
    if scan is None:
        return []
    row = repository.settings_row(session, scan.project_id)
    return drifts.history(session, scan, DetectionSettings() if row is None else settings_of_row(row), start, stop)


def regression_history(session: Session, scan_config_id: str, start: datetime, stop: datetime) -> list[regressions.Regression]:
    """Release regressions of a scan in [start, stop], each compared once, for simulations; nothing for a scan that is gone."""
    scan = report_repository.find_scan(session, scan_config_id)
    return [] if scan is None else regressions.history(session, scan, start, stop)
