"""Signal: one series that departed, what it did, when it does so, and what people said about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection.contracts import Incident
from app.detection.feedback import VerdictKind
from app.detection.pages import signal_parts as parts
from app.detection.pages.inbox_actions import decide, take_back
from app.detection.pages.inbox_rows import VERDICT_WORDS
from app.detection.pages.signal_view import SignalView, parse_signal_id, signal_view
from app.detection.pages.why import why_panel
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    badge,
    empty_state,
    line_chart,
    link_button,
    page_header,
    section,
    segmented,
    toast_done,
    toast_failed,
    toolbar,
)
from components.shell import Crumb

RANGES = {"3": "3 days", "14": "2 weeks", "28": "4 weeks"}


class SignalState(LoadedState):
    """The signal in the address, and the incident that is meant."""

    days: str = "14"
    at: str = ""
    view: SignalView = SignalView()
    _incident: Incident | None = None

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        query = self.router.url.query_parameters
        self.at = query.get("at", "")[:40]
        self.days = query.get("days", "14") if query.get("days", "14") in RANGES else "14"
        if self._begin(f"{self._slug()}/{self._route_value('signal_id')}"):
            self.view = SignalView()
            yield
        with self._loading():
            await self._enter()
            await self._show()

    async def _show(self) -> None:
        key = parse_signal_id(self._route_value("signal_id"))
        self.view, self._incident = await self._read(signal_view, self._slug(), key, self.at, int(self.days), self._zone())

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range."""
        query = urlencode({name: value for name, value in {"at": self.at, "days": days}.items() if value})
        path = ui_paths.project_signal(self._slug(), self._route_value("signal_id"))
        return rx.redirect(f"{path}?{query}", replace=True)

    @rx.event
    async def decide(self, verdict: str) -> EventSpec:
        """Say what the incident was."""
        if self._incident is None or verdict not in set(VerdictKind):
            return toast_failed("There is no incident to judge")
        kind = VerdictKind(verdict)
        return await self._change(VERDICT_WORDS[kind], decide, self._slug(), [self._incident], kind)

    @rx.event
    async def undo(self) -> EventSpec:
        """Take the verdict back."""
        if not self.view.incident.verdict_id:
            return toast_failed("There is no verdict to undo")
        return await self._change("Verdict taken back", take_back, self._slug(), [self.view.incident.verdict_id])

    async def _change(self, done: str, fn: Callable[..., None], *args: Any) -> EventSpec:
        try:
            await self._call(fn, *args)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._show()
        return toast_done(done)


@page(route="/p/[slug]/signals/[signal_id]", title="Signal · Plumbline", on_load=SignalState.load)
def signal_page() -> rx.Component:
    """The page."""
    state: Any = SignalState
    view = state.view
    return project_frame(
        page_header(
            rx.cond(view.scope_name != "", view.scope_name, "Signal"),
            rx.cond(view.event_href != "", link_button("Open event", href=view.event_href), rx.fragment()),
            rx.cond(view.monitoring_href != "", link_button("Monitoring", href=view.monitoring_href), rx.fragment()),
            note=rx.cond(view.scope_kind != "", rx.fragment(view.scope_kind, ", ", view.rules), ""),
            beside=rx.cond(view.state != "", badge(view.state, "bad"), rx.fragment()),
        ),
        page_body(
            state,
            rx.cond(
                view.incident.key != "",
                rx.fragment(parts.verdict_bar(state), parts.figures(view)),
                rx.fragment(),
            ),
            toolbar(segmented(list(RANGES.items()), state.days, state.choose_days, label="Range")),
            rx.cond(
                view.has_series,
                section(
                    "Series",
                    line_chart(view.chart, height=300, annotations=view.marks),
                    note=view.forecast,
                ),
                empty_state(
                    "Nothing was counted in this range",
                    "The scan that counts this series collected nothing then.",
                    link_button("Scans", href=ui_paths.project_scans(slug_var())),
                ),
            ),
            rx.cond(view.incident.key != "", _about_incident(state), rx.fragment()),
            parts.density(view),
            parts.incident_table(
                view.incidents,
                "Incidents of this series",
                named=False,
                empty=empty_state("No incident so far", "This series did not depart from what is usual for it."),
            ),
            parts.history(view),
            on_retry=state.load,
            what="signal",
        ),
        active="inbox",
        crumbs=[
            Crumb("Inbox", ui_paths.project_inbox(slug_var())),
            Crumb(rx.cond(view.scope_name != "", view.scope_name, "Signal")),
        ],
    )


def _about_incident(state: Any) -> rx.Component:
    view = state.view
    return rx.fragment(
        why_panel(view.incident),
        rx.el.div(parts.movers(view), parts.marks(view), class_name="columns"),
        rx.cond(
            view.related.length() > 0,
            parts.incident_table(view.related, "At the same time", named=True, empty=rx.fragment()),
            rx.fragment(),
        ),
    )
