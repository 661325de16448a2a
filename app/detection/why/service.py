"""Why a signal arose, asked for one series of a project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.detection import feedback
from app.detection import repository as scopes
from app.detection.contracts import Direction
from app.detection.why import counted, recorded, repository
from app.detection.why.contracts import Findings, NewRelease, Ranking, SourceState, Subject, ValueMove
from app.detection.why.ranking import rank
from app.identity.contracts import Actor
from app.kernel.errors import NotFound, Unavailable
from app.kernel.intervals import Interval
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects
from models.detection import Anomaly


@dataclass(frozen=True, slots=True)
class Why:
    """The departure that was asked about, and what accounts for it."""

    subject: Subject
    scope_name: str
    ranking: Ranking


def explain(session: Session, actor: Actor, slug: str, key: SeriesKey, bucket: datetime | None = None) -> Why:
    """Rank the explanations of the series' anomaly that holds the bucket, or of its newest one. Only reads.

    Errors: NotFound for a scan or scope of another project, and where the series has no such anomaly.
    """
    project = projects.get_project(session, actor, slug)
    feedback.check_scope(session, project.id, key)
    row = repository.anomaly_at(session, key, bucket)
    scan = scopes.watched_scan(session, key.scan_config_id)
    if row is None or scan is None:
        raise NotFound("Signal not found")
    name = scopes.scope_names(session, project.id).get((key.scope_type, key.ref))
    subject = _subject(key, row)
    findings = _findings(session, actor, slug, project.id, subject, scan.interval, None if name is None else name.event_type_id)
    return Why(subject, project.name if name is None else name.name, rank(subject, findings))


def _subject(key: SeriesKey, row: Anomaly) -> Subject:
    return Subject(
        key,
        Direction(row.direction),
        row.bucket,
        row.last_bucket,
        timedelta(seconds=row.bucket_seconds),
        float(row.actual_count),
        row.expected_count,
    )


def _findings(
    session: Session, actor: Actor, slug: str, project_id: str, subject: Subject, interval: Interval, event_type_id: str | None
) -> Findings:
    not_seen = []
    values: list[ValueMove] = []
    releases: list[NewRelease] = []
    source = SourceState()
    start = counted.oldest_reference(subject.bucket, interval)
    covered = repository.coverage(session, subject.key.scan_config_id, start, subject.bucket)
    reference = counted.reference_of(subject.bucket, interval, covered)
    if reference is None:
        not_seen.append("No earlier bucket was collected to compare values with")
    else:
        values, columns = counted.value_moves(session, actor, slug, subject, reference)
        children, source = counted.child_moves(session, project_id, subject, reference)
        source = counted.coverage_state(session, subject, interval, reference, source)
        values += children
        if not columns and not children:
            not_seen.append("The scan breaks the series down by no column, so no value can be named")
        releases, knows_versions = counted.new_releases(session, actor, slug, subject, reference)
        if not knows_versions:
            not_seen.append("The scan has no app version column, so no release can be named")
    try:
        logs = recorded.log_bursts(session, actor, slug, subject)
    except Unavailable:
        logs = []
        not_seen.append("Log lines cannot be read at the moment")
    return Findings(
        values=tuple(values),
        planned=tuple(recorded.planned(session, actor, slug, subject)),
        marks=tuple(recorded.marks(session, actor, slug, subject)),
        releases=tuple(releases),
        plan_changes=tuple(recorded.plan_changes(session, actor, slug, subject)),
        drifts=tuple(
            recorded.drifts(session, actor, slug, None if subject.key.scope_type is ScopeType.PROJECT_TOTAL else event_type_id)
        ),
        source=counted.with_failed_runs(source, counted.failed_runs(session, actor, slug, subject)),
        logs=tuple(logs),
        not_seen=tuple(not_seen),
    )
