"""Turns points in time into the plain rows that charts, table twins and the heatmap draw. Pure functions, no Reflex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from components.format import NO_VALUE, compact_number, deviation, full_number, local_time, zone_label

SPARK_WIDTH = 96
SPARK_HEIGHT = 20
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_TICKS = 8
# Steps a time axis may take, in hours; the first that gives few enough ticks is used.
_TICK_HOURS = (1, 3, 6, 12, 24, 48, 96, 168, 336, 720)

_DAY_SECONDS = 86_400
_CLOCKS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(_DAY_SECONDS // 60))


# Points and rows are not frozen: a chart of months has thousands, and to make a frozen one takes three times as long.
@dataclass(slots=True)
class ChartPoint:
    """One bucket. `value` None means nobody counted; `expected` None means no judgement. `mark` is "", "spike" or "drop"."""

    at: datetime
    value: int | None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    mark: str = ""
    note: str = ""


@dataclass(slots=True)
class ChartRow:
    """A point as the chart reads it. `at` is the axis key, `when` the words for tooltip and table.

    The browser writes the expected figures out: a chart of months would carry thousands of such words for the few that are read.
    """

    at: str
    when: str
    value: int | None
    value_text: str
    expected: float | None
    band: list[float] | None
    mark: str
    lone: bool
    note: str


@dataclass(frozen=True, slots=True)
class ChartData:
    """Everything a line chart needs. `summary` is its sentence for people who do not see it."""

    rows: list[ChartRow] = field(default_factory=list)
    ticks: list[str] = field(default_factory=list)
    tick_labels: dict[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    summary: str = ""
    has_band: bool = False
    mark_count: int = 0


def chart_data(
    points: Sequence[ChartPoint], zone: ZoneInfo, bucket_seconds: int, *, subject: str, now: datetime | None = None
) -> ChartData:
    """Rows, ticks and summary of a series in the viewer's zone. `points` are in time order."""
    if not points:
        return ChartData()
    starts = [point.at.astimezone(zone) for point in points]
    rows = _rows(points, _bucket_texts(points, starts, zone, bucket_seconds, None if now is None else now.astimezone(zone).year))
    ticks, labels = _ticks(points, starts)
    marks = [point for point in points if point.mark]
    return ChartData(
        rows=rows,
        ticks=ticks,
        tick_labels=labels,
        zone=zone_label(zone, points[-1].at),
        summary=_summary(points, zone, subject, len(marks), now),
        has_band=any(row.band for row in rows),
        mark_count=len(marks),
    )


def _rows(points: Sequence[ChartPoint], texts: Sequence[str]) -> list[ChartRow]:
    values = [point.value for point in points]
    value_texts = {value: "not collected" if value is None else full_number(value) for value in set(values)}
    before, after = [None, *values[:-1]], [*values[1:], None]
    expected, low, high = _rounded(points)
    return [
        ChartRow(
            _key(point.at),
            text,
            value,
            value_texts[value],
            None if point.expected is None else middle,
            None if point.low is None or point.high is None else [least if least > 0 else 0.0, most],
            point.mark,
            value is not None and left is None and right is None,
            point.note if not point.mark or value is None or point.expected is None else deviation(value, point.expected),
        )
        for point, text, value, left, right, middle, least, most in zip(
            points, texts, values, before, after, expected, low, high, strict=True
        )
    ]


def _rounded(points: Sequence[ChartPoint]) -> list[list[float]]:
    """Expected, low and high of the points, each to a tenth; not a number where there is none."""
    columns = [[point.expected for point in points], [point.low for point in points], [point.high for point in points]]
    rounded: list[list[float]] = np.round(np.array(columns, dtype=np.float64), 1).tolist()
    return rounded


def band_text(row: ChartRow) -> str:
    """The expected range in words: "900 to 1,204"; a dash without one."""
    return NO_VALUE if row.band is None else f"{full_number(row.band[0])} to {full_number(row.band[1])}"


def bucket_text(start: datetime, seconds: int, zone: ZoneInfo, *, now: datetime | None = None) -> str:
    """A bucket in the viewer's zone: "Tue 24 Nov, 14:00–15:00 CET"; whole days and longer show their first and last day."""
    this_year = None if now is None else now.astimezone(zone).year
    return _bucket_texts([ChartPoint(start, None)], [start.astimezone(zone)], zone, seconds, this_year)[0]


def _bucket_texts(
    points: Sequence[ChartPoint], starts: Sequence[datetime], zone: ZoneInfo, seconds: int, this_year: int | None
) -> list[str]:
    """`bucket_text` of each point, of which `starts` has the start in the zone.

    A chart has thousands: what two of them share is made once, and not by strftime, which alone takes longer than all the rest.
    """
    width = timedelta(seconds=seconds)
    days: dict[int, str] = {}
    labels: dict[str | None, str] = {}

    def day(local: datetime) -> str:
        number = local.toordinal()
        text = days.get(number)
        if text is None:
            text = days[number] = f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"
        return text

    def label(local: datetime) -> str:
        name = local.tzname()
        text = labels.get(name)
        if text is None:
            text = labels[name] = zone_label(zone, local)
        return text

    texts = []
    for place, (point, local) in enumerate(zip(points, starts, strict=True), start=1):
        stop = point.at + width
        is_followed = place < len(points) and points[place].at == stop
        end = starts[place] if is_followed else stop.astimezone(zone)
        year = "" if local.year == this_year else f" {local.year}"
        if seconds < _DAY_SECONDS:
            texts.append(f"{day(local)}{year}, {_clock(local)}–{_clock(end)} {label(local)}")
        else:
            texts.append(f"{day(local)}{year} {_clock(local)} to {day(end)} {_clock(end)} {label(local)}")
    return texts


