"""Judged buckets around incidents: what a list of incidents draws beside each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from app.detection import repository, service, tuning_repository
from app.detection.contracts import Incident, Judgement
from app.detection.detectors import USUAL, judge_series
from app.detection.engine.baseline import history_needed
from app.detection.engine.matrix import matrix_of
from app.detection.judgements import judgements_of
from app.identity.contracts import Actor
from app.kernel.intervals import bucket_index
from app.metrics import service as metrics
from app.metrics.contracts import SeriesKey
from app.projects import service as projects

BEFORE, AFTER = 36, 6
LONGEST = 96


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Buckets in time order and the number of spreads at which the series' own rules call one abnormal."""

    judged: list[Judgement] = field(default_factory=list)
    sigma: float = 3.0


def around(session: Session, actor: Actor, slug: str, incidents: Sequence[Incident]) -> list[Surroundings]:
    """Per incident its newest buckets and the 36 before and 6 after it, judged by the rules of its series.

    An incident of more buckets is cut to the newest 96. Nothing for a scan without an interval. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    settings = service.get_settings(session, actor, slug)
    found = [Surroundings() for _ in incidents]
    for scan_id in {incident.scan_config_id for incident in incidents}:
        scan = repository.watched_scan(session, scan_id)
        if scan is None or scan.project_id != project.id:
            continue
        places = [place for place, incident in enumerate(incidents) if incident.scan_config_id == scan_id]
        keys = list(dict.fromkeys(_key(incidents[place]) for place in places))
        width = scan.interval.duration
        earliest = min(incidents[place].started_at for place in places) - BEFORE * width
        latest = max(incidents[place].ended_at for place in places) + AFTER * width
        series = metrics.load_series(session, scan_id, keys, earliest - history_needed(scan.interval, settings) * width)
        if not series or not series[0].buckets:
            continue
        matrix = matrix_of(series).until(latest)
        rules = tuning_repository.rules_of_scan(session, scan_id)
        verdicts = judge_series(matrix, keys, settings, rules)
        for place in places:
            incident = incidents[place]
            first = bucket_index(incident.started_at, scan.interval) - matrix.first_index - BEFORE
            last = bucket_index(incident.ended_at, scan.interval) - matrix.first_index + AFTER
            rows = range(max(0, first, last - LONGEST + 1), min(matrix.bucket_count, last + 1))
            column = keys.index(_key(incident))
            own = rules.get(keys[column], USUAL).apply(settings)
            judged = judgements_of(matrix, verdicts, rows, column, own)
            found[place] = Surroundings(judged, own.sigma_threshold)
    return found


def _key(incident: Incident) -> SeriesKey:
    return SeriesKey(incident.scan_config_id, incident.scope_type, incident.scope_ref)
