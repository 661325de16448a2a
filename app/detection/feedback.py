"""What people say about incidents of one series, and what that series is judged with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from app.detection import comparison, repository, service, tuning_repository
from app.detection.comparison import DetectorScore
from app.detection.contracts import Direction
from app.detection.detectors import Detector, ScopeRules
from app.detection.engine.baseline import history_needed
from app.detection.engine.matrix import matrix_of
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import InvalidInput, NotFound
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects
from models.detection import ScopeTuning, SignalVerdict

LARGEST_PAGE = 200
LONGEST_NOTE = 1_000


class VerdictKind(StrEnum):
    """What a person says an incident is. Only a false positive makes its series less sensitive."""

    EXPECTED = "expected"
    TRACKING_BUG = "tracking_bug"
    REAL = "real"
    FALSE_POSITIVE = "false_positive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict on an incident [started_at, ended_at] (first to last bucket) of one series."""

    id: str
    key: SeriesKey
    direction: Direction
    started_at: datetime
    ended_at: datetime
    kind: VerdictKind
    note: str
    created_by_name: str
    created_at: datetime
    undone_at: datetime | None


def record_verdict(
    session: Session,
    actor: Actor,
    slug: str,
    key: SeriesKey,
    direction: Direction,
    started_at: datetime,
    ended_at: datetime,
    kind: VerdictKind,
    note: str = "",
) -> Verdict:
    """Note what an incident was. Editors and owners. Takes effect on its series with the next evaluation.

    The same verdict on the same incident is kept once. Errors: NotFound for a scan or scope of another project, InvalidInput.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    check_scope(session, project.id, key)
    if ended_at < started_at:
        raise InvalidInput("must not be before started_at", field="ended_at")
    if len(note) > LONGEST_NOTE:
        raise InvalidInput(f"must have at most {LONGEST_NOTE} characters", field="note")
    standing = tuning_repository.standing_verdict(session, key, direction.value, started_at)
    if standing is not None and standing.verdict == kind.value:
        return verdict_of(standing)
    if standing is not None:
        _undo(session, actor, standing)
    row = SignalVerdict(
        project_id=project.id,
        scan_config_id=key.scan_config_id,
        scope_type=key.scope_type.value,
        scope_ref=key.ref,
        direction=direction.value,
        started_at=started_at,
        ended_at=ended_at,
        verdict=kind.value,
        note=note.strip(),
        created_by=actor.user_id,
        created_by_name=actor.name,
    )
    tuning_repository.add(session, row)
    payload = {"verdict": kind.value, "scope_type": key.scope_type.value, "scope_ref": key.ref, "from": started_at.isoformat()}
    identity.record_audit(session, actor, "signal_verdict.create", "signal_verdict", row.id, project_slug=slug, payload=payload)
    return verdict_of(row)


def undo_verdict(session: Session, actor: Actor, slug: str, verdict_id: str) -> Verdict:
    """Take a verdict and its effect back; one taken back stays as it is. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = tuning_repository.verdict_row(session, project.id, verdict_id)
    if row is None:
        raise NotFound("Verdict not found")
    if row.undone_at is None:
        _undo(session, actor, row)
        identity.record_audit(
            session, actor, "signal_verdict.undo", "signal_verdict", row.id, project_slug=slug, payload={"verdict": row.verdict}
        )
    return verdict_of(row)


def _undo(session: Session, actor: Actor, row: SignalVerdict) -> None:
    tuning_repository.mark_undone(session, row, actor.user_id)


def list_verdicts(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    scope_type: ScopeType | None = None,
    scope_ref: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Verdict]:
    """The project's verdicts, newest first, those taken back too. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rows = tuning_repository.verdicts(
        session,
        project.id,
        scope_type=None if scope_type is None else scope_type.value,
        scope_ref=scope_ref,
        limit=max(1, min(limit, LARGEST_PAGE)),
        offset=max(0, offset),
    )
    return [verdict_of(row) for row in rows]


def verdict_of(row: SignalVerdict) -> Verdict:
    """A row as other areas see it."""
    return Verdict(
        row.id,
        SeriesKey(row.scan_config_id, ScopeType(row.scope_type), row.scope_ref),
        Direction(row.direction),
        row.started_at,
        row.ended_at,
        VerdictKind(row.verdict),
        row.note,
        row.created_by_name,
        row.created_at,
        row.undone_at,
    )


def scope_rules(session: Session, actor: Actor, slug: str, key: SeriesKey) -> ScopeRules:
    """What differs from the project for one series. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    check_scope(session, project.id, key)
    return tuning_repository.rules_of_scan(session, key.scan_config_id).get(key, ScopeRules())


def tune_scope(
    session: Session,
    actor: Actor,
    slug: str,
    key: SeriesKey,
    *,
    detector: Detector = Detector.BASELINE,
    sigma_threshold: float | None = None,
    min_expected_count: int | None = None,
) -> ScopeRules:
    """Judge one series by its own detector and limits; None is the project's limit. Editors and owners. Errors: NotFound."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    check_scope(session, project.id, key)
    row = tuning_repository.tuning_row(session, key)
    if row is None:
        row = ScopeTuning(
            project_id=project.id, scan_config_id=key.scan_config_id, scope_type=key.scope_type.value, scope_ref=key.ref
        )
    row.detector, row.sigma_threshold, row.min_expected_count = detector.value, sigma_threshold, min_expected_count
    tuning_repository.add(session, row)
    payload = {"detector": detector.value, "sigma_threshold": sigma_threshold, "min_expected_count": min_expected_count}
    identity.record_audit(session, actor, "scope_tuning.update", key.scope_type.value, key.ref, project_slug=slug, payload=payload)
    return tuning_repository.rules_of_scan(session, key.scan_config_id).get(key, ScopeRules())


def compare_detectors(session: Session, actor: Actor, slug: str, key: SeriesKey) -> list[DetectorScore]:
    """How each detector does on known departures in the series' own history; nothing for a short one. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    check_scope(session, project.id, key)
    scan, span = repository.watched_scan(session, key.scan_config_id), repository.covered_span(session, key.scan_config_id)
    if scan is None or span is None:
        return []
    settings = service.get_settings(session, actor, slug)
    start = span[1] - history_needed(scan.interval, settings) * scan.interval.duration
    [series] = metrics.load_series(session, scan.id, [key], start)
    return comparison.compare(matrix_of([series]), settings) if series.buckets else []


def check_scope(session: Session, project_id: str, key: SeriesKey) -> None:
    """Errors: NotFound unless the scan, and the event or event type, are the project's."""
    scan = repository.watched_scan(session, key.scan_config_id)
    if scan is None or scan.project_id != project_id:
        raise NotFound("Scan not found")
    if key.scope_type is ScopeType.PROJECT_TOTAL:
        if key.ref != scan.id:
            raise NotFound("Scope not found")
    elif (key.scope_type, key.ref) not in repository.scope_names(session, project_id):
        raise NotFound("Event not found" if key.scope_type is ScopeType.EVENT else "Event type not found")
