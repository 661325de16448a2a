"""Inbox: departures from what was expected, newest first, and what could not be judged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection.contracts import Incident
from app.detection.pages.inbox_view import Filters, InboxView, inbox_view, incident_chart
from app.frame import project_frame, slug_var
from app.metrics.contracts import ScopeType
from app.page_states import LoadedState, page_body
from app.presentation import SCOPE_WORDS
from app.ui import page
from components import (
    ChartData,
    Column,
    data_table,
    empty_state,
    line_chart,
    link_button,
    loading_state,
    page_header,
    pager,
    section,
    segmented,
    select_input,
    time_text,
    toolbar,
)
from components.incidents import finding_line, finding_list
from components.shell import Crumb

PERIODS = {"1": "24 h", "7": "7 days", "30": "30 days", "": "All"}
DIRECTIONS = {"": "Both", "spike": "Spikes", "drop": "Drops"}


class InboxState(LoadedState):
    """The incidents of the open project; filters and page live in the address."""

    view: InboxView = InboxView()
    direction: str = ""
    scope: str = ""
    days: str = "30"
    page_number: int = 1
    first: int = 0
    last: int = 0
    is_narrowed: bool = False
    opened: str = ""
    chart: ChartData = ChartData()
    is_chart_ready: bool = False
    _incidents: list[Incident] = []

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = InboxView()
            yield
        self._take_query()
        with self._loading():
            await self._enter()
            filters = Filters.of(self.direction, self.scope, self.days, self.page_number)
            self.view, self._incidents = await self._read(inbox_view, slug, filters, self._zone())
            self.first = filters.offset + 1 if self._incidents else 0
            self.last = filters.offset + len(self._incidents)

    @rx.event
    async def open(self, key: str) -> AsyncIterator[None]:
        """Show the incident in its series; the same again closes it."""
        if self.opened == key:
            self.opened = ""
            return
        self.opened, self.is_chart_ready = key, False
        yield
        place = next((place for place, row in enumerate(self.view.incidents) if row.key == key), None)
        if place is None or place >= len(self._incidents):
            self.opened = ""
            return
        incident = self._incidents[place]
        self.chart = await self._read(incident_chart, self._slug(), incident, self._zone())
        self.is_chart_ready = True

    @rx.event
    def choose_direction(self, direction: str) -> EventSpec:
        """Only spikes or only drops."""
        return self._go(direction=direction, page="1")

    @rx.event
    def choose_scope(self, scope: str) -> EventSpec:
        """Only one kind of series."""
        return self._go(scope=scope, page="1")

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another period."""
        return self._go(days=days, page="1")

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    def _take_query(self) -> None:
        query = self.router.url.query_parameters
        self.direction = query.get("direction", "") if query.get("direction", "") in DIRECTIONS else ""
        self.scope = query.get("scope", "") if query.get("scope", "") in set(ScopeType) else ""
        days = query.get("days", "30")
        self.days = "" if days == "all" else days if days in PERIODS else "30"
        number = query.get("page", "1")
        self.page_number = max(1, int(number)) if number.isdigit() and len(number) < 6 else 1
        self.is_narrowed = bool(self.direction or self.scope)
        self.opened = ""

    def _go(self, **changed: str) -> EventSpec:
        now = {
            "direction": self.direction,
            "scope": self.scope,
            "days": self.days,
            "page": str(self.page_number),
            **changed,
        }
        now["days"] = now["days"] or "all"
        usual = {"direction": "", "scope": "", "days": "30", "page": "1"}
        query = urlencode({key: value for key, value in now.items() if value != usual[key]})
        path = ui_paths.project_inbox(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)


@page(route="/p/[slug]/inbox", title="Inbox · Plumbline", on_load=InboxState.load)
def inbox_page() -> rx.Component:
    """The page."""
    state: Any = InboxState
    return project_frame(
        page_header("Inbox", note="Hours that departed from what is usual for them, joined into incidents."),
        page_body(
            state,
            toolbar(
                segmented(list(DIRECTIONS.items()), state.direction, state.choose_direction, label="Direction"),
                segmented(list(PERIODS.items()), state.days, state.choose_days, label="Period"),
                select_input(
                    [("", "All series"), *[(scope.value, text) for scope, text in SCOPE_WORDS.items()]],
                    field_id="scope",
                    label="Series",
                    value=state.scope,
                    on_change=state.choose_scope,
                ),
            ),
            finding_list(state.view.incidents, _incident, label="Incidents", empty=_nothing()),
            rx.cond(
                state.view.total > 0,
                pager(
                    state.first,
                    state.last,
                    state.view.total,
                    on_previous=state.turn(-1),
                    on_next=state.turn(1),
                    noun="incidents",
                ),
                rx.fragment(),
            ),
            rx.cond(state.view.unknown_count > 0, _unknown(), rx.fragment()),
            on_retry=state.load,
        ),
        active="inbox",
        crumbs=[Crumb("Inbox")],
    )


def _incident(row: Any) -> rx.Component:
    state: Any = InboxState
    is_open = state.opened == row.key
    opener = rx.el.button(
        row.scope_name,
        type="button",
        class_name="line-opener",
        aria_expanded=rx.cond(is_open, "true", "false"),
        on_click=state.open(row.key),
    )
    chart = rx.el.div(
        rx.cond(state.is_chart_ready, line_chart(state.chart, height=220), loading_state("Loading the chart")),
        rx.cond(row.event_href != "", link_button("Open event", href=row.event_href, small=True), rx.fragment()),
        class_name="line-detail",
    )
    return finding_line(
        row,
        opener=opener,
        detail=rx.cond(is_open, chart, rx.fragment()),
        days=True,
    )


def _nothing() -> rx.Component:
    view, slug = InboxState.view, slug_var()
    return rx.cond(
        view.is_on,
        rx.cond(
            view.watching != "",
            rx.cond(
                view.has_any,
                empty_state(
                    rx.cond(InboxState.is_narrowed, "Nothing matches these filters", view.quiet),
                    rx.fragment("Watching ", view.watching, ". Older and other incidents are not shown here."),
                    link_button("Show all", href=f"{ui_paths.project_inbox(slug)}?days=all"),
                ),
                empty_state(
                    view.quiet,
                    rx.fragment("Watching ", view.watching, ". Every collected hour is compared with what is usual for it."),
                ),
            ),
            empty_state(
                "Nothing is watched yet",
                "Judging begins once a scan has collected enough hours to know what is usual.",
                link_button("Scans", href=ui_paths.project_scans(slug), kind="primary"),
            ),
        ),
        empty_state("Detection is off", "Nobody compares counts with what is usual while it is off. An editor can turn it on."),
    )


def _unknown() -> rx.Component:
    view = InboxState.view
    return section(
        "Not judged",
        data_table(
            [
                Column("Series", lambda row: rx.el.span(row.scope_name, rx.el.span(row.scope_kind, class_name="cell-sub"))),
                Column("Reason", lambda row: row.reason),
                Column("Newest hour", lambda row: time_text(row.when, row.iso), secondary=True),
            ],
            view.unknown,
            caption="Series whose newest hour could not be judged",
            empty=rx.fragment(),
        ),
        note=rx.fragment(view.unknown_count, " series whose newest hour could not be judged; they are neither fine nor at fault"),
    )
