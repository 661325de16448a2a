"""Deliveries: what was told to whom, what waits, and what never arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting.pages.deliveries_view import PAGE_SIZE, DeliveriesView, deliveries_view
from app.alerting.pages.words import STATES, kind_badge, state_badge
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.presentation import page_number
from app.ui import page
from components import (
    Column,
    data_table,
    empty_state,
    link_button,
    page_header,
    pager,
    row_link,
    segmented,
    select_input,
    time_text,
    toolbar,
)
from components.shell import Crumb

LONGEST_ID = 36


class DeliveriesState(LoadedState):
    """The history of the open project; filters and page live in the address."""

    view: DeliveriesView = DeliveriesView()
    state_filter: str = ""
    destination: str = ""
    page_number: int = 1
    first: int = 0
    last: int = 0
    is_narrowed: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = DeliveriesView()
            yield
        self._take_query()
        with self._loading():
            await self._enter()
            await self._show()
            if self.view.total and not self.view.rows:  # an address beyond the end shows the end
                self.page_number = -(-self.view.total // PAGE_SIZE)
                await self._show()
            start, count = (self.page_number - 1) * PAGE_SIZE, len(self.view.rows)
            self.first, self.last = (start + 1 if count else 0), start + count

    async def _show(self) -> None:
        self.view = await self._read(
            deliveries_view,
            self._slug(),
            state=self.state_filter,
            destination_id=self.destination,
            page=self.page_number,
            zone=self._zone(),
        )

    @rx.event
    def choose_state(self, state: str) -> EventSpec:
        """Only deliveries in one state."""
        return self._go(state=state)

    @rx.event
    def choose_destination(self, destination: str) -> EventSpec:
        """Only deliveries to one destination."""
        return self._go(destination=destination)

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    def _take_query(self) -> None:
        query = self.router.url.query_parameters
        self.state_filter = query.get("state", "") if query.get("state", "") in STATES else ""
        self.destination = query.get("destination", "")[:LONGEST_ID].replace("\x00", "")
        self.page_number = page_number(query.get("page", "1"))
        self.is_narrowed = bool(self.state_filter or self.destination)

    def _go(self, *, state: str | None = None, destination: str | None = None, page: str = "") -> EventSpec:
        path = ui_paths.project_deliveries(
            self._slug(),
            state=self.state_filter if state is None else state,
            destination=self.destination if destination is None else destination,
            page="" if page == "1" else page,
        )
        return rx.redirect(path, replace=True)


@page(route="/p/[slug]/deliveries", title="Deliveries · Plumbline", on_load=DeliveriesState.load)
def deliveries_page() -> rx.Component:
    """The page."""
    state: Any = DeliveriesState
    view = state.view
    return project_frame(
        page_header(
            "Deliveries",
            note="Messages of rules. Failed ones are tried again by themselves, dead ones only when somebody asks; dropped ones "
            "had nothing left to tell.",
        ),
        page_body(
            state,
            toolbar(
                segmented([("", "All"), *STATES.items()], state.state_filter, state.choose_state, label="State"),
                select_input(
                    view.destinations,
                    field_id="destination",
                    label="Destination",
                    value=state.destination,
                    on_change=state.choose_destination,
                ),
            ),
            data_table(
                [
                    Column("Rule", _rule),
                    Column("State", _state),
                    Column("Destination", lambda row: rx.fragment(row.destination, rx.el.span(row.channel, class_name="cell-sub"))),
                    Column("Items", lambda row: row.scopes, numeric=True, secondary=True, width="80px"),
                    Column("Attempts", lambda row: row.attempts, numeric=True, secondary=True, width="90px"),
                ],
                view.rows,
                caption="Deliveries, newest first",
                empty=_nothing(),
                pager=pager(
                    state.first,
                    state.last,
                    view.total,
                    on_previous=state.turn(-1),
                    on_next=state.turn(1),
                    noun="deliveries",
                ),
            ),
            on_retry=state.load,
        ),
        active="deliveries",
        crumbs=[Crumb("Deliveries")],
    )


def _rule(row: Any) -> rx.Component:
    return rx.fragment(
        row_link(row.rule, row.href),
        rx.cond(row.kind != "", rx.fragment(" ", kind_badge(row.kind)), rx.fragment()),
        rx.el.span(time_text(row.made, row.made_iso), class_name="cell-sub"),
    )


def _state(row: Any) -> rx.Component:
    return rx.fragment(state_badge(row.state), rx.cond(row.note != "", rx.el.span(row.note, class_name="cell-sub"), rx.fragment()))


def _nothing() -> rx.Component:
    state: Any = DeliveriesState
    slug = slug_var()
    return rx.cond(
        state.is_narrowed,
        empty_state(
            "No delivery matches",
            "Other states and destinations are not shown here.",
            link_button("Show all", href=ui_paths.project_deliveries(slug)),
        ),
        rx.cond(
            state.view.has_destinations,
            empty_state("Nothing was sent yet", "A delivery appears here when a rule finds something to tell."),
            empty_state(
                "Nothing was sent yet",
                "There is no destination to send to.",
                link_button("Destinations", href=ui_paths.project_destinations(slug), kind="primary"),
            ),
        ),
    )
