"""Bake-off: detectors compared on one series, watched while it runs, and the best one adopted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection import bakeoff
from app.detection.pages.bakeoff_view import TOTAL, BakeoffPage, bakeoff_page, contestant_of
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError
from app.metrics.contracts import ScopeType, SeriesKey
from app.page_states import LoadedState, follow_view, page_body
from app.presentation import Phase
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    job_progress,
    line_chart,
    link_button,
    notice,
    page_header,
    section,
    select_input,
    toast_done,
    toast_failed,
    toolbar,
)
from components.shell import Crumb

POLL_SECONDS = 0.7


class BakeoffState(LoadedState):
    """The series in the address and its newest bake-off, read again while that lives."""

    series: str = TOTAL
    shown: str = ""
    view: BakeoffPage = BakeoffPage()

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address, and watch while a bake-off lives."""
        self.series = self.router.url.query_parameters.get("series", TOTAL)[:128]
        if self._begin(f"{self._slug()}/{self.series}"):
            self.view, self.shown = BakeoffPage(), ""
            self._follower += 1  # the series is no part of the path: whoever follows another one ends here
            yield None
        with self._loading():
            await self._enter()
            await self._show()
        if self.phase == Phase.READY and self.view.is_live:
            yield BakeoffState.watch

    async def _show(self) -> None:
        self.view = await self._read(bakeoff_page, self._slug(), self.series, self.shown, self._zone())

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the row until the bake-off has ended or the page is left."""
        async with self:
            slug, series, zone, self.shown = self._slug(), self.series, self._zone(), ""
        await follow_view(self, POLL_SECONDS, lambda: self._read(bakeoff_page, slug, series, "", zone))

    @rx.event
    def choose_series(self, series: str) -> EventSpec:
        """Another series."""
        return rx.redirect(ui_paths.project_bakeoff(self._slug(), "" if series == TOTAL else series), replace=True)

    @rx.event
    async def show(self, name: str) -> None:
        """Another contestant's alarms on the chart."""
        self.shown = name
        await self._show()

    @rx.event
    async def start(self) -> AsyncIterator[EventSpec]:
        """Queue a bake-off of the series."""
        key = SeriesKey(self.view.scan_id, ScopeType(self.view.scope_type), self.view.ref)
        try:
            await self._call(bakeoff.start, self._slug(), key)
        except AppError as refusal:
            yield toast_failed(refusal.message)
            return
        await self._show()
        yield BakeoffState.watch

    @rx.event
    async def cancel(self) -> EventSpec:
        """End the one that runs."""
        try:
            await self._call(bakeoff.cancel, self._slug(), self.view.id)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._show()
        return toast_done("Bake-off cancelled")

    @rx.event
    async def adopt(self, name: str) -> EventSpec:
        """Judge the series by this contestant."""
        wanted = contestant_of(self.view.rows, name)
        if wanted is None:
            return toast_failed("That was not part of the bake-off")
        try:
            await self._call(bakeoff.adopt, self._slug(), self.view.id, wanted.detector, wanted.sigma_threshold)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._show()
        return toast_done("Adopted: judged by it from the next collection on")


@page(route="/p/[slug]/bakeoff", title="Bake-off · Plumbline", on_load=BakeoffState.load)
def bakeoff_of_series() -> rx.Component:
    """The page."""
    state: Any = BakeoffState
    view = state.view
    return project_frame(
        page_header(
            "Bake-off",
            link_button("Monitoring", href=view.monitoring_href),
            note="Puts departures of known size into a copy of the series and shows what each detector finds.",
        ),
        page_body(
            state,
            toolbar(
                select_input(view.scopes, field_id="series", label="Series", value=state.series, on_change=state.choose_series),
                rx.cond(view.in_use != "", rx.el.span("In use: ", view.in_use, class_name="muted"), rx.fragment()),
            ),
            rx.cond(
                view.has_series,
                _bakeoff(state),
                empty_state(
                    "Nothing is counted yet",
                    "A comparison needs the history of a series.",
                    link_button("Scans", href=ui_paths.project_scans(slug_var())),
                ),
            ),
            on_retry=state.load,
            what="series",
        ),
        active="monitoring",
        crumbs=[Crumb("Monitoring", ui_paths.project_monitoring(slug_var())), Crumb("Bake-off")],
    )


def _bakeoff(state: Any) -> rx.Component:
    view = state.view
    start = rx.cond(
        view.may_run & ~view.is_live,
        button(rx.cond(view.id == "", "Start", "Run again"), kind="primary", on_click=state.start),
        rx.fragment(),
    )
    return rx.fragment(
        section(
            view.scope_name,
            rx.cond(
                view.id == "",
                empty_state(
                    "No bake-off so far",
                    rx.cond(view.may_run, "It takes less than a minute and changes nothing.", "Editors and owners can start one."),
                ),
                rx.fragment(
                    rx.cond(view.error != "", notice(view.error, tone="bad"), rx.fragment()),
                    rx.cond(view.is_live, _progress(state), rx.fragment()),
                    rx.cond(view.rows.length() > 0, _scores(state), rx.fragment()),
                ),
            ),
            actions=[rx.cond(view.id != "", badge(view.status, view.tone), rx.fragment()), start],
            note=rx.cond(view.id != "", view.when, ""),
        ),
        rx.cond(view.rows.length() > 0, _picture(state), rx.fragment()),
    )


def _progress(state: Any) -> rx.Component:
    view = state.view
    return job_progress(
        view.percent,
        view.phase,
        label="Progress of the bake-off",
        actions=rx.cond(view.may_run, button("Cancel", small=True, on_click=state.cancel), rx.fragment()),
    )


def _scores(state: Any) -> rx.Component:
    view = state.view
    return rx.fragment(
        data_table(
            [
                Column("Detector", _name),
                Column("Found", lambda row: row.found, numeric=True, width="88px"),
                Column("Precision", lambda row: row.precision, numeric=True, width="88px"),
                Column("Recall", lambda row: row.recall, numeric=True, width="80px"),
                Column("Delay", lambda row: row.delay, numeric=True, width="88px"),
                Column("Alarms a week", lambda row: row.alarms, numeric=True, width="112px"),
                Column("", lambda row: _adopt(state, row), width="96px"),
            ],
            view.rows,
            caption="How each detector did",
            empty=empty_state("Nothing was compared"),
        ),
        rx.el.p(view.about, class_name="muted"),
        rx.el.p("Alarms a week are counted on the history as it is, all else on the copy.", class_name="muted"),
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        row.detector,
        " ",
        rx.el.span(row.threshold, class_name="num"),
        " ",
        rx.cond(row.mark != "", badge(row.mark, "accent"), rx.fragment()),
        rx.el.span(row.by_kind, class_name="cell-sub"),
        style={"display": "inline-block", "min_width": "200px"},
    )


def _adopt(state: Any, row: Any) -> rx.Component:
    return rx.cond(
        row.is_adopted,
        badge("Adopted", "ok"),
        rx.cond(
            state.view.may_run & ~state.view.is_live,
            button(
                "Adopt",
                small=True,
                aria_label=f"Adopt {row.detector} at {row.threshold}",
                on_click=state.adopt(row.name),
            ),
            rx.fragment(),
        ),
    )


def _picture(state: Any) -> rx.Component:
    view = state.view
    return section(
        "What was found",
        line_chart(view.chart, height=300, annotations=view.departures),
        note="marks are alarms, lines are departures that were put in",
        actions=[select_input(view.contestants, field_id="shown", label="Alarms of", value=view.shown, on_change=state.show)],
    )
