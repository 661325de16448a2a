"""Series and figures as pages, routes and detection see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.kernel.intervals import Interval

Counts = npt.NDArray[np.float64]


class ScopeType(StrEnum):
    """What a series counts."""

    PROJECT_TOTAL = "project_total"
    EVENT_TYPE = "event_type"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One series of a scan config; `ref` is the scan config's id, an event type's or an event's."""

    scan_config_id: str
    scope_type: ScopeType
    ref: str


@dataclass(frozen=True, slots=True)
class BucketRow:
    """One stored count."""

    key: SeriesKey
    bucket: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Series:
    """Zero-filled over covered buckets only; `counts[i]` is None where no completed run covered `buckets[i]`."""

    key: SeriesKey
    interval: Interval
    buckets: list[datetime]
    counts: list[int | None]


@dataclass(frozen=True, slots=True)
class CountBlock:
    """`counts[series, row]` of `keys[series]` in the bucket numbered `first_index + row` (`intervals.bucket_index`).

    0 where a run covered the bucket and nothing was counted, NaN where no completed run covered it.
    """

    keys: list[SeriesKey]
    first_index: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class HeatmapCell:
    """`weekday` 0 is Monday, `hour` 0 to 23, both UTC."""

    weekday: int
    hour: int
    count: int
    anomaly_count: int


@dataclass(frozen=True, slots=True)
class Heatmap:
    """168 cells, Monday 00 first."""

    key: SeriesKey
    cells: list[HeatmapCell]
    max_count: int
    total_count: int


@dataclass(frozen=True, slots=True)
class TopEvent:
    """An event and its volume in the window asked for."""

    event_id: str
    event_type_id: str
    name: str
    total_count: int


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A bucket that a run covered: every row it returned, and those that belong to an event of the plan."""

    bucket: datetime
    total_count: int
    matched_count: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """Volume of one UTC day; None when no bucket of the day was collected."""

    day: date
    count: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """A project's figures at a glance.

    `active_event_count` counts events seen within the days asked for. The two 24-hour volumes end at `volume_until`, the
    start of the first bucket not collected yet (now's bucket when collection lags behind); they are None without coverage.
    `total` is the recent series of the whole project, without buckets while nothing was collected. All times UTC.
    """

    event_count: int
    active_event_count: int
    volume_until: datetime
    volume_24h: int | None
    volume_previous_24h: int | None
    days: list[DayTotal]
    total: Series
    last_collected_bucket: datetime | None
    last_received_at: datetime | None
