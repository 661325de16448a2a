"""Security at a glance: alerts by severity, sign-ins on the map, actors and networks that stand out, the timeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths
from app.frame import project_frame
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.security.pages.overview_parts import (
    actor_section,
    figures,
    first_event,
    map_section,
    network_section,
    origin_section,
    timeline_section,
    trends,
)
from app.security.pages.overview_view import PERIODS, SecurityView, security_view
from app.security.service import origins
from app.ui import page
from components import page_header, segmented, toast_done, toast_failed
from components.shell import Crumb

USUAL_DAYS = "7"


class SecurityState(LoadedState):
    """What security looks like in the open project; the period lives in the address."""

    view: SecurityView = SecurityView()
    days: str = USUAL_DAYS
    origin: str = ""
    origin_error: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = SecurityView()
            yield
        days = self.router.url.query_parameters.get("days", USUAL_DAYS)
        self.days = days if days in PERIODS else USUAL_DAYS
        self.origin, self.origin_error = self.router.url.origin, ""
        with self._loading():
            await self._enter()
            await self._show()

    async def _show(self) -> None:
        self.view = await self._read(security_view, self._slug(), int(self.days), self._zone())

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another period."""
        return rx.redirect(security_paths.project_security(self._slug(), "" if days == USUAL_DAYS else days), replace=True)

    @rx.event
    async def save_origins(self, form: dict[str, Any]) -> EventSpec | None:
        """Replace the web origins."""
        wanted = [line.strip() for line in str(form.get("origins", "")).splitlines() if line.strip()]
        try:
            await self._call(origins.set_origins, self._slug(), wanted, SYSTEM_CLOCK.now())
        except InvalidInput as refusal:
            self.origin_error = refusal.message
            return None
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.origin_error = ""
        await self._show()
        return toast_done("Saved. It holds from the next request on.")


@page(route="/p/[slug]/security", title="Security · Plumbline", on_load=SecurityState.load)
def security_page() -> rx.Component:
    """The page."""
    state: Any = SecurityState
    view = state.view
    return project_frame(
        page_header(
            "Security",
            segmented(list(PERIODS.items()), state.days, state.choose_days, label="Period"),
            note="Sign-ins and other security events, what they are evidence of, and where they come from.",
        ),
        page_body(
            state,
            rx.cond(
                view.has_events,
                rx.fragment(
                    figures(view),
                    trends(view),
                    map_section(view),
                    rx.el.div(actor_section(view), network_section(view), class_name="columns"),
                ),
                first_event(state.origin),
            ),
            rx.el.div(
                rx.cond(view.has_events, timeline_section(view), rx.fragment()),
                origin_section(state),
                class_name="columns",
            ),
            on_retry=state.load,
        ),
        active="security",
        crumbs=[Crumb("Security")],
    )
