"""The monitoring page's data: series with its range, movers, breakdown, week, versions and annotations in one read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.kernel.intervals import floor_to_bucket
from app.metrics import breakdowns, charts, movers, version_charts
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series
from app.metrics.scope_values import ScopeValues
from app.plan import service as plan
from app.presentation import judged_chart
from app.scans import service as scans
from components import ChartData, HeatData, heat_data, spark_path
from components.format import deviation, full_number, local_time, percent

MOST_VALUES = 20
MOST_TYPES = 200
MOST_EVENTS = 500
_SPARK_BARS = 48


@dataclass(frozen=True)
class ValueRow:
    """One value of a breakdown, or one app version, as a line with its picture."""

    name: str
    mark: str
    total: str
    share: str
    path: str
    shape: str


@dataclass(frozen=True)
class MoverRow:
    """A value that moved in the newest anomalous bucket."""

    name: str
    column: str
    direction: str
    size: str
    actual: str


@dataclass(frozen=True)
class Mark:
    """An annotation: `at` is the row of the chart it stands on."""

    id: str
    at: str
    label: str
    when: str


@dataclass(frozen=True)
class NoMovers:
    """Why no value is listed; `href` leads to where more would be counted, and is empty when that helps nothing."""

    title: str
    text: str
    href: str = ""


NO_ANOMALY: Final = NoMovers(
    "No anomaly in this range", "The values that moved most in the newest anomaly of the chart stand here."
)


@dataclass(frozen=True)
class MonitoringView:
    """Everything the page shows."""

    scope_name: str = ""
    event_href: str = ""
    bakeoff_href: str = ""
    scopes: list[list[str]] = field(default_factory=list)
    has_series: bool = False
    chart: ChartData = field(default_factory=ChartData)
    marks: list[Mark] = field(default_factory=list)
    columns: list[list[str]] = field(default_factory=list)
    column: str = ""
    value_rows: list[ValueRow] = field(default_factory=list)
    movers: list[MoverRow] = field(default_factory=list)
    movers_note: str = ""
    no_movers: NoMovers = field(default_factory=lambda: NO_ANOMALY)
    week: HeatData = field(default_factory=HeatData)
    has_volume: bool = False
    version_column: str = ""
    versions: list[ValueRow] = field(default_factory=list)


def monitoring_view(
    session: Session, actor: Actor, slug: str, scope: str, ref: str, days: int, column: str, zone: ZoneInfo
) -> MonitoringView:
    """The scope in the last `days`. Errors: NotFound for a scope that is none of the project's."""
    if scope not in set(ScopeType):
        raise NotFound("Series not found")
    scope_type = ScopeType(scope)
    now = SYSTEM_CLOCK.now()
    start = now - timedelta(days=days)
    scopes, names = _scopes(session, actor, slug)
    series_ref = None if scope_type is ScopeType.PROJECT_TOTAL else ref
    name = "Project total" if series_ref is None else names.get((scope, ref), "") or _name(session, actor, slug, scope_type, ref)
    chart, series = judged_chart(session, actor, slug, scope_type, series_ref, start=start, stop=now, zone=zone, subject=name)
    week = metrics.week_of(session, series)
    cells = {(cell.weekday, cell.hour): (cell.count, cell.anomaly_count) for cell in week.cells}
    shown = MonitoringView(
        scope_name=name,
        event_href=ui_paths.project_event(slug, ref) if scope_type is ScopeType.EVENT else "",
        bakeoff_href=ui_paths.project_bakeoff(slug, "" if series_ref is None else f"{scope}/{ref}"),
        scopes=scopes,
        has_series=bool(series.buckets),
        chart=chart,
        week=heat_data(cells, zone, now, subject=name),
        has_volume=week.total_count > 0,
    )
    if not series.buckets:
        return shown
    config_id = series.key.scan_config_id
    collected = charts.scan_of_series(session, series, start, now)
    values = ScopeValues(session, collected, scope_type, series.key.ref)
    found = breakdowns.breakdown_of(values, column)
    versions = version_charts.versions_of(session, collected, scope_type, series.key.ref)
    moved, note = _movers(session, actor, slug, values, series, chart, zone)
    return MonitoringView(
        **{
            **{name: getattr(shown, name) for name in MonitoringView.__dataclass_fields__},
            "marks": _marks(session, actor, slug, series, chart, zone),
            "columns": [[one, one] for one in found.columns],
            "column": found.selected_column or "",
            "value_rows": _rows(found.series[:MOST_VALUES]),
            "movers": moved,
            "movers_note": note,
            "no_movers": _no_movers(session, actor, slug, config_id, found.columns) if note else NO_ANOMALY,
            "version_column": versions.app_version_column or "",
            "versions": _rows(versions.series[:MOST_VALUES]),
        }
    )


