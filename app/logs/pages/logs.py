"""Logs: what services wrote, how severe it was, and where it went above its threshold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame
from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.logs import service as logs
from app.logs.pages.logs_parts import anomaly_section, line_section, threshold_dialog, threshold_section
from app.logs.pages.logs_view import OTHERS, PAGE_SIZE, PERIODS, LogsView, logs_view
from app.page_states import LoadedState, page_body
from app.presentation import page_number
from app.ui import field_errors, page
from components import button, page_header, search_input, segmented, select_input, stacked_bars, toast_done, toast_failed, toolbar
from components.shell import Crumb

LONGEST_SEARCH = 200


class LogsState(LoadedState):
    """The log lines of the open project; search and page live in the address."""

    view: LogsView = LogsView()
    hours: str = "24"
    text: str = ""
    severity: str = ""
    severities: list[list[str]] = []
    page_number: int = 1
    first: int = 0
    last: int = 0
    is_narrowed: bool = False
    is_editing: bool = False
    is_known: bool = False
    edited: dict[str, str] = {}
    errors: dict[str, str] = {}

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = LogsView()
            yield
        self._take_query()
        self.is_editing = False
        with self._loading():
            await self._enter()
            await self._show()

    async def _show(self) -> None:
        self.view = await self._read(
            logs_view,
            self._slug(),
            hours=int(self.hours),
            text=self.text,
            severity=self.severity,
            page=self.page_number,
            zone=self._zone(),
        )
        seen = {level.name for level in self.view.picture.levels} - {OTHERS}
        named = seen | {row.severity for row in self.view.thresholds} | {self.severity}
        self.severities = [["", "All severities"], *[[name, name] for name in sorted(named) if name]]
        start = (self.page_number - 1) * PAGE_SIZE
        self.first = start + 1 if self.view.lines else 0
        self.last = start + len(self.view.lines)

    @rx.event
    def choose_hours(self, hours: str) -> EventSpec:
        """Another period."""
        return self._go(hours=hours, page="1")

    @rx.event
    def choose_severity(self, severity: str) -> EventSpec:
        """Only lines of one severity."""
        return self._go(severity=severity, page="1")

    @rx.event
    def look_for(self, text: str) -> EventSpec:
        """Only lines whose message holds the text."""
        return self._go(text=text[:LONGEST_SEARCH], page="1")

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    @rx.event
    def ask_threshold(self, service: str, severity: str, per_minute: str, state: str) -> None:
        """Open the form, empty or with a row in it."""
        self.edited = {"service": service, "severity": severity, "per_minute": per_minute.replace(",", ""), "state": state}
        self.is_known, self.errors, self.is_editing = service != "", {}, True

    @rx.event
    def set_editing(self, is_open: bool) -> None:
        """Close the form."""
        self.is_editing = is_open

    @rx.event
    async def save_threshold(self, form: dict[str, Any]) -> EventSpec | None:
        """Append the row that is in force from now on."""
        service = self.edited["service"] if self.is_known else str(form.get("service", ""))
        severity = self.edited["severity"] if self.is_known else str(form.get("severity", ""))
        try:
            await self._call(
                logs.set_threshold,
                self._slug(),
                service=service,
                severity=severity,
                per_minute=_number(str(form.get("per_minute", ""))),
                active=form.get("state", "on") == "on",
                now=SYSTEM_CLOCK.now().replace(microsecond=0),
            )
            await self._show()
        except InvalidInput as refusal:
            self.errors = field_errors(refusal)
            return None
        except AppError as refusal:
            return toast_failed(refusal.message)
        self.is_editing = False
        return toast_done(f"The threshold of {service} {severity} is changed")

    def _take_query(self) -> None:
        query = self.router.url.query_parameters
        self.hours = query.get("hours", "24") if query.get("hours", "24") in PERIODS else "24"
        self.text = query.get("text", "")[:LONGEST_SEARCH].replace("\x00", "")
        self.severity = query.get("severity", "")[:LONGEST_SEARCH].replace("\x00", "")
        self.page_number = page_number(query.get("page", "1"))
        self.is_narrowed = bool(self.text or self.severity)

    def _go(self, **changed: str) -> EventSpec:
        now = {"hours": self.hours, "text": self.text, "severity": self.severity, "page": str(self.page_number), **changed}
        usual = {"hours": "24", "text": "", "severity": "", "page": "1"}
        query = urlencode({key: value for key, value in now.items() if value != usual[key]})
        path = ui_paths.project_logs(self._slug())
        return rx.redirect(f"{path}?{query}" if query else path, replace=True)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("Enter a number of log lines, zero or more.", field="per_minute") from None


@page(route="/p/[slug]/logs", title="Logs · Plumbline", on_load=LogsState.load)
def logs_page() -> rx.Component:
    """The page."""
    state: Any = LogsState
    may_edit = state.user_role != UserRole.VIEWER.value
    add = button(rx.icon("plus", size=14), "Add threshold", small=True, on_click=state.ask_threshold("", "", "", "on"))
    thresholds = threshold_section(state, rx.cond(may_edit, add, rx.fragment()), may_edit)
    return project_frame(
        page_header("Logs", note="What services wrote, and the minutes in which they wrote more than their threshold allows."),
        page_body(
            state,
            toolbar(
                search_input(state.text, state.look_for, label="Search messages"),
                select_input(
                    state.severities, field_id="severity", label="Severity", value=state.severity, on_change=state.choose_severity
                ),
                segmented(list(PERIODS.items()), state.hours, state.choose_hours, label="Period"),
            ),
            stacked_bars(state.view.picture, noun="lines"),
            # Without a threshold no minute can be above one, and the lines are what one came for.
            rx.cond(
                state.view.thresholds.length() > 0,
                rx.fragment(anomaly_section(state.view), thresholds, line_section(state)),
                rx.fragment(line_section(state), thresholds),
            ),
            threshold_dialog(state),
            on_retry=state.load,
        ),
        active="logs",
        crumbs=[Crumb("Logs")],
    )
