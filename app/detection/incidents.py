"""Incidents: anomalies of one series and direction in a row, as one line of a list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from app.detection import planned, repository
from app.detection.contracts import Direction, Incident
from app.identity.contracts import Actor
from app.kernel.pagination import Page
from app.metrics.contracts import ScopeType, SeriesKey
from app.projects import service as projects
from app.projects.contracts import ProjectView

TOLERATED_GAP_BUCKETS = 2
LARGEST_INCIDENT_PAGE = 200
_ONE_SECOND = timedelta(seconds=1)


def list_incidents(
    session: Session,
    actor: Actor,
    slug: str,
    *,
    direction: Direction | None = None,
    scope: ScopeType | None = None,
    scope_ref: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page[Incident]:
    """Anomalies of one scope and direction merged over gaps of at most two buckets, newest start first.

    `since` and `until` keep incidents that touch [since, until). `limit` is taken as at most 200. A total's `related_count` is
    the number of event incidents of its scan and direction that overlap it. Errors: NotFound.
    """
    project = projects.get_project(session, actor, slug)
    limit, offset = max(1, min(limit, LARGEST_INCIDENT_PAGE)), max(0, offset)
    wanted = repository.IncidentFilter(
        direction=None if direction is None else Direction(direction).value,
        scopes=None if scope is None else [ScopeType(scope)],
        scope_ref=scope_ref,
        since=since,
        until=until,
    )
    rows, total = repository.page_of_incidents(
        session, project.id, wanted, gap_buckets=TOLERATED_GAP_BUCKETS, limit=limit, offset=offset
    )
    if not rows:
        return Page([], total, limit, offset)
    names = repository.scope_names(session, project.id)
    newest = repository.newest_buckets(session, project.id)
    spans = _covered_event_incidents(session, project.id, rows)
    expected = planned.expected_departures(session, project.id, min(row.started_at for row in rows))
    items = [_incident(row, project, names, newest.get(row.scan_config_id), spans, expected) for row in rows]
    return Page(items, total, limit, offset)


_Span = tuple[str, str, datetime, datetime]


def _covered_event_incidents(session: Session, project_id: str, rows: list[sa.Row[Any]]) -> list[_Span]:
    totals = [row for row in rows if row.scope_type == ScopeType.PROJECT_TOTAL.value]
    if not totals:
        return []
    start, stop = min(row.started_at for row in totals), max(row.ended_at for row in totals)
    config_ids = sorted({row.scan_config_id for row in totals})
    return repository.event_incident_spans(
        session, project_id, config_ids, start, stop + _ONE_SECOND, gap_buckets=TOLERATED_GAP_BUCKETS
    )


def _incident(
    row: sa.Row[Any],
    project: ProjectView,
    names: dict[tuple[ScopeType, str], repository.ScopeName],
    newest: datetime | None,
    spans: list[_Span],
    expected: planned.Expected,
) -> Incident:
    scope_type = ScopeType(row.scope_type)
    name = names.get((scope_type, row.scope_ref))
    related = 0
    if scope_type is ScopeType.PROJECT_TOTAL:
        related = sum(
            (config_id, direction) == (row.scan_config_id, row.direction) and start <= row.ended_at and end >= row.started_at
            for config_id, direction, start, end in spans
        )
    return Incident(
        scan_config_id=row.scan_config_id,
        scope_type=scope_type,
        scope_ref=row.scope_ref,
        scope_name=project.name if scope_type is ScopeType.PROJECT_TOTAL else (name.name if name else "deleted"),
        direction=Direction(row.direction),
        started_at=row.started_at,
        ended_at=row.ended_at,
        peak_at=row.peak_at,
        peak_actual=row.peak_actual,
        peak_expected=row.peak_expected,
        peak_z_score=row.peak_z_score,
        bucket_count=row.bucket_count,
        is_active=newest is not None and row.ended_at >= newest,
        event_id=name.event_id if name else None,
        related_count=related,
        event_type_id=name.event_type_id if name else None,
        expected_because=expected.reason(
            SeriesKey(row.scan_config_id, scope_type, row.scope_ref),
            Direction(row.direction),
            row.started_at,
            row.ended_at,
            timedelta(seconds=row.bucket_seconds),
        ),
    )
