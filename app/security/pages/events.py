"""The explorer of security events: filters and facets in the address, so that a link is a saved search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.security.pages.event_moments import to_instants, to_local
from app.security.pages.events_parts import detail_panel, event_table, facet_list, filters, searches
from app.security.pages.events_view import FACET_WORDS, PERIODS, EventsView, Query, events_view, query_of
from app.ui import page
from components import button, notice, page_header, segmented, toast_done
from components.shell import Crumb

_FORM = {"event": "event", "actor": "actor", "ip": "ip", "from": "from_", "to": "to", "severity": "severity", "country": "country"}
_REMOVABLE = frozenset({*FACET_WORDS, "from_", "to"})


class SecurityEventsState(LoadedState):
    """Security events of the open project; everything that is asked for lives in the address."""

    view: EventsView = EventsView()
    query: Query = Query()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = EventsView()
            yield
        self.query = query_of(to_local(self.router.url.query_parameters, self._zone()))
        with self._loading():
            await self._enter()
            self.view = await self._read(events_view, slug, self.query, self._zone())
            self.query = replace(self.query, page=self.view.page)

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another period that ends now."""
        return self._go(days=days, from_="", to="")

    @rx.event
    def narrow(self, facet: str, word: str) -> EventSpec | None:
        """Only events with this word; the same again lifts the filter."""
        if facet not in FACET_WORDS:
            return None
        return self._go(**{facet: "" if getattr(self.query, facet) == word else word})

    @rx.event
    def drop(self, name: str) -> EventSpec | None:
        """Lift one filter."""
        return self._go(**{name: ""}) if name in _REMOVABLE else None

    @rx.event
    def apply(self, form: dict[str, Any]) -> EventSpec:
        """Search for what the form says."""
        return self._go(**{name: str(form.get(field, "")).strip() for field, name in _FORM.items()})

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.query.page + step)))

    @rx.event
    def close(self) -> EventSpec:
        """Close the event that is open."""
        return self._go(page=str(self.query.page))

    @rx.event
    def copy_link(self) -> list[EventSpec]:
        """Put the search on the clipboard."""
        url = self.router.url
        path = self._path()
        return [rx.set_clipboard(f"{url.origin}{path}"), toast_done("Copied. Whoever opens the link sees the same search.")]

    def _go(self, **changed: str) -> EventSpec:
        return rx.redirect(self._path(**changed), replace=True)

    def _path(self, **changed: str) -> str:
        return security_paths.project_security_events(self._slug(), **to_instants(self.query.parameters(**changed), self._zone()))


@page(route="/p/[slug]/security/events", title="Security events · Plumbline", on_load=SecurityEventsState.load)
def security_events_page() -> rx.Component:
    """The page."""
    state: Any = SecurityEventsState
    view = state.view
    return project_frame(
        page_header(
            "Security events",
            button(rx.icon("link", size=14, aria_hidden="true"), "Copy link to this search", on_click=state.copy_link),
            segmented(list(PERIODS.items()), state.query.days, state.choose_days, label="Period"),
            note="Every stored event with what is known of its address. The address of this page is the search.",
        ),
        page_body(
            state,
            rx.foreach(view.notes, _note),
            filters(state),
            searches(state),
            rx.el.div(
                facet_list(state),
                rx.el.div(event_table(state)),
                class_name="faceted",
            ),
            detail_panel(state),
            on_retry=state.load,
        ),
        active="security-events",
        crumbs=[Crumb("Security", security_paths.project_security(slug_var())), Crumb("Events")],
    )


def _note(text: Any) -> rx.Component:
    return notice(text)
