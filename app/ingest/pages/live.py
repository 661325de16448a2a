"""Live events: records as they arrive, with the verdict on each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.eventstore.contracts import EventRow
from app.frame import project_frame, slug_var
from app.ingest import service as ingest
from app.ingest.live_rows import NO_ROW, VERDICTS, LiveRow, live_row, record_text
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Unavailable
from app.page_states import LoadedState, page_body, take_over
from app.presentation import Phase
from app.ui import page
from components import (
    Column,
    badge,
    button,
    code_block,
    data_table,
    empty_state,
    link_button,
    notice,
    page_header,
    search_input,
    segmented,
    text_or,
    time_text,
    toolbar,
)
from components.shell import Crumb

POLL_SECONDS = 1.5
# Batches of several writers may be stored out of order; each look reaches back and drops what it has seen.
OVERLAP = timedelta(seconds=10)
KEPT = 1000
SHOWN = 200


class LiveState(LoadedState):
    """The tail of one project. Records stay on the server; the browser gets the lines and one record at a time."""

    rows: list[LiveRow] = []
    verdict: str = ""
    search: str = ""
    is_paused: bool = False
    is_waiting: bool = False
    received: int = 0
    has_missed: bool = False
    """Whether more arrived between two looks than one look takes: `received` is the least then."""
    selected: str = ""
    selected_text: str = ""
    selected_row: LiveRow = NO_ROW
    _records: list[EventRow] = []

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address and begin to follow."""
        slug = self._slug()
        if self._begin(slug):
            self._records, self.rows, self.received, self.has_missed = [], [], 0, False
            self.selected = self.selected_text = ""
            yield None
        query = self.router.url.query_parameters
        self.verdict = query.get("verdict", "") if query.get("verdict", "") in VERDICTS else ""
        self.search = query.get("q", "")[:200]
        self.is_paused = query.get("paused", "") == "1"
        with self._loading():
            await self._enter()
            if not self._records:
                self._records = list(await self._read(ingest.recent_records, slug, limit=SHOWN))
            self._show()
        if self.phase == Phase.READY and not self.is_paused:
            yield LiveState.follow

    @rx.event(background=True)
    async def follow(self) -> None:
        """Look for records every 1.5 seconds until paused, replaced by a later run, or the page is no longer looked at."""
        async with self:
            is_followed, slug = take_over(self), self._slug()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self:
                if self.is_paused or not is_followed():
                    return
                newest = self._records[0].received_at if self._records else None
            try:
                found = await self._read(ingest.recent_records, slug, after=newest - OVERLAP if newest else None, limit=KEPT)
            except Unavailable:
                async with self:
                    self.is_waiting = True
                continue
            async with self:
                if is_followed():
                    self._merge(found)

    @rx.event
    def pause(self) -> EventSpec:
        """Hold the list still; the address remembers it."""
        self.is_paused = True
        return self._go(paused="1")

    @rx.event
    def resume(self) -> EventSpec:
        """Follow again; what arrived in between is fetched."""
        self.is_paused = False
        return self._go(paused="")

    @rx.event
    def choose_verdict(self, verdict: str) -> EventSpec:
        """Only records with this verdict; empty for all."""
        return self._go(verdict=verdict)

    @rx.event
    def type_search(self, text: str) -> EventSpec:
        """Only records whose name or source contains the text."""
        return self._go(q=text)

    @rx.event
    def select(self, record_id: str) -> None:
        """Show one record in full; the same again closes it."""
        record = next((record for record in self._records if record.id == record_id), None)
        if record is None or self.selected == record_id:
            self.selected = self.selected_text = ""
            return
        self.selected, self.selected_text = record_id, record_text(record)
        self.selected_row = live_row(record, self._zone(), SYSTEM_CLOCK.now())

    def _go(self, **changed: str) -> EventSpec:
        now = {"verdict": self.verdict, "q": self.search, "paused": "1" if self.is_paused else "", **changed}
        query = urlencode({key: value for key, value in now.items() if value})
        path = ui_paths.project_live(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)

    def _merge(self, found: Sequence[EventRow]) -> None:
        known = {record.id for record in self._records}
        fresh = [record for record in found if record.id not in known]
        self.is_waiting = False
        self.has_missed = self.has_missed or len(found) >= KEPT
        if not fresh:
            return
        self.received += len(fresh)
        merged = sorted([*fresh, *self._records], key=lambda record: (record.received_at, record.id), reverse=True)
        self._records = merged[:KEPT]
        self._show()

    def _show(self) -> None:
        zone, wanted, now = self._zone(), self.search.lower(), SYSTEM_CLOCK.now()
        shown = [
            record
            for record in self._records
            if (not self.verdict or record.verdict == self.verdict)
            and (not wanted or wanted in f"{record.source} {record.name}".lower())
        ]
        self.rows = [live_row(record, zone, now) for record in shown[:SHOWN]]


