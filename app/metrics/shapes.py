"""What the routes tagged metrics take and answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from app.detection.contracts import Direction
from app.detection.shapes import MetricSignalResponse, SignalScope
from app.kernel.intervals import Interval
from app.plan.shapes.value_types import Moment


class MetricsScope(StrEnum):
    """What a series counts; events_total is the sum over the events that meet a filter."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"
    EVENTS_TOTAL = "events_total"


class EventMetricPoint(BaseModel):
    """One collected bucket; the last five only tell something where detection found an anomaly."""

    bucket: datetime
    count: int
    expected_count: float | None = None
    stddev: float | None = None
    is_anomaly: bool = False
    anomaly_direction: Direction | None = None
    z_score: float | None = None


class ForecastPoint(BaseModel):
    """What the next bucket is expected to count."""

    bucket: datetime
    expected_count: float
    stddev: float


class EventMetricsResponse(BaseModel):
    """A series with its active signal."""

    scope: MetricsScope
    scan_config_id: str | None
    event_id: str | None
    event_type_id: str | None
    interval: Interval | None
    latest_signal: MetricSignalResponse | None
    data: list[EventMetricPoint]
    forecast: list[ForecastPoint] = []


class EventWindowMetricsRequest(BaseModel):
    """Which events, and when; without times the last 48 hours."""

    event_ids: list[UUID]
    time_from: Moment | None = None
    time_to: Moment | None = None


class EventWindowMetricsResponse(BaseModel):
    """An event's volume in the window."""

    event_id: str
    scan_config_id: str | None
    interval: Interval | None
    total_count: int
    data: list[EventMetricPoint]


class OverviewKpiSeriesResponse(BaseModel):
    """Events created per UTC day, oldest first."""

    days: int
    active_events: list[int]


class TopEventResponse(BaseModel):
    """An event with its volume."""

    event_id: str
    name: str
    event_type_id: str
    total_count: int


class EventMetricBreakdownSeries(BaseModel):
    """The series of one value."""

    breakdown_value: str
    is_other: bool = False
    total_count: int
    data: list[EventMetricPoint]


class EventMetricBreakdownsResponse(BaseModel):
    """An event by the values of one column."""

    event_id: str
    scan_config_id: str | None
    interval: Interval | None
    columns: list[str]
    selected_column: str | None
    series: list[EventMetricBreakdownSeries]


class TopMoverItem(BaseModel):
    """A value that departs from what was expected in the bucket."""

    breakdown_column: str
    breakdown_value: str
    is_other: bool
    actual_count: int
    expected_count: float
    stddev: float
    z_score: float
    direction: Direction


class SeasonalityCell(BaseModel):
    """Volume of one hour of the week; weekday 0 is Monday, all UTC."""

    weekday: int
    hour: int
    count: int
    anomaly_count: int


class SeasonalityHeatmapResponse(BaseModel):
    """168 cells, Monday 00 first."""

    scan_config_id: str
    scope_type: SignalScope
    scope_ref: str
    cells: list[SeasonalityCell]
    max_count: int
    total_count: int


class BreakdownTimelinePoint(BaseModel):
    """One collected bucket."""

    bucket: datetime
    count: int


class BreakdownTimelineResponse(BaseModel):
    """The counts of one value of one column."""

    scan_config_id: str
    scope_type: SignalScope
    scope_ref: str
    breakdown_column: str
    breakdown_value: str
    is_other: bool
    interval: Interval | None
    data: list[BreakdownTimelinePoint]


class AppVersionInfo(BaseModel):
    """An app version; Other stands for all that are not named."""

    version: str
    is_other: bool = False
    is_latest: bool = False


class AppVersionMetricSeries(AppVersionInfo):
    """The counts of one version."""

    total_count: int
    data: list[EventMetricPoint]


class AppVersionSeriesResponse(BaseModel):
    """Counts per app version, newest version first."""

    scan_config_id: str
    scope_type: SignalScope
    scope_ref: str
    event_id: str | None
    event_type_id: str | None
    app_version_column: str | None
    interval: Interval | None
    latest_version: str | None
    versions: list[AppVersionInfo]
    series: list[AppVersionMetricSeries]


class AppVersionAdoptionResponse(AppVersionSeriesResponse):
    """The same with the sum of all versions, so that shares can be told."""

    totals: list[BreakdownTimelinePoint]
