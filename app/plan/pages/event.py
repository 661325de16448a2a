"""Event detail: its volume against what was expected, its identity, and what happened to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.intervals import Interval, floor_to_bucket
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, Series
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.plan.contracts import EventView
from app.presentation import (
    STATUS_TONES,
    STATUS_WORDS,
    IncidentRow,
    Phase,
    before_text,
    change_text,
    incident_rows,
    judged_chart,
)
from app.ui import page
from components import (
    ChartData,
    badge,
    copy_button,
    empty_state,
    kpi,
    kpi_row,
    line_chart,
    page_header,
    section,
    segmented,
)
from components.format import ago, full_number, local_time
from components.incidents import finding_line, finding_list
from components.shell import Crumb

RANGES = {"1": "24 hours", "7": "7 days", "30": "30 days"}
DAY = timedelta(days=1)
MOST_INCIDENTS = 20


@dataclass(frozen=True)
class EventPageView:
    """Everything the page shows."""

    name: str = ""
    status: str = ""
    status_tone: str = "neutral"
    description: str = ""
    type_name: str = ""
    identity: str = ""
    seen: str = ""
    seen_at: str = ""
    planned_at: str = ""
    volume: str = ""
    volume_change: str = ""
    volume_note: str = ""
    newest: str = ""
    newest_note: str = ""
    chart: ChartData = field(default_factory=ChartData)
    incidents: list[IncidentRow] = field(default_factory=list)
    has_series: bool = False


class EventState(LoadedState):
    """One event of the open project."""

    days: str = "7"
    view: EventPageView = EventPageView()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug, event_id = self._slug(), self._route_value("event_id")
        if self._begin(f"{slug}/{event_id}"):
            self.view = EventPageView()
            yield
        asked = self.router.url.query_parameters.get("days", "7")
        self.days = asked if asked in RANGES else "7"
        try:
            await self._enter()
            self.view = await self._read(event_view, slug, event_id, int(self.days), self._zone())
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range; the address keeps it."""
        path = ui_paths.project_event(self._slug(), self._route_value("event_id"))
        return rx.redirect(f"{path}?days={days}", replace=True)


def event_view(session: Session, actor: Actor, slug: str, event_id: str, days: int, zone: ZoneInfo) -> EventPageView:
    """The page's data in one read."""
    now = SYSTEM_CLOCK.now()
    event = plan.get_event(session, actor, slug, event_id)
    hour = floor_to_bucket(now, Interval.HOUR)
    chart, series = judged_chart(
        session, actor, slug, ScopeType.EVENT, event_id, start=hour - DAY * days, zone=zone, subject=event.name
    )
    recent = metrics.series_for(session, actor, slug, ScopeType.EVENT, event_id, start=hour - 3 * DAY)
    found = detection.list_incidents(
        session, actor, slug, scope=ScopeType.EVENT, scope_ref=event_id, limit=MOST_INCIDENTS, offset=0
    )
    return _view(
        event,
        zone,
        now,
        chart,
        series,
        _two_days(recent),
        incident_rows(found.items, slug, zone, now, {series.key.scan_config_id: series.interval.seconds}),
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


def _view(
    event: EventView,
    zone: ZoneInfo,
    now: datetime,
    chart: ChartData,
    series: Series,
    figures: tuple[int | None, int | None],
    incidents: list[IncidentRow],
) -> EventPageView:
    newest = chart.rows[-1] if chart.rows else None
    return EventPageView(
        name=event.name,
        status=STATUS_WORDS.get(str(event.status), str(event.status)),
        status_tone=STATUS_TONES.get(str(event.status), "neutral"),
        description=event.description,
        type_name=event.event_type_name,
        identity=event.source_name or "",
        seen=ago(event.last_seen_at, now),
        seen_at=local_time(event.last_seen_at, zone, now=now),
        planned_at=local_time(event.created_at, zone, now=now),
        volume=full_number(figures[0]),
        volume_change=change_text(*figures),
        volume_note=before_text(figures[1]),
        newest=newest.value_text if newest else "–",
        newest_note="" if newest is None else f"expected {newest.band_text}" if newest.band else newest.when,
        chart=chart,
        incidents=incidents,
        has_series=any(count is not None for count in series.counts),
    )


@page(route="/p/[slug]/events/[event_id]", title="Event · Plumbline", on_load=EventState.load)
def event_page() -> rx.Component:
    """The page."""
    state: Any = EventState
    view = state.view
    return project_frame(
        page_body(
            state,
            page_header(
                view.name,
                segmented(list(RANGES.items()), state.days, state.choose_days, label="Range of the chart"),
                beside=badge(view.status, view.status_tone),
                note=rx.cond(view.description != "", view.description, "No description yet."),
            ),
            kpi_row(
                kpi("Last 24\u00a0h", view.volume, delta=view.volume_change, note=view.volume_note),
                kpi("Newest hour", view.newest, note=view.newest_note),
                kpi("Anomalies in range", view.chart.mark_count, note="hours outside the expected range"),
                kpi("Last seen", view.seen, note=view.seen_at),
            ),
            section(
                "Volume",
                rx.cond(
                    view.has_series,
                    line_chart(view.chart, height=300),
                    empty_state(
                        "Nothing was counted in this range", "Counting starts with the first scan after the event arrives."
                    ),
                ),
            ),
            rx.el.div(
                section("Incidents", _incidents(), note="hours outside the expected range, joined"),
                section("Identity", _facts()),
                class_name="columns",
            ),
            on_retry=state.load,
            what="event",
        ),
        active="events",
        crumbs=[Crumb("Events", ui_paths.project_events(slug_var())), Crumb(view.name)],
    )


def _incidents() -> rx.Component:
    return finding_list(
        EventState.view.incidents,
        _incident,
        label="Incidents of this event",
        empty=empty_state("No incidents so far", "This event has stayed within what is usual for it."),
    )


def _incident(row: Any) -> rx.Component:
    return finding_line(row, named=False)


def _facts() -> rx.Component:
    view = EventState.view
    facts = (
        ("Identity", rx.el.span(rx.el.code(view.identity), " ", copy_button(view.identity), class_name="fact-code")),
        ("Event type", badge(view.type_name)),
        ("Status", view.status),
        ("Last seen", view.seen_at),
        ("In the plan since", view.planned_at),
    )
    return rx.el.dl(
        *[rx.el.div(rx.el.dt(label), rx.el.dd(value)) for label, value in facts],
        class_name="facts",
    )
