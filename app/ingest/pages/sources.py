"""Sources: who sends into the project, with what success, and how much of the day's allowance is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import project_frame, slug_var
from app.ingest.pages.sources_view import SourcesView, sources_view
from app.kernel.clock import SYSTEM_CLOCK
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    kpi,
    kpi_row,
    link_button,
    notice,
    page_header,
    section,
    spark_bars,
    time_text,
)
from components.shell import Crumb


class SourcesState(LoadedState):
    """The sources of the open project."""

    view: SourcesView = SourcesView()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Count anew."""
        slug = self._slug()
        if self._begin(slug):
            self.view = SourcesView()
            yield
        with self._loading():
            await self._enter()
            self.view = await self._read(sources_view, slug, SYSTEM_CLOCK.now())


@page(route="/p/[slug]/sources", title="Sources · Plumbline", on_load=SourcesState.load)
def sources_page() -> rx.Component:
    """The page."""
    state: Any = SourcesState
    view = state.view
    return project_frame(
        page_header(
            "Sources",
            button(rx.icon("refresh-cw", size=14), "Refresh", on_click=state.load),
            link_button("Add a source", href=ui_paths.project_developer(slug_var()), kind="primary"),
            note="Who sent into this project in the last 24 hours, and what became of it.",
        ),
        page_body(
            state,
            rx.cond(view.unaccounted != "", notice(view.unaccounted, tone="bad"), rx.fragment()),
            rx.cond(
                view.is_nearly_used,
                notice("Most of today's events are used. Requests over the limit are refused with 429.", tone="warn"),
                rx.fragment(),
            ),
            kpi_row(
                kpi("Received", view.received, note="last 24 hours"),
                kpi("Flagged", view.flagged, note="stored, but not as planned", href=ui_paths.project_checks(slug_var())),
                kpi("Quarantined", view.quarantined, note="kept apart", href=ui_paths.project_checks(slug_var())),
                kpi("Quota used today", view.used, note=view.allowance),
            ),
            _source_section(view),
            _key_section(view),
            _refused_section(view),
            rx.cond(view.books != "", rx.el.p(view.books, class_name="footnote"), rx.fragment()),
            on_retry=state.load,
        ),
        active="sources",
        crumbs=[Crumb("Sources")],
    )


def _source_section(view: Any) -> rx.Component:
    return section(
        "Sources",
        data_table(
            [
                Column("Source", lambda row: row.source),
                Column("Kind", lambda row: badge(row.kind)),
                Column("By hour", lambda row: spark_bars(row.spark, row.label), secondary=True),
                Column("24 hours", lambda row: row.count, numeric=True),
                Column("Flagged", lambda row: rx.cond(row.has_flagged, badge(row.flagged, "warn"), row.flagged), secondary=True),
                Column("Last seen", lambda row: time_text(row.last_seen, row.iso)),
            ],
            view.sources,
            caption="Sources of the last 24 hours, the busiest first",
            empty=empty_state(
                "Nothing has arrived in the last 24 hours",
                "Copy a snippet for your language, put a key into it and send a first event.",
                link_button("Show snippets", href=ui_paths.project_developer(slug_var()), kind="primary"),
            ),
        ),
    )


def _key_section(view: Any) -> rx.Component:
    return section(
        "Keys",
        data_table(
            [
                Column("Key", lambda row: rx.el.div(row.name, rx.el.code(row.prefix, "…", class_name="cell-sub"))),
                Column("Opens", lambda row: badge(row.kind), secondary=True),
                Column("By hour", lambda row: spark_bars(row.spark, row.label), secondary=True),
                Column("Stored", lambda row: row.count, numeric=True),
                Column("Faults", lambda row: rx.cond(row.has_faults, badge(row.faults, "warn"), row.faults)),
                Column("Refused requests", lambda row: row.refused, numeric=True, secondary=True),
                Column("Last used", lambda row: row.last_used),
            ],
            view.key_rows,
            caption="Keys that work, with the events of the last 24 hours",
            empty=empty_state(
                "No key is in use",
                "Without a key nothing can be sent into this project.",
                link_button("Make a key", href=ui_paths.project_keys(slug_var())),
            ),
        ),
        actions=[link_button("Manage keys", href=ui_paths.project_keys(slug_var()))],
    )


def _refused_section(view: Any) -> rx.Component:
    table = data_table(
        [
            Column("Kind", lambda row: badge(row.kind)),
            Column("Reason", lambda row: row.reason),
            Column("24 hours", lambda row: row.count, numeric=True),
            Column("Last", lambda row: time_text(row.last_seen, row.iso)),
        ],
        view.refused,
        caption="Why records were quarantined",
        empty=empty_state("Nothing was quarantined", "Every record of the last 24 hours could be stored."),
    )
    return section("Quarantine", table, actions=[link_button("Look into it", href=ui_paths.project_checks(slug_var()))])
