"""Heatmap: when in the week events happen, and when they did not happen as expected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.ui import page
from components import (
    HeatData,
    empty_state,
    heat_data,
    heatmap,
    link_button,
    page_header,
    segmented,
    select_input,
    toolbar,
)
from components.shell import Crumb

WEEKS = {"1": "1 week", "4": "4 weeks", "12": "12 weeks"}
MOST_EVENTS = 500


class HeatmapState(LoadedState):
    """The chosen series and its week."""

    weeks: str = "4"
    scope: str = "project_total:"
    scopes: list[list[str]] = []
    data: HeatData = HeatData()
    has_volume: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            yield
        query = self.router.url.query_parameters
        self.weeks = query.get("weeks", "4") if query.get("weeks", "4") in WEEKS else "4"
        self.scope = query.get("scope", "project_total:")
        with self._loading():
            await self._enter()
            self.scopes, self.data, self.has_volume = await self._read(
                heatmap_view, slug, self.scope, int(self.weeks), self._zone()
            )

    @rx.event
    def choose_weeks(self, weeks: str) -> EventSpec:
        """Another span of time."""
        return self._go(scope=self.scope, weeks=weeks)

    @rx.event
    def choose_scope(self, scope: str) -> EventSpec:
        """Another series."""
        return self._go(scope=scope, weeks=self.weeks)

    def _go(self, **query: str) -> EventSpec:
        return rx.redirect(f"{ui_paths.project_heatmap(self._slug())}?{urlencode(query)}", replace=True)


def heatmap_view(
    session: Session, actor: Actor, slug: str, scope: str, weeks: int, zone: ZoneInfo
) -> tuple[list[list[str]], HeatData, bool]:
    """Choices of the selector, the week of the chosen one, and whether it has any volume."""
    now = SYSTEM_CLOCK.now()
    types = plan.event_type_names(session, actor, slug, limit=MOST_EVENTS)
    choices = [["project_total:", "Project total"]]
    choices += [[f"event_type:{type_id}", f"Event type: {name}"] for type_id, name in types]
    names = plan.event_names(session, actor, slug, limit=MOST_EVENTS)
    choices += [[f"event:{event_id}", f"Event: {name}"] for event_id, name in names]
    kind, _, ref = scope.partition(":")
    scope_type = ScopeType(kind) if kind in set(ScopeType) else ScopeType.PROJECT_TOTAL
    start = now - timedelta(weeks=weeks)
    series = metrics.series_for(session, actor, slug, scope_type, ref or None, start=start, stop=now)
    week = metrics.week_of(session, series)
    cells = {(cell.weekday, cell.hour): (cell.count, cell.anomaly_count) for cell in week.cells}
    subject = next((text for value, text in choices if value == scope), "Project total")
    return choices, heat_data(cells, zone, now, subject=subject), week.total_count > 0


@page(route="/p/[slug]/heatmap", title="Heatmap · Plumbline", on_load=HeatmapState.load)
def heatmap_page() -> rx.Component:
    """The page."""
    state: Any = HeatmapState
    return project_frame(
        page_header(
            "Heatmap",
            note="Volume by weekday and hour. The stronger the colour, the more events; a red mark is an hour with an anomaly.",
        ),
        page_body(
            state,
            toolbar(
                select_input(state.scopes, field_id="scope", label="Series", value=state.scope, on_change=state.choose_scope),
                segmented(list(WEEKS.items()), state.weeks, state.choose_weeks, label="Span"),
            ),
            rx.cond(
                state.has_volume,
                heatmap(state.data, caption="Sum of each hour of the week over the chosen span."),
                empty_state(
                    "Nothing was counted in this span",
                    "Counting starts with the first scan after events arrive.",
                    link_button("Live events", href=ui_paths.project_live(slug_var())),
                    link_button("Scans", href=ui_paths.project_scans(slug_var())),
                ),
            ),
            on_retry=state.load,
        ),
        active="heatmap",
        crumbs=[Crumb("Heatmap")],
    )