def _clock(local: datetime) -> str:
    return _CLOCKS[local.hour * 60 + local.minute]


def _key(at: datetime) -> str:
    # Nobody reads it; a day's number and a clock are a fifth of the cost of an ISO text.
    return f"{at.toordinal()} {_clock(at)}"


def _ticks(points: Sequence[ChartPoint], starts: Sequence[datetime]) -> tuple[list[str], dict[str, str]]:
    span_hours = (points[-1].at - points[0].at).total_seconds() / 3600
    step = next((hours for hours in _TICK_HOURS if span_hours / hours <= _MOST_TICKS), _TICK_HOURS[-1])
    labels: dict[str, str] = {}
    first_day = starts[0].toordinal()
    for point, local in zip(points, starts, strict=True):
        if local.minute:
            continue
        if step < 24 and local.hour % step == 0:
            labels[_key(point.at)] = _clock(local) if local.hour else f"{local.day} {MONTHS[local.month - 1]}"
        elif step >= 24 and local.hour == 0 and (local.toordinal() - first_day) % (step // 24) == 0:
            labels[_key(point.at)] = f"{local.day} {MONTHS[local.month - 1]}"
    if not labels:
        # Day and week buckets rarely start at local midnight; every nth bucket is marked instead.
        stride = max(1, len(points) // _MOST_TICKS)
        pairs = zip(points[::stride], starts[::stride], strict=True)
        labels = {_key(point.at): f"{local:%d %b}".lstrip("0") for point, local in pairs}
    return list(labels), labels


def _summary(points: Sequence[ChartPoint], zone: ZoneInfo, subject: str, mark_count: int, now: datetime | None) -> str:
    values = [point.value for point in points if point.value is not None]
    start, stop = (local_time(point.at, zone, now=now) for point in (points[0], points[-1]))
    if not values:
        return f"{subject} from {start} to {stop}: nothing was collected."
    anomalies = "no anomalies" if mark_count == 0 else f"{mark_count} anomal{'y' if mark_count == 1 else 'ies'}"
    return (
        f"{subject} from {start} to {stop}: {full_number(sum(values))} in all, between {full_number(min(values))} and "
        f"{full_number(max(values))} per bucket, {anomalies}."
    )


def spark_path(values: Sequence[int | None], *, peak: int = 0) -> str:
    """Bars as one SVG path in a 96 by 20 box; an uncounted bucket leaves a hole, a zero a hairline.

    `peak` is the value of a full bar; without one it is the largest.
    """
    if not values:
        return ""
    peak = peak or max((value or 0 for value in values), default=0) or 1
    pitch = SPARK_WIDTH / len(values)
    width = max(0.8, pitch - 1)
    bars = []
    for index, value in enumerate(values):
        if value is not None:
            height = max(0.75, value / peak * SPARK_HEIGHT)
            bars.append(f"M{index * pitch:.1f} {SPARK_HEIGHT}v-{height:.1f}h{width:.1f}v{height:.1f}z")
    return "".join(bars)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of the week. `level` is 0 for nothing, then 1 to 7 in equal steps up to the busiest hour."""

    text: str
    tip: str
    level: int
    marks: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One weekday."""

    day: str
    cells: list[HeatCell]


@dataclass(frozen=True, slots=True)
class HeatData:
    """A week by hours. `hours` are the column heads, `zone` what they are told in."""

    rows: list[HeatRow] = field(default_factory=list)
    hours: list[str] = field(default_factory=lambda: [f"{hour:02d}" for hour in range(24)])
    zone: str = "UTC"
    peak_text: str = ""
    summary: str = ""


def heat_data(cells: Mapping[tuple[int, int], tuple[int, int]], zone: ZoneInfo, at: datetime, *, subject: str) -> HeatData:
    """The week in the viewer's zone. `cells` maps (weekday, hour) in UTC to (count, anomaly count).

    A zone whose offset at `at` is no whole hour stays in UTC: hourly sums cannot be split.
    """
    offset = (at.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 3600
    shift = int(offset) if offset.is_integer() else 0
    label = zone_label(zone, at) if offset.is_integer() else "UTC"
    week = [(0, 0)] * 168
    for (weekday, hour), pair in cells.items():
        week[(weekday * 24 + hour + shift) % 168] = pair
    peak = max(count for count, _ in week)
    rows = [
        HeatRow(day, [_heat_cell(day, hour, *week[index * 24 + hour], peak, label) for hour in range(24)])
        for index, day in enumerate(WEEKDAYS)
    ]
    busiest = max(range(168), key=lambda slot: week[slot][0])
    marks = sum(count for _, count in week)
    summary = (
        f"{subject}: busiest on {WEEKDAYS[busiest // 24]} at {busiest % 24:02d}:00 {label} with {full_number(peak)}; "
        f"{marks} anomal{'y' if marks == 1 else 'ies'}."
        if peak
        else f"{subject}: nothing counted."
    )
    return HeatData(rows=rows, zone=label, peak_text=full_number(peak), summary=summary)


def _heat_cell(day: str, hour: int, count: int, marks: int, peak: int, zone: str) -> HeatCell:
    level = min(7, 1 + 7 * count // peak) if count else 0
    found = "" if marks == 0 else f", {marks} anomal{'y' if marks == 1 else 'ies'}"
    return HeatCell(
        text=compact_number(count) if count else "",
        tip=f"{day} {hour:02d}:00–{(hour + 1) % 24:02d}:00 {zone}: {full_number(count)}{found}",
        level=level,
        marks=str(marks) if marks else "",
    )
