"""Overview: how much arrives, whether that is normal, and what needs a look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.detection import service as detection
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor
from app.ingest import service as ingest
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, Unavailable
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.metrics.pages.onboarding_panel import first_event_panel
from app.page_states import LoadedState, page_body
from app.presentation import IncidentRow, Phase, before_text, change_text, incident_row, judged_chart
from app.projects import service as projects
from app.projects.contracts import GenerationStatus, ProjectView
from app.ui import page
from components import (
    ChartData,
    Column,
    data_table,
    empty_state,
    job_progress,
    kpi,
    kpi_row,
    line_chart,
    notice,
    page_header,
    row_link,
    section,
    segmented,
    spark_bars,
    spark_path,
    text_link,
)
from components.format import ago, full_number, local_time
from components.incidents import finding_line, finding_list

RANGES = {"7": "7 days", "30": "30 days"}
TOP_EVENTS = 8
LATEST_INCIDENTS = 6
DAY = timedelta(days=1)


@dataclass(frozen=True)
class TopRow:
    """An event with its volume and the shape of it."""

    name: str
    href: str
    total: str
    path: str
    shape: str


@dataclass(frozen=True)
class Figures:
    """The figure row, in words."""

    volume: str = ""
    volume_change: str = ""
    volume_note: str = ""
    events: str = ""
    events_note: str = ""
    signals: str = ""
    signals_note: str = ""
    signal_count: int = 0
    collected: str = ""
    collected_note: str = ""


@dataclass(frozen=True)
class Received:
    """What the event store says by itself."""

    quarantined: str = ""
    quarantined_note: str = ""
    quarantined_count: int = 0
    has_records: bool = False


@dataclass(frozen=True)
class OverviewView:
    """Everything the page shows."""

    figures: Figures = field(default_factory=Figures)
    chart: ChartData = field(default_factory=ChartData)
    top: list[TopRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    has_metrics: bool = False


class OverviewState(LoadedState):
    """The overview of the open project."""

    days: str = "7"
    view: OverviewView = OverviewView()
    received: Received = Received()
    origin: str = ""
    is_generating: bool = False
    generation_percent: int = 0
    generation_stage: str = ""
    generation_error: str = ""
    _watcher: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address; follow the making of a demo project's data."""
        slug = self._slug()
        if self._begin(slug):
            self.view = OverviewView()
            yield None
        asked = self.router.url.query_parameters.get("days", "7")
        self.days = asked if asked in RANGES else "7"
        self.origin = self.router.url.origin
        try:
            self._take_generation(await self._enter())
            self.view = await self._read(overview_view, slug, int(self.days), self._zone())
            self.phase = Phase.READY.value
            self.received = await self._received(slug)
        except AppError as refusal:
            self._refused(refusal)
            return
        if self.is_generating:
            yield OverviewState.watch_generation

    @rx.event(background=True)
    async def watch_generation(self) -> EventSpec | None:
        """Show how far the data of a demo project is, then load the page once more."""
        async with self:
            self._watcher += 1
            watcher, slug, path = self._watcher, self._slug(), self.router.url.path
        while True:
            await asyncio.sleep(1)
            project = await self._read(projects.get_project, slug)
            async with self:
                if self._watcher != watcher or self.router.url.path != path or not self._is_watched():
                    return None
                self._take_generation(project)
                if not self.is_generating:
                    return OverviewState.load

    def _take_generation(self, project: ProjectView) -> None:
        self.is_generating = project.generation_status is GenerationStatus.RUNNING
        self.generation_percent, self.generation_stage = project.generation_percent, project.generation_stage
        self.generation_error = project.generation_error or ""

    async def _received(self, slug: str) -> Received:
        # Asked apart from the rest: when the event store rests, everything already counted is still shown.
        try:
            return await self._read(received_view, slug)
        except Unavailable:
            return Received(quarantined="unknown", quarantined_note="the event store does not answer")

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range; the address keeps it."""
        return rx.redirect(f"{ui_paths.project_overview(self._slug())}?days={days}", replace=True)


def overview_view(session: Session, actor: Actor, slug: str, days: int, zone: ZoneInfo) -> OverviewView:
    """The page's data in one read."""
    now = SYSTEM_CLOCK.now()
    summary = metrics.overview(session, actor, slug, now=now)
    signals = detection.list_signals(session, actor, slug, expanded=True)
    chart, series = judged_chart(
        session,
        actor,
        slug,
        ScopeType.PROJECT_TOTAL,
        None,
        start=summary.volume_until - DAY * days,
        zone=zone,
        subject="Events of the project",
    )
    incidents = detection.list_incidents(session, actor, slug, limit=LATEST_INCIDENTS, offset=0)
    spikes = sum(signal.direction == "spike" for signal in signals)
    figures = Figures(
        volume=full_number(summary.volume_24h),
        volume_change=change_text(summary.volume_24h, summary.volume_previous_24h),
        volume_note=before_text(summary.volume_previous_24h),
        events=full_number(summary.event_count),
        events_note=f"{full_number(summary.active_event_count)} seen in 14 days",
        signals=full_number(len(signals)),
        signals_note="all as expected" if not signals else f"{spikes} up, {len(signals) - spikes} down",
        signal_count=len(signals),
        collected=ago(summary.last_collected_bucket and summary.last_collected_bucket + series.interval.duration, now),
        collected_note=_collected_note(summary.last_collected_bucket, series.interval.duration, zone, now),
    )
    return OverviewView(
        figures=figures,
        chart=chart,
        top=_top_rows(session, actor, slug, summary.total.key.scan_config_id, now),
        incidents=[incident_row(item, slug, zone, now, series.interval.seconds) for item in incidents.items],
        has_metrics=summary.last_collected_bucket is not None and summary.event_count > 0,
    )


