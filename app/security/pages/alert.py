"""One security alert: the evidence, the places, what the actor did around it, and what is to be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths
from app.frame import project_frame, slug_var
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.security.pages.alert_parts import actions, body, close_dialog, places
from app.security.pages.alert_view import AlertPage, alert_page
from app.security.pages.wording import RESOLUTION_WORDS, STATUS_WORDS
from app.security.service import triage
from app.security.service.alerts import Change
from app.ui import page
from components import badge, notice, page_header, toast_done, toast_failed
from components.shell import Crumb


class SecurityAlertState(LoadedState):
    """One alert of the open project."""

    view: AlertPage = AlertPage()
    closing_as: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug, alert_id = self._slug(), self._route_value("alert_id")
        self.closing_as = ""
        if self._begin(f"{slug}/{alert_id}"):
            self.view = AlertPage()
            yield
        with self._loading():
            await self._enter()
            await self._show()

    async def _show(self) -> None:
        self.view = await self._read(alert_page, self._slug(), self._route_value("alert_id"), self._zone())

    @rx.event
    def ask(self, status: str) -> None:
        """Open the form that closes the alert as resolved or dismissed; empty closes the form."""
        self.closing_as = status if status in ("resolved", "dismissed") else ""

    @rx.event
    def set_asking(self, is_open: bool) -> None:
        """Close the form."""
        if not is_open:
            self.closing_as = ""

    @rx.event
    async def close(self, form: dict[str, Any]) -> EventSpec | None:
        """Close the alert with what the form says."""
        reason = str(form.get("resolution_type", ""))
        notes = str(form.get("internal_notes", "")).replace("\0", "").strip()
        change = Change(
            self.closing_as,
            reason if self.closing_as == "resolved" and reason in RESOLUTION_WORDS else None,
            notes or None,
        )
        return await self._change(change)

    @rx.event
    async def set_status(self, status: str) -> EventSpec | None:
        """Acknowledge or reopen the alert."""
        # Of two quick clicks the second changes nothing.
        is_change = status in ("open", "acknowledged") and status != self.view.status
        return await self._change(Change(status)) if is_change else None

    async def _change(self, change: Change) -> EventSpec | None:
        if not change.status:
            return None
        try:
            await self._call(triage.change_alert, self._slug(), self._route_value("alert_id"), change, SYSTEM_CLOCK.now())
            await self._show()
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.closing_as = ""
        return toast_done(f"The alert is {STATUS_WORDS[change.status].lower()}")


@page(route="/p/[slug]/security/alerts/[alert_id]", title="Security alert · Plumbline", on_load=SecurityAlertState.load)
def security_alert_page() -> rx.Component:
    """The page."""
    state: Any = SecurityAlertState
    view = state.view
    return project_frame(
        page_body(
            state,
            page_header(
                view.title,
                actions(state),
                note=view.description,
                beside=rx.el.span(
                    badge(view.severity, view.tone, dot=True), badge(view.status_text, view.status_tone), class_name="badges"
                ),
            ),
            rx.cond(view.closing != "", notice(view.closing), rx.fragment()),
            places(view),
            body(view),
            close_dialog(state),
            on_retry=state.load,
            what="alert",
        ),
        active="security-alerts",
        crumbs=[
            Crumb("Security", security_paths.project_security(slug_var())),
            Crumb("Alerts", security_paths.project_security_alerts(slug_var())),
            Crumb(rx.cond(view.title != "", view.title, "Alert")),
        ],
    )
