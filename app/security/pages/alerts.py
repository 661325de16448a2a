"""Security alerts: what was found, how grave it is, and what was done about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import security_paths
from app.frame import project_frame, slug_var
from app.page_states import LoadedState, page_body
from app.security.pages.alerts_view import EVERY_STATUS, STATUSES, AlertsView, alerts_view
from app.security.pages.parts import mark_list
from app.security.pages.wording import ALERT_SEVERITIES, TYPE_WORDS
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
    segmented,
    select_input,
    time_text,
    toolbar,
)
from components.shell import Crumb

USUAL_STATUS = "open"
LONGEST_WORD = 320
_MOST_PAGES = 10_000


class SecurityAlertsState(LoadedState):
    """The alerts of the open project; filters and page live in the address."""

    view: AlertsView = AlertsView()
    status: str = USUAL_STATUS
    severity: str = ""
    alert_type: str = ""
    actor: str = ""
    page_number: int = 1

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = AlertsView()
            yield
        query = self.router.url.query_parameters
        self.status = _one_of(query.get("status", ""), STATUSES) or USUAL_STATUS
        self.severity = _one_of(query.get("severity", ""), ALERT_SEVERITIES)
        self.alert_type = _one_of(query.get("type", ""), TYPE_WORDS)
        self.actor = query.get("actor", "")[:LONGEST_WORD].replace("\0", "")
        self.page_number = page_of(query.get("page", ""))
        with self._loading():
            await self._enter()
            self.view = await self._read(
                alerts_view,
                slug,
                status=self.status,
                severity=self.severity,
                alert_type=self.alert_type,
                actor_id=self.actor,
                page=self.page_number,
                zone=self._zone(),
            )
            self.page_number = self.view.page

    @rx.event
    def choose_status(self, status: str) -> EventSpec:
        """Only alerts of one status, or all."""
        return self._go(status=status)

    @rx.event
    def choose_severity(self, severity: str) -> EventSpec:
        """Only alerts of one severity."""
        return self._go(severity=severity)

    @rx.event
    def choose_type(self, alert_type: str) -> EventSpec:
        """Only alerts of one type."""
        return self._go(alert_type=alert_type)

    @rx.event
    def drop_actor(self) -> EventSpec:
        """Alerts of everybody again."""
        return self._go(actor="")

    @rx.event
    def turn(self, step: int) -> EventSpec:
        """A page on or back."""
        return self._go(page=str(max(1, self.page_number + step)))

    def _go(self, **changed: str) -> EventSpec:
        now = {"status": self.status, "severity": self.severity, "alert_type": self.alert_type, "actor": self.actor, "page": ""}
        now |= changed
        usual = {"status": USUAL_STATUS, "page": "1"}
        chosen = {name: "" if value == usual.get(name) else value for name, value in now.items()}
        return rx.redirect(security_paths.project_security_alerts(self._slug(), **chosen), replace=True)


def page_of(text: str) -> int:
    """The number of a page in an address; 1 for anything else."""
    return max(1, min(int(text), _MOST_PAGES)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _one_of(text: str, allowed: Any) -> str:
    return text if text in allowed else ""


@page(route="/p/[slug]/security/alerts", title="Security alerts · Plumbline", on_load=SecurityAlertsState.load)
def security_alerts_page() -> rx.Component:
    """The page."""
    state: Any = SecurityAlertsState
    return project_frame(
        page_header(
            "Security alerts", note="One alert for each incident; further events of the same kind within the hour join it."
        ),
        page_body(
            state,
            toolbar(
                segmented(list(STATUSES.items()), state.status, state.choose_status, label="Status"),
                select_input(
                    [("", "All severities"), *[(name, name.capitalize()) for name in ALERT_SEVERITIES]],
                    field_id="severity",
                    label="Severity",
                    value=state.severity,
                    on_change=state.choose_severity,
                ),
                select_input(
                    [("", "All types"), *TYPE_WORDS.items()],
                    field_id="type",
                    label="Type",
                    value=state.alert_type,
                    on_change=state.choose_type,
                ),
            ),
            rx.cond(state.actor != "", _actor_chip(state), rx.fragment()),
            _table(state),
            on_retry=state.load,
        ),
        active="security-alerts",
        crumbs=[Crumb("Security", security_paths.project_security(slug_var())), Crumb("Alerts")],
    )


def _actor_chip(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.el.span("Actor: ", state.actor),
            rx.icon("x", size=12, aria_hidden="true"),
            type="button",
            class_name="chip",
            on_click=state.drop_actor,
            aria_label=f"Lift the filter Actor: {state.actor}",
        ),
        class_name="chips",
    )


def _table(state: Any) -> rx.Component:
    view = state.view
    return data_table(
        [
            Column("Alert", _title),
            Column("Severity", lambda row: badge(row.severity, row.tone, dot=True), width="100px"),
            Column("Status", lambda row: badge(row.status, row.status_tone), width="120px", secondary=True),
            Column("From", _origin, secondary=True, width="220px"),
            Column("Events", lambda row: row.occurrences, numeric=True, width="80px", secondary=True),
            Column("Raised", lambda row: time_text(row.age, row.iso, title=row.when), numeric=True, width="110px"),
        ],
        view.rows,
        caption="Security alerts, newest first",
        empty=rx.cond(
            (state.severity != "") | (state.alert_type != "") | (state.actor != ""),
            empty_state(
                "No alert matches",
                "No alert of this status has this severity, type and actor.",
                link_button("Show all open alerts", href=security_paths.project_security_alerts(slug_var())),
            ),
            rx.cond(
                state.status == USUAL_STATUS,
                empty_state(
                    "No open alert",
                    "Nothing was found yet, or everything is dealt with.",
                    link_button("Show all alerts", href=security_paths.project_security_alerts(slug_var(), status=EVERY_STATUS)),
                ),
                rx.cond(
                    state.status == EVERY_STATUS,
                    empty_state(
                        "No alert was ever raised",
                        "Alerts are raised when security events are evidence of an incident.",
                        link_button("Explore events", href=security_paths.project_security_events(slug_var())),
                    ),
                    empty_state("No alert of this status", "Choose “All” to see alerts of every status."),
                ),
            ),
        ),
        pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1), noun="alerts"),
    )


def _title(row: Any) -> rx.Component:
    return rx.el.div(
        row_link(row.title, row.href),
        rx.el.span(
            rx.el.span(row.kind),
            rx.cond(row.actor != "", rx.el.span(row.actor), rx.fragment()),
            class_name="cell-sub dotted",
        ),
        class_name="breakable",
    )


def _origin(row: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(row.address, class_name="mono"),
        rx.el.span(
            rx.cond(row.place != "", rx.el.span(row.place), rx.fragment()),
            rx.cond(row.marks.length() > 0, mark_list(row.marks), rx.fragment()),
            class_name="cell-sub dotted",
        ),
    )
