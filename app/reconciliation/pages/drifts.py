"""Drifts: where the data departs from the plan, the evidence, and the decision in the same row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame, slug_var
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.plan import service as plan
from app.plan.vocabulary import DriftAction, FieldType
from app.reconciliation.pages.comparison import UNKNOWN, nothing_compared
from app.reconciliation.pages.drifts_view import DAYS, OPEN, STATUSES, DriftRow, DriftsView, drifts_view
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    kpi,
    kpi_row,
    link_button,
    page_header,
    section,
    segmented,
    text_link,
    time_text,
    toast_done,
    toast_failed,
    toolbar,
)
from components.inline_edit import confirm_dialog
from components.shell import Crumb

SNOOZE = timedelta(days=7)
_DONE = {
    DriftAction.ACCEPT: "Accepted",
    DriftAction.SNOOZE: "Snoozed for 7 days",
    DriftAction.FALSE_POSITIVE: "Set aside as not a drift",
    DriftAction.REOPEN: "Open again",
}


class DriftsState(LoadedState):
    """The drifts of the open project; the status looked at lives in the address."""

    view: DriftsView = DriftsView()
    status: str = OPEN
    doomed: str = ""
    doomed_name: str = ""
    consequences: list[str] = []

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = DriftsView()
            yield
        status = self.router.url.query_parameters.get("status", OPEN)
        self.status = status if status in STATUSES else OPEN
        self.doomed = ""
        with self._loading():
            await self._enter()
            await self._refresh()

    @rx.event
    def choose_status(self, status: str) -> EventSpec:
        """Drifts under another status."""
        return rx.redirect(ui_paths.project_drifts(self._slug(), "" if status == OPEN else status), replace=True)

    @rx.event
    async def accept(self, drift_id: str) -> EventSpec | None:
        """Accept the drift; one that takes a field away is asked about first."""
        row = self._row(drift_id)
        if row is None or not row.deletes_field:
            return await self._decide(drift_id, DriftAction.ACCEPT)
        self.doomed, self.doomed_name = drift_id, row.field_name
        self.consequences = [
            f"The field {row.field_name} leaves the event type {row.event_type} on main.",
            "Values that events hold for it are removed with it.",
        ]
        return None

    @rx.event
    def set_asking(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.doomed = ""

    @rx.event
    async def confirm_accept(self) -> EventSpec:
        """Accept the drift that was asked about."""
        drift_id, self.doomed = self.doomed, ""
        return await self._decide(drift_id, DriftAction.ACCEPT)

    @rx.event
    async def snooze(self, drift_id: str) -> EventSpec:
        """Come back to it in a week."""
        return await self._decide(drift_id, DriftAction.SNOOZE)

    @rx.event
    async def set_aside(self, drift_id: str) -> EventSpec:
        """It is no drift."""
        return await self._decide(drift_id, DriftAction.FALSE_POSITIVE)

    @rx.event
    async def reopen(self, drift_id: str) -> EventSpec:
        """Take the decision back."""
        return await self._decide(drift_id, DriftAction.REOPEN)

    async def _decide(self, drift_id: str, action: DriftAction) -> EventSpec:
        until = SYSTEM_CLOCK.now() + SNOOZE if action is DriftAction.SNOOZE else None
        row = self._row(drift_id)
        kind = FieldType(row.field_type) if row and row.field_type else None
        try:
            await self._call(plan.apply_drift_action, self._slug(), drift_id, action, snoozed_until=until, field_type=kind)
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done(_DONE[action])

    def _row(self, drift_id: str) -> DriftRow | None:
        return next((row for row in self.view.rows if row.id == drift_id), None)

    async def _refresh(self) -> None:
        self.view = await self._read(drifts_view, self._slug(), self.status, self._zone())


@page(route="/p/[slug]/drifts", title="Drifts · Plumbline", on_load=DriftsState.load)
def drifts_page() -> rx.Component:
    """The page."""
    state: Any = DriftsState
    view = state.view
    return project_frame(
        page_header("Drifts", note=f"Where the data departs from the plan, as scans of the last {DAYS} days found it."),
        page_body(
            state,
            kpi_row(
                kpi("Open", view.open_total, note=rx.cond(view.open_total == UNKNOWN, "nothing was compared", "a decision is due")),
                kpi("Schema", view.schema_total, note="open, in a field or its type"),
                kpi("Contract", view.contract_total, note="open, in a field's values"),
                kpi("Decided", view.decided_total, note="or snoozed"),
            ),
            section(
                "By status",
                toolbar(segmented(list(STATUSES.items()), state.status, state.choose_status, label="Status")),
                _table(state),
                note="Accepting a schema drift changes the plan on main; accepting a contract drift changes nothing in it.",
            ),
            confirm_dialog(
                title=rx.Var.create("Take the field ") + state.doomed_name + " out of the plan?",
                text="The data does not have it any more.",
                consequences=state.consequences,
                confirm="Take it out",
                open_=state.doomed != "",
                on_open_change=state.set_asking,
                on_confirm=state.confirm_accept,
            ),
            on_retry=state.load,
        ),
        active="drifts",
        crumbs=[Crumb("Drifts")],
    )


def _table(state: Any) -> rx.Component:
    return data_table(
        [
            Column("Field", _field),
            Column("Event type", lambda row: text_link(row.event_type, href=row.event_type_href), secondary=True),
            Column("Drift", _kind, secondary=True),
            Column("Evidence", lambda row: row.evidence, secondary=True),
            Column("Sample", _sample, secondary=True),
            Column("Status", _status, secondary=True),
            Column("Last found", lambda row: time_text(row.detected, row.iso), secondary=True, width="150px"),
            Column("Decision", lambda row: _decisions(state, row)),
        ],
        state.view.rows,
        caption="Drifts, newest first",
        empty=rx.cond(
            state.view.has_any,
            empty_state("No drift has this status", "Choose another status above."),
            rx.cond(
                state.view.compared.is_known,
                empty_state(
                    "Data and plan agree",
                    f"No scan of the last {DAYS} days found a drift. {state.view.compared.when}",
                    link_button("Open scans", href=ui_paths.project_scans(slug_var())),
                ),
                nothing_compared(state.view.compared),
            ),
        ),
    )


def _field(row: Any) -> rx.Component:
    """The field; on a narrow screen with what the other columns say of it."""
    return rx.fragment(
        row.field_name,
        rx.el.span(f"{row.event_type}: {row.kind}", class_name="cell-sub only-narrow-flex"),
        rx.el.span(row.evidence, class_name="cell-sub only-narrow-flex"),
    )


def _kind(row: Any) -> rx.Component:
    return rx.el.span(row.kind, rx.el.small(" ", row.part, class_name="muted"))


def _sample(row: Any) -> rx.Component:
    return rx.cond(row.is_hidden, rx.el.span(row.sample, class_name="muted"), rx.el.code(row.sample))


def _status(row: Any) -> rx.Component:
    return rx.el.span(
        badge(row.status, row.tone, dot=True),
        rx.cond(row.decision != "", rx.el.small(" ", row.decision, class_name="muted"), rx.fragment()),
    )


def _decisions(state: Any, row: Any) -> rx.Component:
    """What an editor can do with the drift; others read that they cannot."""
    due = rx.el.div(
        button(row.accept_text, small=True, on_click=state.accept(row.id), aria_label=_named(row.accept_text, row)),
        button("Snooze", small=True, on_click=state.snooze(row.id), aria_label=_named("Snooze for 7 days", row)),
        button("Not a drift", small=True, on_click=state.set_aside(row.id), aria_label=_named("Not a drift", row)),
        class_name="decisions",
    )
    decided = button("Reopen", small=True, on_click=state.reopen(row.id), aria_label=_named("Reopen", row))
    return rx.cond(
        state.view.is_editor, rx.cond(row.is_open, due, decided), rx.el.span("Editors decide", class_name="muted nowrap")
    )


def _named(text: Any, row: Any) -> Any:
    """A button's text with the drift it is about, since every row has the same buttons."""
    return f"{text}: {row.kind} {row.field_name} of {row.event_type}"
