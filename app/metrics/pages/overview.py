"""Overview: how much arrives, whether that is normal, and what needs a look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame, slug_var
from app.kernel.errors import Unavailable
from app.metrics.pages.onboarding_panel import first_event_panel
from app.metrics.pages.overview_view import OverviewView, Received, overview_view, received_view
from app.page_states import LoadedState, page_body, take_over
from app.presentation import Phase
from app.projects import service as projects
from app.projects.contracts import GenerationStatus, ProjectView
from app.ui import page
from components import (
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
    text_link,
)
from components.incidents import finding_line, finding_list

RANGES = {"7": "7 days", "30": "30 days"}
FIRST_SECONDS = 3.0


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
        with self._loading():
            self._take_generation(await self._enter())
            self.view = await self._read(overview_view, slug, int(self.days), self._zone())
            self.received = await self._received(slug, self.view)
        if self.phase == Phase.READY and self.is_generating:
            yield OverviewState.watch_generation
        elif self.phase == Phase.READY and not self.view.has_metrics:
            yield OverviewState.watch_first

    @rx.event(background=True)
    async def watch_generation(self) -> Any:
        """Show how far the data of a demo project is, then load the page once more."""
        async with self:
            is_followed, slug = take_over(self), self._slug()
        while True:
            await asyncio.sleep(1)
            project = await self._read(projects.get_project, slug)
            async with self:
                if not is_followed():
                    return None
                self._take_generation(project)
                if not self.is_generating:
                    return OverviewState.load

    @rx.event(background=True)
    async def watch_first(self) -> None:
        """Look until the first events came and were counted, so that the next step shows without a reload."""
        async with self:
            is_followed, slug, days, zone = take_over(self), self._slug(), int(self.days), self._zone()
        while True:
            await asyncio.sleep(FIRST_SECONDS)
            view = await self._read(overview_view, slug, days, zone)
            received = await self._received(slug, view)
            async with self:
                if not is_followed():
                    return
                if (self.view, self.received) != (view, received):
                    self.view, self.received = view, received
                if view.has_metrics:
                    return

    def _take_generation(self, project: ProjectView) -> None:
        self.is_generating = project.generation_status is GenerationStatus.RUNNING
        self.generation_percent, self.generation_stage = project.generation_percent, project.generation_stage
        self.generation_error = project.generation_error or ""

    async def _received(self, slug: str, view: OverviewView) -> Received:
        # Asked apart from the rest: when the event store rests, everything already counted is still shown.
        try:
            return await self._read(received_view, slug, view.counted_until)
        except Unavailable:
            return Received(quarantined="unknown", quarantined_note="the event store does not answer")

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range; the address keeps it."""
        return rx.redirect(f"{ui_paths.project_overview(self._slug())}?days={days}", replace=True)


@page(route="/p/[slug]", title="Overview · Plumbline", on_load=OverviewState.load)
def overview_page() -> rx.Component:
    """The page."""
    state: Any = OverviewState
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
    state: Any = OverviewState
    return rx.fragment(
        page_header("Overview", note="The demo project is being filled. This page shows its figures as soon as they are there."),
        job_progress(state.generation_percent, state.generation_stage, label="Making the demo data"),
    )


def _content() -> rx.Component:
    view, received, slug = OverviewState.view, OverviewState.received, slug_var()
    figures = view.figures
    return rx.fragment(
        rx.cond(
            (view.next_count != "") & received.is_uncounted,
            notice(
                rx.fragment(
                    "Events are arriving. An hour is counted once it is over: the first figures come some minutes after ",
                    view.next_count,
                    ".",
                ),
                text_link("See them live", href=ui_paths.project_live(slug)),
                tone="accent",
            ),
            rx.fragment(),
        ),
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
                finding_list(
                    view.incidents,
                    _incident,
                    label="Latest incidents",
                    empty=empty_state("No incidents so far", "Every collected hour is compared with what is usual for it."),
                ),
                actions=[text_link("Inbox", href=ui_paths.project_inbox(slug))],
            ),
            class_name="columns",
        ),
    )


def _incident(row: Any) -> rx.Component:
    name = rx.cond(
        row.event_href != "",
        row_link(row.scope_name, row.event_href),
        row_link(row.scope_name, ui_paths.project_inbox(slug_var())),
    )
    return finding_line(row, opener=name)