def _name(session: Session, actor: Actor, slug: str, scope_type: ScopeType, ref: str) -> str:
    # The selector holds the first events only; any other one may still be in the address.
    if scope_type is ScopeType.EVENT:
        return plan.get_event(session, actor, slug, ref).name
    raise NotFound("Event type not found")


def _scopes(session: Session, actor: Actor, slug: str) -> tuple[list[list[str]], dict[tuple[str, str], str]]:
    types = plan.event_type_names(session, actor, slug, limit=MOST_TYPES)
    names = {("event_type", type_id): name for type_id, name in types}
    names |= {("event", event_id): name for event_id, name in plan.event_names(session, actor, slug, limit=MOST_EVENTS)}
    words = {"event_type": "Event type", "event": "Event"}
    choices = [["project_total/all", "Project total"]]
    choices += [[f"{scope}/{ref}", f"{words[scope]}: {name}"] for (scope, ref), name in names.items()]
    return choices, names


def _rows(series: Sequence[breakdowns.ValueChart]) -> list[ValueRow]:
    whole = sum(one.total_count for one in series) or 1
    return [
        ValueRow(
            name=one.value or "(empty)",
            mark="rest" if one.is_other else "latest" if one.is_latest else "",
            total=full_number(one.total_count),
            share=percent(one.total_count / whole),
            path=spark_path(_bars(one.points.counts)),
            shape=f"{one.value or 'empty'}: {full_number(one.total_count)} in all",
        )
        for one in series
    ]


def _bars(counts: Sequence[int]) -> list[int]:
    """The counts in few enough bars to be told apart in a small picture."""
    width = max(1, -(-len(counts) // _SPARK_BARS))
    return [sum(counts[first : first + width]) for first in range(0, len(counts), width)]


def _movers(
    session: Session, actor: Actor, slug: str, values: ScopeValues, series: Series, chart: ChartData, zone: ZoneInfo
) -> tuple[list[MoverRow], str]:
    marked = [bucket for bucket, row in zip(series.buckets, chart.rows, strict=True) if row.mark]
    if not marked:
        return [], ""
    found = movers.movers_of(session, actor, slug, values, marked[-1])
    rows = [
        MoverRow(
            name=one.breakdown_value or "(empty)",
            column=one.breakdown_column,
            direction=one.direction,
            size=deviation(one.actual_count, one.expected_count),
            actual=full_number(one.actual_count),
        )
        for one in found
    ]
    return rows, f"anomaly of {local_time(marked[-1], zone, now=SYSTEM_CLOCK.now())}"


def _no_movers(session: Session, actor: Actor, slug: str, config_id: str, counted: Sequence[str]) -> NoMovers:
    """An empty list is an answer only where values are counted apart."""
    if counted:
        values = f"Each value of {', '.join(counted)} was counted within its own expected range."
        return NoMovers("No value stands out", values)
    config = scans.get_config(session, actor, slug, config_id)
    editor = ui_paths.project_scan(slug, config_id)
    if config.metric_breakdown_columns:
        chosen = ", ".join(config.metric_breakdown_columns)
        return NoMovers("Values are not counted yet", f"The scan counts {chosen} apart from its next run on.", editor)
    return NoMovers("No value is counted apart", "The scan names no columns to break down by, so what moved is unknown.", editor)


def _marks(session: Session, actor: Actor, slug: str, series: Series, chart: ChartData, zone: ZoneInfo) -> list[Mark]:
    key = series.key
    found = plan.list_annotations(
        session, actor, slug, scope_type=key.scope_type.value, scope_ref=key.ref,
        time_from=series.buckets[0], time_to=series.buckets[-1] + series.interval.duration,
    )  # fmt: skip
    rows = dict(zip(series.buckets, chart.rows, strict=True)) if found else {}
    marks = []
    for one in found:
        row = rows.get(floor_to_bucket(one.bucket, series.interval))
        if row is not None:
            marks.append(Mark(one.id, row.at, one.label, local_time(one.bucket, zone, now=SYSTEM_CLOCK.now())))
    return marks
