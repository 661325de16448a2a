"""Releases: what the newest release counts too little of compared with the one before, and who uses which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection.pages.pair_bars import pair_bars
from app.detection.pages.releases_view import ReleasesView, releases_view
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    kpi,
    kpi_row,
    link_button,
    name_text,
    page_header,
    row_link,
    section,
    select_input,
    spark_bars,
    toolbar,
)
from components.shell import Crumb


class ReleasesState(LoadedState):
    """The releases of the scan in the address."""

    view: ReleasesView = ReleasesView()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = ReleasesView()
            yield
        with self._loading():
            await self._enter()
            scan_id = self.router.url.query_parameters.get("scan", "")[:64]
            self.view = await self._read(releases_view, slug, scan_id, self._zone())

    @rx.event
    def choose_scan(self, scan_id: str) -> EventSpec:
        """Another scan."""
        return rx.redirect(ui_paths.project_releases(self._slug(), scan_id), replace=True)


@page(route="/p/[slug]/releases", title="Releases · Plumbline", on_load=ReleasesState.load)
def releases_page() -> rx.Component:
    """The page."""
    state: Any = ReleasesState
    view = state.view
    return project_frame(
        page_header("Releases", note="What the newest app release counts too little of, compared with the release before it."),
        page_body(
            state,
            rx.cond(
                view.scan_id == "",
                empty_state(
                    "No scan knows app versions",
                    "Name the column with the app version in a scan; its counts are then split by release.",
                    link_button("Open scans", href=ui_paths.project_scans(slug_var()), kind="primary"),
                ),
                _content(state),
            ),
            on_retry=state.load,
            what="scan",
        ),
        active="releases",
        crumbs=[Crumb("Releases")],
    )


def _content(state: Any) -> rx.Component:
    view = state.view
    return rx.fragment(
        toolbar(select_input(view.scans, field_id="scan", label="Scan", value=view.scan_id, on_change=state.choose_scan)),
        kpi_row(
            kpi("Newest release", rx.cond(view.newest != "", view.newest, "–"), note=_against(view)),
            kpi("Its share", rx.cond(view.share != "", view.share, "–"), note=view.window),
            kpi("Missing", view.missing, note="scopes almost gone", tone=rx.cond(view.missing != "0", "bad", "neutral")),
            kpi(
                "Volume drops",
                view.dropped,
                note="scopes cut by half or more",
                tone=rx.cond(view.dropped != "0", "warn", "neutral"),
            ),
        ),
        section("Regressions", _regressions(view), note=view.window),
        section("Adoption", _adoption(view), note="share of the newest 24 buckets"),
        rx.cond(view.gates.length() > 0, section("What is compared", _gates(view)), rx.fragment()),
    )


def _against(view: Any) -> Any:
    return rx.cond(view.previous != "", rx.fragment("compared with ", view.previous), view.reason)


def _regressions(view: Any) -> rx.Component:
    return data_table(
        [
            Column(
                "Scope",
                lambda row: rx.el.span(row_link(name_text(row.name), row.href), rx.el.span(row.kind, class_name="cell-sub")),
            ),
            Column("What", lambda row: badge(row.what, row.tone), width="120px"),
            Column(
                "Expected, counted",
                lambda row: pair_bars(
                    row.expected, row.expected_width, row.observed, row.observed_width, words=("expected", "counted")
                ),
                width="240px",
            ),
            Column("Of expected", lambda row: row.ratio, numeric=True, secondary=True, width="110px"),
            Column("Share before and after", lambda row: row.shares, numeric=True, secondary=True, width="190px"),
        ],
        view.rows,
        caption="Scopes the newest release counts too little of",
        empty=empty_state(
            rx.cond(view.reason != "", "Nothing could be compared", "No regression"),
            rx.cond(
                view.reason != "",
                view.reason,
                "The newest release counts every event as often as its traffic lets expect.",
            ),
        ),
    )


def _adoption(view: Any) -> rx.Component:
    return data_table(
        [
            Column(
                "Version",
                lambda row: rx.el.span(row.version, " ", rx.cond(row.role != "", badge(row.role, "accent"), rx.fragment())),
            ),
            Column("State", lambda row: rx.el.span(badge(row.state, row.tone), rx.el.span(row.why, class_name="cell-sub"))),
            Column("Shape", lambda row: spark_bars(row.path, row.shape), width="120px", secondary=True),
            Column("Share", lambda row: row.adoption, numeric=True, width="80px"),
            Column("Volume", lambda row: row.total, numeric=True, secondary=True, width="110px"),
        ],
        view.releases,
        caption="App versions, newest first",
        empty=empty_state("No version was counted yet", "Versions show once a run has counted events that carry one."),
    )


def _gates(view: Any) -> rx.Component:
    return rx.el.ul(
        rx.foreach(
            view.gates,
            lambda gate: rx.el.li(
                rx.cond(
                    gate.is_met,
                    rx.icon("check", size=16, aria_label="Met"),
                    rx.icon("x", size=16, aria_label="Not met"),
                ),
                rx.el.span(gate.text, rx.el.span(gate.detail, class_name="cell-sub")),
                class_name=rx.cond(gate.is_met, "gate-ok", "gate-no"),
            ),
        ),
        class_name="gates",
    )