def _received(state: Any) -> rx.Component:
    return rx.el.span(rx.cond(state.has_missed, "at least ", ""), f"{state.received} since this page was opened")


@page(route="/p/[slug]/live", title="Live events · Plumbline", on_load=LiveState.load)
def live_page() -> rx.Component:
    """The page."""
    state: Any = LiveState
    return project_frame(
        page_header(
            "Live events",
            _pulse(),
            rx.cond(
                state.is_paused,
                button(rx.icon("play", size=14, aria_hidden="true"), "Resume", kind="primary", on_click=state.resume),
                button(rx.icon("pause", size=14, aria_hidden="true"), "Pause", on_click=state.pause),
            ),
            note="The newest 200 records with the plan's verdict on each. Select one to read it in full.",
        ),
        page_body(
            state,
            rx.cond(
                state.is_waiting,
                notice("The event store does not answer. Nothing accepted is lost; the list goes on when it is back.", tone="warn"),
                rx.fragment(),
            ),
            toolbar(
                search_input(state.search, state.type_search, label="Filter by name or source"),
                segmented(list(VERDICTS.items()), state.verdict, state.choose_verdict, label="Verdict"),
                rx.el.span(
                    rx.cond(state.received > 0, _received(state), rx.fragment()),
                    rx.el.span("Times in ", state.zone_name),
                    class_name="muted push dotted",
                ),
            ),
            rx.el.div(
                rx.el.div(_table(), class_name="live-list"),
                rx.cond(state.selected != "", _record(), rx.fragment()),
                class_name=rx.cond(state.selected != "", "live live-open", "live"),
            ),
            on_retry=state.load,
        ),
        active="live",
        crumbs=[Crumb("Live events")],
    )


def _pulse() -> rx.Component:
    return rx.cond(
        LiveState.is_paused,
        badge("Paused", "warn", dot=True),
        rx.cond(LiveState.is_waiting, badge("Waiting", "unknown", dot=True), badge("Following", "ok", dot=True)),
    )


def _table() -> rx.Component:
    state: Any = LiveState
    return data_table(
        [
            Column("Event", _name),
            Column(
                "Source",
                lambda row: text_or(row.source, "not told"),
                secondary=True,
            ),
            Column("Verdict", _verdict),
            Column("Received", _received_at, numeric=True, width="130px"),
        ],
        state.rows,
        caption="Records, newest first",
        empty=rx.cond(
            (state.verdict != "") | (state.search != ""),
            empty_state("No record matches", "Only the newest thousand records are searched here."),
            empty_state(
                "Nothing has arrived yet",
                "Records show up here within two seconds of being accepted.",
                link_button("Ingest keys", href=ui_paths.project_keys(slug_var()), kind="primary"),
            ),
        ),
    )


def _name(row: Any) -> rx.Component:
    state: Any = LiveState
    return rx.el.button(
        row.name,
        type="button",
        class_name="line-opener",
        aria_expanded=rx.cond(LiveState.selected == row.id, "true", "false"),
        on_click=state.select(row.id),
    )


def _received_at(row: Any) -> rx.Component:
    day = rx.cond(row.day != "", rx.el.span(row.day, class_name="cell-sub"), rx.fragment())
    return rx.fragment(time_text(row.when, row.iso), day)


def _verdict(row: Any) -> rx.Component:
    return rx.el.span(
        badge(row.verdict, row.tone, dot=True),
        rx.cond(row.reason != "", rx.el.span(row.reason, class_name="muted"), rx.fragment()),
        class_name="verdict",
    )


def _record() -> rx.Component:
    state: Any = LiveState
    return rx.el.aside(
        rx.el.div(
            rx.el.h2(LiveState.selected_row.name),
            rx.el.button(
                rx.icon("x", size=16, aria_hidden="true"),
                type="button",
                class_name="icon-btn",
                aria_label="Close record",
                on_click=state.select(""),
            ),
            class_name="live-record-head",
        ),
        _verdict(LiveState.selected_row),
        rx.cond(
            LiveState.selected_row.plan_revision != "",
            rx.el.p("By plan revision ", rx.el.code(LiveState.selected_row.plan_revision), class_name="muted"),
        ),
        code_block(LiveState.selected_text, label="Record as JSON"),
        class_name="live-record",
        aria_label="Selected record",
    )
