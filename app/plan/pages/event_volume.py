"""How much of an event arrives against what was expected; part of the event's page on main."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from app.detection import service as detection
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series
from app.plan.views import EventDetail
from app.presentation import IncidentRow, before_text, change_text, incident_rows, judged_chart
from components import ChartData, empty_state, finding_line, finding_list, kpi, kpi_row, line_chart, section, segmented
from components.chart_data import band_text
from components.format import ago, full_number, local_time

RANGES = {"1": "24 hours", "7": "7 days", "30": "30 days"}
DAY = timedelta(days=1)
MOST_INCIDENTS = 20


@dataclass(frozen=True)
class VolumeView:
    """Figures, chart and incidents; empty for an event of a working branch, which nobody counts."""

    volume: str = ""
    volume_change: str = ""
    volume_note: str = ""
    newest: str = ""
    newest_note: str = ""
    seen: str = ""
    seen_at: str = ""
    chart: ChartData = field(default_factory=ChartData)
    incidents: list[IncidentRow] = field(default_factory=list)
    has_series: bool = False


def volume_view(session: Session, actor: Actor, slug: str, event: EventDetail, days: int, zone: ZoneInfo) -> VolumeView:
    """The event's volume over the last days."""
    now = SYSTEM_CLOCK.now()
    hour = floor_to_bucket(now, Interval.HOUR)
    chart, series = judged_chart(
        session, actor, slug, ScopeType.EVENT, event.id, start=hour - DAY * days, zone=zone, subject=event.name
    )
    recent = metrics.series_for(session, actor, slug, ScopeType.EVENT, event.id, start=hour - 3 * DAY)
    found = detection.list_incidents(
        session, actor, slug, scope=ScopeType.EVENT, scope_ref=event.id, limit=MOST_INCIDENTS, offset=0
    )
    figures = _two_days(recent)
    newest = chart.rows[-1] if chart.rows else None
    return VolumeView(
        volume=full_number(figures[0]),
        volume_change=change_text(*figures),
        volume_note=before_text(figures[1]),
        newest=newest.value_text if newest else "–",
        newest_note="" if newest is None else f"expected {band_text(newest)}" if newest.band else newest.when,
        seen=ago(event.last_seen_at, now),
        seen_at=local_time(event.last_seen_at, zone, now=now),
        chart=chart,
        incidents=incident_rows(found.items, slug, zone, now, {series.key.scan_config_id: series.interval.seconds}),
        has_series=any(count is not None for count in series.counts),
    )


def _two_days(series: Series) -> tuple[int | None, int | None]:
    """Volume of the last 24 collected hours and of the 24 before; None where nothing was collected."""
    if not series.buckets:
        return None, None
    end = series.buckets[-1] + series.interval.duration
    days: tuple[list[int], list[int]] = ([], [])
    for bucket, count in zip(series.buckets, series.counts, strict=True):
        if count is not None and bucket >= end - 2 * DAY:
            days[bucket < end - DAY].append(count)
    last, before = days
    return sum(last) if last else None, sum(before) if before else None


def figures(volume: Any) -> rx.Component:
    """The row of figures."""
    return kpi_row(
        kpi("Last 24\u00a0h", volume.volume, delta=volume.volume_change, note=volume.volume_note),
        kpi("Newest hour", volume.newest, note=volume.newest_note),
        kpi("Anomalies in range", volume.chart.mark_count, note="hours outside the expected range"),
        kpi("Last seen", volume.seen, note=volume.seen_at),
    )


def chart_and_incidents(volume: Any, days: Any, on_days: Any) -> rx.Component:
    """The chart with its range, and the incidents beneath."""
    nothing = empty_state("Nothing was counted in this range", "Counting starts with the first scan after the event arrives.")
    return rx.fragment(
        section(
            "Volume",
            rx.cond(volume.has_series, line_chart(volume.chart, height=300), nothing),
            actions=[segmented(list(RANGES.items()), days, on_days, label="Range of the chart")],
        ),
        section(
            "Incidents",
            finding_list(
                volume.incidents,
                lambda row: finding_line(row, named=False),
                label="Incidents of this event",
                empty=empty_state("No incidents so far", "No hour that could be judged was outside what is usual for this event."),
            ),
            note="the latest of any time; hours outside the expected range, joined",
        ),
    )
