"""Actors: who behaved unlike themselves and unlike everybody else lately, why, and what they did before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.security.pages.actors_parts import actor_table, filters, no_scores, profile_panel
from app.security.pages.actors_view import ActorsView, Query, actors_view, query_of
from app.ui import page
from components import page_header
from components.shell import Crumb


class ActorsState(LoadedState):
    """Actors of the open project; filters, page and the open actor live in the address."""

    view: ActorsView = ActorsView()
    query: Query = Query()
    origin: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = ActorsView()
            yield
        self.query, self.origin = query_of(self.router.url.query_parameters), self.router.url.origin
        with self._loading():
            await self._enter()
            self.view = await self._read(actors_view, slug, self.query, self._zone())
            self.query = replace(self.query, page=self.view.page)

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Only actors that were scored in another period."""
        return self._go(days=days)

    @rx.event
    def choose_floor(self, above: str) -> EventSpec:
        """Only actors of at least this score."""
        return self._go(above=above)

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.query.page + step)))

    @rx.event
    def close(self) -> EventSpec:
        """Close the actor who is open."""
        return self._go(page=str(self.query.page))

    def _go(self, **changed: str) -> EventSpec:
        return rx.redirect(security_paths.project_actors(self._slug(), **self.query.parameters(**changed)), replace=True)


@page(route="/p/[slug]/actors", title="Actors · Plumbline", on_load=ActorsState.load)
def actors_page() -> rx.Component:
    """The page."""
    state: Any = ActorsState
    return project_frame(
        page_header(
            "Actors",
            note="People and services by how unusual their last 24 hours were, from 0 to 100: the share of known days, their own "
            "and others', that were less so. Scored every hour.",
        ),
        page_body(
            state,
            rx.cond(state.view.has_scores, rx.fragment(filters(state), actor_table(state)), no_scores(state.origin)),
            profile_panel(state),
            on_retry=state.load,
        ),
        active="actors",
        crumbs=[Crumb("Security", security_paths.project_security(slug_var())), Crumb("Actors")],
    )
