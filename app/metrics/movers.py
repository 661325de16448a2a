"""Which values of a breakdown moved most in one bucket (contract 5.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlmodel import Session

from app.detection import service as detection
from app.detection.contracts import Outcome
from app.detection.engine.baseline import history_needed
from app.detection.engine.judging import judge
from app.detection.engine.matrix import matrix_of
from app.detection.judgements import judgement_at
from app.identity.contracts import Actor
from app.kernel.intervals import floor_to_bucket
from app.metrics import charts, grid_repository
from app.metrics.contracts import ScopeType, Series, SeriesKey
from app.metrics.scope_values import ScopeValues
from app.projects import service as projects

# Judging a value costs its whole history; of a column with more values the largest ones are judged.
MOST_VALUES_PER_COLUMN = 200


@dataclass(frozen=True, slots=True)
class Mover:
    """A value of a breakdown whose count departs from what was expected."""

    breakdown_column: str
    breakdown_value: str
    is_other: bool
    actual_count: int
    expected_count: float
    stddev: float
    z_score: float
    direction: str


def top_movers(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    bucket: datetime,
    limit: int = 10,
) -> list[Mover]:
    """Anomalous values of the scope's breakdowns in the bucket, largest absolute score first; app versions are left out.

    Nothing while detection is off. Errors: NotFound for a scan of another project.
    """
    config = charts.scan_of(session, projects.get_project(session, actor, slug).id, scan_config_id)
    values = ScopeValues(session, charts.CollectedScan(config, grid_repository.NO_BUCKETS), scope_type, ref)
    return movers_of(session, actor, slug, values, bucket, limit)


def movers_of(session: Session, actor: Actor, slug: str, values: ScopeValues, bucket: datetime, limit: int = 10) -> list[Mover]:
    """The same of a scope that was found already; what was read of it is not read again."""
    config = values.config
    settings = detection.get_settings(session, actor, slug)
    if not settings.anomaly_detection_enabled or config.interval is None:
        return []
    interval = charts.interval_of(config)
    bucket = floor_to_bucket(bucket, interval)
    stop = bucket + interval.duration
    start = bucket - history_needed(interval, settings) * interval.duration
    grid = grid_repository.covered_grid(session, config.id, start, stop)
    if not grid.buckets or grid.buckets[-1] != bucket:
        return []
    # All values share the grid: where its buckets stand in a matrix is found once.
    key = SeriesKey(config.id, values.scope_type, values.ref)
    blank = matrix_of([Series(key, interval, grid.buckets, [0] * len(grid.buckets))])
    rows = blank.rows(grid.buckets)
    found = []
    for column in values.columns():
        counts = {value: counts for value, counts in values.within(grid, column).items() if any(counts)}
        largest = sorted(counts, key=lambda entry: (-sum(counts[entry]), entry))[:MOST_VALUES_PER_COLUMN]
        if not largest:
            continue
        matrix = replace(blank, counts=np.full((blank.bucket_count, len(largest)), np.nan))
        matrix.counts[rows] = np.array([counts[entry] for entry in largest]).T
        verdicts = judge(matrix, settings)
        for position, (value, is_other) in enumerate(largest):
            verdict = judgement_at(matrix, verdicts, matrix.bucket_count - 1, position, settings)
            if verdict.outcome is Outcome.ANOMALY and verdict.direction is not None and verdict.expected is not None:
                found.append(
                    Mover(
                        column, value, is_other, verdict.actual or 0, verdict.expected, verdict.spread or 0.0, verdict.score or 0.0,
                        verdict.direction.value,
                    )
                )  # fmt: skip
    return sorted(found, key=lambda mover: (-abs(mover.z_score), mover.breakdown_column, mover.breakdown_value))[:limit]
