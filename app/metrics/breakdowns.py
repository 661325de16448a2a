"""Scopes by the values of one of their columns (contract 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from app.identity.contracts import Actor
from app.kernel.errors import BadRequest, NotFound
from app.kernel.intervals import Interval
from app.metrics import breakdown_repository, grid_repository, repository
from app.metrics.charts import (
    CollectedScan,
    ScopeChart,
    collected_interval,
    collected_scan,
    counting_scan,
    default_scan,
    points_on,
)
from app.metrics.contracts import ScopeType
from app.metrics.points import Points
from app.metrics.scope_values import ScopeValues
from app.projects import service as projects


@dataclass(frozen=True, slots=True)
class ValueChart:
    """The series of one value of a breakdown; `is_latest` is for app versions."""

    value: str
    is_other: bool
    total_count: int
    points: Points
    is_latest: bool = False


@dataclass(frozen=True, slots=True)
class BreakdownChart:
    """A scope's breakdown by one of its columns."""

    config_id: str | None
    interval: Interval | None
    columns: list[str]
    selected_column: str | None
    series: list[ValueChart]


def event_breakdowns(
    session: Session,
    actor: Actor,
    slug: str,
    event_id: str,
    column: str | None = None,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> BreakdownChart:
    """An event by the values of one column, real values before Other, then by volume.

    Without `column` the first one is taken. Errors: NotFound; BadRequest for a column the event is not broken down by.
    """
    project_id = projects.get_project(session, actor, slug).id
    event = repository.find_event(session, project_id, event_id)
    if event is None:
        raise NotFound("Event not found")
    config = counting_scan(session, project_id, ScopeType.EVENT, event_id)
    source = config or default_scan(session, project_id)
    columns = list(dict.fromkeys([*(source.metric_breakdown_columns if source else ()), *event.metric_breakdown_columns]))
    if config is not None:
        stored = breakdown_repository.breakdown_columns(session, config.id, ScopeType.EVENT, event_id)
        columns = [one for one in dict.fromkeys([*columns, *stored]) if one != config.app_version_column]
    if column is not None and column not in columns:
        raise BadRequest("Unknown breakdown column")
    selected = column or (columns[0] if columns else None)
    if config is None or selected is None:
        return BreakdownChart(config.id if config else None, collected_interval(config) if config else None, columns, selected, [])
    collected = CollectedScan(config, grid_repository.covered_grid(session, config.id, start, stop))
    series = _value_charts(ScopeValues(session, collected, ScopeType.EVENT, event_id), selected)
    return BreakdownChart(config.id, collected_interval(config), columns, selected, series)


def scope_breakdown(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    column: str = "",
    start: datetime | None = None,
    stop: datetime | None = None,
) -> BreakdownChart:
    """The scope by one column; the first one when `column` is empty or not one of its own. Errors: NotFound for the scan."""
    collected = collected_scan(session, actor, slug, scan_config_id, start, stop)
    return breakdown_of(ScopeValues(session, collected, scope_type, ref), column)


def breakdown_of(values: ScopeValues, column: str = "") -> BreakdownChart:
    """The same of a scope that was found already."""
    config, columns = values.config, values.columns()
    if not columns:
        return BreakdownChart(config.id, collected_interval(config), [], None, [])
    selected = column if column in columns else columns[0]
    return BreakdownChart(config.id, collected_interval(config), columns, selected, _value_charts(values, selected))


def breakdown_timeline(
    session: Session,
    actor: Actor,
    slug: str,
    scan_config_id: str,
    scope_type: ScopeType,
    ref: str,
    column: str,
    value: str,
    *,
    is_other: bool = False,
    start: datetime | None = None,
    stop: datetime | None = None,
) -> ScopeChart:
    """The counts of one value; without points when it was never counted in [start, stop). Errors: NotFound."""
    collected = collected_scan(session, actor, slug, scan_config_id, start, stop)
    config, grid = collected.config, collected.grid
    ref = config.id if scope_type is ScopeType.PROJECT_TOTAL else ref
    found = breakdown_repository.value_counts(session, config.id, scope_type, ref, grid, column, value=(value, is_other))
    counts = next(iter(found.values()), None)
    points = Points() if counts is None else points_on(grid, counts)
    return ScopeChart(scope_type.value, config.id, collected_interval(config), points)


def _value_charts(values: ScopeValues, column: str) -> list[ValueChart]:
    charts = [
        ValueChart(value, is_other, sum(counts), points_on(values.grid, counts))
        for (value, is_other), counts in values.of(column).items()
    ]
    return sorted(charts, key=lambda chart: (chart.is_other, -chart.total_count, chart.value))