def received_view(session: Session, actor: Actor, slug: str) -> Received:
    """What only the event store knows. Errors: Unavailable."""
    count = ingest.quarantined_count(session, actor, slug, SYSTEM_CLOCK.now() - DAY)
    return Received(
        quarantined=full_number(count),
        quarantined_note="refused and kept with the reason" if count else "nothing was refused",
        quarantined_count=count,
        has_records=ingest.has_records(session, actor, slug),
    )


def _collected_note(bucket: datetime | None, width: timedelta, zone: ZoneInfo, now: datetime) -> str:
    return "no run has finished yet" if bucket is None else f"up to {local_time(bucket + width, zone, now=now)}"


def _top_rows(session: Session, actor: Actor, slug: str, config_id: str, now: datetime) -> list[TopRow]:
    top = metrics.top_events(session, actor, slug, limit=TOP_EVENTS, now=now)
    if not top:
        return []
    keys = [SeriesKey(config_id, ScopeType.EVENT, event.event_id) for event in top]
    series = metrics.load_series(session, config_id, keys, now - 2 * DAY)
    return [
        TopRow(
            name=event.name,
            href=ui_paths.project_event(slug, event.event_id),
            total=full_number(event.total_count),
            path=spark_path(shape.counts),
            shape=f"{event.name}: {full_number(event.total_count)} in 48 hours",
        )
        for event, shape in zip(top, series, strict=True)
    ]


@page(route="/p/[slug]", title="Overview · Plumbline", on_load=OverviewState.load)
def overview_page() -> rx.Component:
    """The page."""
    state = OverviewState
    return project_frame(
        page_body(
            state,
            rx.cond(state.generation_error != "", notice(state.generation_error, tone="bad"), rx.fragment()),
            rx.cond(
                state.view.has_metrics,
                rx.fragment(
                    page_header(
                        "Overview",
                        segmented(list(RANGES.items()), state.days, state.choose_days, label="Range of the chart"),
                    ),
                    _content(),
                ),
                rx.cond(
                    state.is_generating,
                    _generation(),
                    rx.fragment(
                        page_header("Overview", note="Nothing was counted yet. Three steps lead to the first figures."),
                        first_event_panel(state.origin, slug_var(), state.received.has_records),
                    ),
                ),
            ),
            on_retry=state.load,
        ),
        active="overview",
    )


def _generation() -> rx.Component:
    state = OverviewState
    return rx.fragment(
        page_header("Overview", note="The demo project is being filled. This page shows its figures as soon as they are there."),
        job_progress(state.generation_percent, state.generation_stage, label="Making the demo data"),
    )


def _content() -> rx.Component:
    view, received, slug = OverviewState.view, OverviewState.received, slug_var()
    figures = view.figures
    return rx.fragment(
        kpi_row(
            kpi("Events, last 24\u00a0h", figures.volume, delta=figures.volume_change, note=figures.volume_note),
            kpi("Planned events", figures.events, note=figures.events_note, href=ui_paths.project_events(slug)),
            kpi(
                "Active signals",
                figures.signals,
                note=figures.signals_note,
                tone=rx.cond(figures.signal_count > 0, "bad", "neutral"),
                href=ui_paths.project_inbox(slug),
            ),
            kpi(
                "Quarantined, last 24\u00a0h",
                received.quarantined,
                note=received.quarantined_note,
                tone=rx.cond(received.quarantined_count > 0, "warn", "neutral"),
                href=f"{ui_paths.project_live(slug)}?verdict=quarantined",
            ),
            kpi("Last collected", figures.collected, note=figures.collected_note, href=ui_paths.project_scans(slug)),
        ),
        section("Volume", line_chart(view.chart, height=280), note="all events of the project"),
        rx.el.div(
            section(
                "Top events",
                data_table(
                    [
                        Column("Event", lambda row: row_link(row.name, row.href)),
                        Column("48 hours", lambda row: spark_bars(row.path, row.shape), width="104px"),
                        Column("Volume", lambda row: row.total, numeric=True, width="80px"),
                    ],
                    view.top,
                    caption="Events with the most volume in 48 hours",
                    empty=empty_state("No volume in the last 48 hours"),
                ),
                actions=[text_link("All events", href=ui_paths.project_events(slug))],
            ),
            section(
                "Latest incidents",
                rx.cond(
                    view.incidents.length() > 0,
                    finding_list(view.incidents, _incident, label="Latest incidents"),
                    empty_state("No incidents so far", "Every collected hour is compared with what is usual for it."),
                ),
                actions=[text_link("Inbox", href=ui_paths.project_inbox(slug))],
            ),
            class_name="columns",
        ),
    )


def _incident(row: rx.Var[IncidentRow]) -> rx.Component:
    name = rx.cond(
        row.event_href != "",
        row_link(row.scope_name, row.event_href),
        row_link(row.scope_name, ui_paths.project_inbox(slug_var())),
    )
    return finding_line(row, opener=name)
