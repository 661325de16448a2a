"""Events: what the plan holds, how much of it arrives, and which of it departs from the usual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
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
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.plan.contracts import EventView
from app.presentation import STATUS_TONES, STATUS_WORDS, Phase
from app.ui import page
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    link_button,
    page_header,
    pager,
    row_link,
    search_input,
    select_input,
    spark_bars,
    spark_path,
    time_text,
    toolbar,
)
from components.format import ago, full_number, iso_utc, local_time
from components.shell import Crumb

PAGE_SIZE = 50
# Sorting by volume needs every event once; a plan of this size is read in a fraction of a second.
MOST_SORTED = 10_000
SORTS = ("name", "type", "status", "volume", "seen")


@dataclass(frozen=True)
class CatalogueRow:
    """An event as the table shows it."""

    name: str
    href: str
    type_name: str
    status: str
    status_tone: str
    volume: str
    path: str
    shape: str
    seen: str
    seen_iso: str
    seen_title: str
    signal: str
    signal_text: str


class CatalogueState(LoadedState):
    """One page of the catalogue. Search, filter, sort and page live in the address."""

    search: str = ""
    status: str = ""
    sort: str = "-volume"
    rows: list[CatalogueRow] = []
    first: int = 0
    last: int = 0
    total: int = 0
    page_number: int = 1
    is_filtered: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            yield
        query = self.router.url.query_parameters
        self.search = query.get("q", "")[:200]
        self.status = query.get("status", "") if query.get("status", "") in STATUS_WORDS else ""
        self.sort = query.get("sort", "") if query.get("sort", "").lstrip("-") in SORTS else "-volume"
        number = query.get("page", "1")
        self.page_number = max(1, int(number)) if number.isdigit() and len(number) < 6 else 1
        self.is_filtered = bool(self.search or self.status)
        try:
            await self._enter()
            self.rows, self.total = await self._read(
                catalogue_view, slug, self.search, self.status, self.sort, self.page_number, self._zone()
            )
            self.first = (self.page_number - 1) * PAGE_SIZE + 1 if self.rows else 0
            self.last = self.first + len(self.rows) - 1 if self.rows else 0
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def type_search(self, text: str) -> EventSpec:
        """Another search begins on the first page."""
        self.search = text
        return self._go(q=text, page=1)

    @rx.event
    def choose_status(self, status: str) -> EventSpec:
        """Only events of this status; empty for all."""
        return self._go(status=status, page=1)

    @rx.event
    def sort_by(self, key: str) -> EventSpec:
        """The same key again turns the order; figures and times begin with the largest."""
        falling = f"-{key}"
        begins = falling if key in ("volume", "seen") else key
        other = key if begins == falling else falling
        return self._go(sort=other if self.sort == begins else begins, page=1)

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=max(1, self.page_number + step))

    def _go(self, **changed: str | int) -> EventSpec:
        now = {"q": self.search, "status": self.status, "sort": self.sort, "page": self.page_number, **changed}
        usual = {"q": "", "status": "", "sort": "-volume", "page": 1}
        query = urlencode({key: value for key, value in now.items() if value != usual[key]})
        path = ui_paths.project_events(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)


def catalogue_view(
    session: Session, actor: Actor, slug: str, search: str, status: str, sort: str, page_number: int, zone: ZoneInfo
) -> tuple[list[CatalogueRow], int]:
    """One page of rows and how many events match."""
    now = SYSTEM_CLOCK.now()
    found = plan.list_events(session, actor, slug, search=search, status=[status] if status else (), limit=MOST_SORTED, offset=0)
    volumes = metrics.window_totals(session, actor, slug, [event.id for event in found.items], now=now)
    ordered = _sorted(found.items, volumes, sort)
    shown = ordered[(page_number - 1) * PAGE_SIZE : page_number * PAGE_SIZE]
    signals = {
        signal.event_id: str(signal.direction)
        for signal in detection.list_signals(session, actor, slug, event_ids=[event.id for event in shown])
        if signal.event_id and signal.scope_type is ScopeType.EVENT
    }
    shapes = _shapes(session, actor, slug, shown, now)
    rows = [_row(event, slug, volumes.get(event.id, 0), shapes, signals, zone, now) for event in shown]
    return rows, found.total


def _sorted(events: list[EventView], volumes: dict[str, int], sort: str) -> list[EventView]:
    never = datetime.min.replace(tzinfo=SYSTEM_CLOCK.now().tzinfo)
    keys = {
        "name": lambda event: event.name.lower(),
        "type": lambda event: event.event_type_name.lower(),
        "status": lambda event: list(STATUS_WORDS).index(str(event.status)),
        "volume": lambda event: volumes.get(event.id, 0),
        "seen": lambda event: event.last_seen_at or never,
    }
    by_name = sorted(events, key=lambda event: (event.name.lower(), event.id))
    return sorted(by_name, key=keys[sort.lstrip("-")], reverse=sort.startswith("-"))


def _shapes(session: Session, actor: Actor, slug: str, events: list[EventView], now: datetime) -> dict[str, str]:
    total = metrics.series_for(session, actor, slug, ScopeType.PROJECT_TOTAL, start=now)
    if not total.key.scan_config_id or not events:
        return {}
    keys = [SeriesKey(total.key.scan_config_id, ScopeType.EVENT, event.id) for event in events]
    series = metrics.load_series(session, total.key.scan_config_id, keys, now - timedelta(hours=48))
    return {shape.key.ref: spark_path(shape.counts) for shape in series}


def _row(
    event: EventView,
    slug: str,
    volume: int,
    shapes: dict[str, str],
    signals: dict[str, str],
    zone: ZoneInfo,
    now: datetime,
) -> CatalogueRow:
    signal = signals.get(event.id, "")
    return CatalogueRow(
        name=event.name,
        href=ui_paths.project_event(slug, event.id),
        type_name=event.event_type_name,
        status=STATUS_WORDS.get(str(event.status), str(event.status)),
        status_tone=STATUS_TONES.get(str(event.status), "neutral"),
        volume=full_number(volume),
        path=shapes.get(event.id, ""),
        shape=f"{full_number(volume)} in 48 hours",
        seen=ago(event.last_seen_at, now),
        seen_iso=iso_utc(event.last_seen_at),
        seen_title=local_time(event.last_seen_at, zone, now=now),
        signal=signal,
        signal_text={"spike": "More than expected", "drop": "Less than expected"}.get(signal, ""),
    )


@page(route="/p/[slug]/events", title="Events · Plumbline", on_load=CatalogueState.load)
def catalogue_page() -> rx.Component:
    """The page."""
    state: Any = CatalogueState
    return project_frame(
        page_header("Events", note="What the plan holds and how much of it arrived in the last 48 hours."),
        page_body(
            state,
            toolbar(
                search_input(state.search, state.type_search, label="Search events", placeholder="Name, identity or description"),
                select_input(
                    [("", "All statuses"), *STATUS_WORDS.items()],
                    field_id="status",
                    label="Status",
                    value=state.status,
                    on_change=state.choose_status,
                ),
            ),
            data_table(
                _columns(),
                state.rows,
                caption="Events of the plan",
                sort=state.sort,
                on_sort=state.sort_by,
                empty=rx.cond(state.is_filtered, _nothing_found(), _nothing_planned()),
                pager=pager(
                    state.first,
                    state.last,
                    state.total,
                    on_previous=state.turn(-1),
                    on_next=state.turn(1),
                    noun="events",
                ),
            ),
            on_retry=state.load,
        ),
        active="events",
        crumbs=[Crumb("Events")],
    )


def _columns() -> list[Column]:
    return [
        Column("Event", lambda row: row_link(row.name, row.href), key="name", sortable=True),
        Column("Type", lambda row: badge(row.type_name), key="type", sortable=True, secondary=True),
        Column("Status", lambda row: badge(row.status, row.status_tone), key="status", sortable=True),
        Column("48 hours", lambda row: spark_bars(row.path, row.shape), secondary=True, width="112px"),
        Column("Volume", lambda row: row.volume, key="volume", sortable=True, numeric=True),
        Column(
            "Last seen",
            lambda row: time_text(row.seen, row.seen_iso, title=row.seen_title),
            key="seen",
            sortable=True,
            secondary=True,
        ),
        Column("Signal", _signal, secondary=True),
    ]


def _signal(row: Any) -> rx.Component:
    return rx.cond(
        row.signal != "",
        rx.el.span(
            rx.el.span(class_name=f"direction direction-{row.signal}", aria_hidden="true"),
            row.signal_text,
            class_name="nowrap",
        ),
        rx.el.span("none", class_name="sr-only"),
    )


def _nothing_found() -> rx.Component:
    return empty_state(
        "No event matches",
        "Search looks at name, identity and description.",
        link_button("Show all events", href=ui_paths.project_events(slug_var())),
    )


def _nothing_planned() -> rx.Component:
    return empty_state(
        "The plan is empty",
        "Send events and the next scan proposes one entry for each of them, in review.",
        link_button("How to send the first event", href=ui_paths.project_overview(slug_var()), kind="primary"),
        link_button("Scans", href=ui_paths.project_scans(slug_var())),
    )
