"""One metric of audit records over time, as a line or by group, and what the page's address asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from zoneinfo import ZoneInfo

from app.audit import records
from app.audit.contracts import Bucket
from app.audit.figures import AGGREGATES, CATEGORICAL, RecordFilter
from app.kernel.errors import NotFound
from components.chart_data import ChartData, ChartPoint, bucket_text, chart_data, spark_path
from components.format import NO_VALUE, full_number

DEFAULT_PERIOD: Final = "7"
INTERVALS: Final = {"": "Fitting", "300": "5 minutes", "3600": "1 hour", "86400": "1 day", "604800": "1 week"}
_FITTING: Final = {"1": 3600, "7": 3600, "30": 86_400, "365": 604_800}
_MOST_POINTS: Final = 2000
MOST_GROUPS: Final = 20
CHOICE_NAMES: Final = {
    "category": "Any category",
    "app": "Any application",
    "env": "Any environment",
    "status": "Any status",
    "level": "Any level",
    "event_name": "Any event",
}

Point = tuple[int, float | None]


@dataclass(frozen=True)
class Query:
    """What the address asks for; empty for anything."""

    days: str = DEFAULT_PERIOD
    source: str = ""
    category: str = ""
    app: str = ""
    env: str = ""
    status: str = ""
    level: str = ""
    event_name: str = ""
    origin: str = ""
    page: int = 1
    metric: str = ""
    interval: str = ""
    agg: str = "mean"
    group_by: str = ""

    @property
    def narrowing(self) -> dict[str, str]:
        """The filters that are set."""
        names = (*CHOICE_NAMES, "origin")
        return {name: value for name in names if (value := getattr(self, name))}


@dataclass(frozen=True)
class GroupRow:
    """A metric's values of one group."""

    name: str
    spark: str
    label: str
    latest: str
    least: str
    greatest: str


@dataclass(frozen=True)
class MetricView:
    """One metric over time, as a line or by group."""

    name: str = ""
    chart: ChartData = field(default_factory=ChartData)
    groups: list[GroupRow] = field(default_factory=list)
    more: str = ""
    is_empty: bool = True


def metric_view(bucket: Bucket, wanted: RecordFilter, query: Query, zone: ZoneInfo, now: datetime) -> MetricView:
    """The metric that the query names. Errors: InvalidInput, Unavailable."""
    seconds = int(query.interval) if query.interval else _FITTING[query.days]
    if int(query.days) * 86_400 // seconds > _MOST_POINTS:
        seconds = _FITTING[query.days]
    try:
        groups = records.metric_points(bucket, query.metric, wanted, timedelta(seconds=seconds), query.agg, query.group_by or None)
    except NotFound:
        groups = {}  # an address may be older than the records
    if not query.group_by:
        return MetricView(query.metric, _chart(groups.get("all", []), wanted, seconds, query, zone), [], "", not groups)
    by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
    rows = [_group(name, points, seconds, zone, now) for name, points in by_size[:MOST_GROUPS]]
    hidden = len(groups) - len(rows)
    return MetricView(query.metric, ChartData(), rows, f"{full_number(hidden)} more groups" if hidden > 0 else "", not groups)


def _chart(found: Sequence[Point], wanted: RecordFilter, seconds: int, query: Query, zone: ZoneInfo) -> ChartData:
    values = dict(found)
    first, last = int(wanted.start.timestamp()) // seconds, int(wanted.stop.timestamp()) // seconds
    # The chart draws whatever number it is given; the words beside it are put right below.
    points = [ChartPoint(_moment(index * seconds), cast("int | None", values.get(index))) for index in range(first, last + 1)]
    data = chart_data(points, zone, seconds, subject=query.metric, now=wanted.stop)
    known = [value for value in values.values() if value is not None]
    bounds = f"between {_figure(min(known))} and {_figure(max(known))}" if known else "no values"
    rows = [replace(row, value_text="no value" if row.value is None else _figure(row.value)) for row in data.rows]
    return replace(data, rows=rows, summary=f"{query.agg} of {query.metric} per {_span(seconds)}: {bounds}.")


def _group(name: str, points: Sequence[Point], seconds: int, zone: ZoneInfo, now: datetime) -> GroupRow:
    known = [(window, value) for window, value in points if value is not None]
    if not known:
        return GroupRow(name or "none", "", "no values", NO_VALUE, NO_VALUE, NO_VALUE)
    values = [value for _, value in known]
    least, greatest = _figure(min(values)), _figure(max(values))
    latest = f"{_figure(values[-1])} ({bucket_text(_moment(known[-1][0] * seconds), seconds, zone, now=now)})"
    # Bars show sizes: values below zero are drawn as nothing.
    spark = spark_path([round(max(0.0, value) * 1000) for value in values[-48:]])
    return GroupRow(name or "none", spark, f"{len(values)} values, from {least} to {greatest}", latest, least, greatest)


def group_choices() -> list[tuple[str, str]]:
    """Fields a metric can be split by."""
    return [("", "Not split"), *((name, f"By {name.replace('_', ' ')}") for name in CATEGORICAL)]


def aggregate_choices() -> list[tuple[str, str]]:
    """Ways of summing values up."""
    return [(name, name.capitalize()) for name in AGGREGATES]


def _figure(value: float) -> str:
    return full_number(value) if abs(value) >= 1000 else f"{value:,.3f}".rstrip("0").rstrip(".").replace("-", "\u2212")


def _span(seconds: int) -> str:
    return {"300": "5 minutes", "3600": "hour", "86400": "day", "604800": "week"}[str(seconds)]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
