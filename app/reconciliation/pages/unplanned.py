"""Unplanned and dead events: what only the data has, what only the plan has, and decisions about many at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.plan.contracts import EventStatus
from app.reconciliation import service
from app.reconciliation.pages.unplanned_parts import archived_bar, bulk_bar, dead_section, unplanned_section
from app.reconciliation.pages.unplanned_view import DEFAULT_PERIOD, NEW, PERIODS, STATUSES, UnplannedView, unplanned_view
from app.ui import page
from components import kpi, kpi_row, page_header, toast_done, toast_failed
from components.inline_edit import confirm_dialog, tab_links
from components.shell import Crumb

DEAD = "dead"


class UnplannedState(LoadedState):
    """Both lists of the open project; tab, status and period live in the address."""

    view: UnplannedView = UnplannedView()
    tab: str = ""
    status: str = NEW
    days: str = DEFAULT_PERIOD
    selected: list[str] = []
    accept_as: str = ""
    consequences: list[str] = []
    is_asking: bool = False
    archived: dict[str, str] = {}
    is_busy: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = UnplannedView()
            yield
        query = self.router.url.query_parameters
        status, days = query.get("status", NEW), query.get("days", DEFAULT_PERIOD)
        self.tab = DEAD if query.get("tab") == DEAD else ""
        self.status = status if status in STATUSES else NEW
        self.days = days if days in PERIODS else DEFAULT_PERIOD
        self.selected, self.accept_as, self.is_asking, self.is_busy, self.archived = [], "", False, False, {}
        with self._loading():
            await self._enter()
            await self._refresh()

    @rx.event
    def choose_status(self, status: str) -> EventSpec:
        """Candidates under another status."""
        return rx.redirect(ui_paths.project_unplanned(self._slug(), status="" if status == NEW else status), replace=True)

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Silent for another period."""
        chosen = "" if days == DEFAULT_PERIOD else days
        return rx.redirect(ui_paths.project_unplanned(self._slug(), tab=DEAD, days=chosen), replace=True)

    @rx.event
    def toggle(self, row_id: str) -> None:
        """Select the row, or no longer."""
        kept = [chosen for chosen in self.selected if chosen != row_id]
        self.selected = kept if len(kept) < len(self.selected) else [*kept, row_id]

    @rx.event
    def select_shown(self) -> None:
        """Select every row a decision is due about."""
        dead, unplanned = (row.id for row in self.view.dead), (row.id for row in self.view.unplanned if row.is_new)
        self.selected = list(dead if self.tab == DEAD else unplanned)

    @rx.event
    def clear_selection(self) -> None:
        """Select nothing."""
        self.selected = []

    @rx.event
    def choose_type(self, event_type_id: str) -> None:
        """The event type that accepted events get; none for the one the data named."""
        self.accept_as = event_type_id

    @rx.event
    async def accept(self) -> AsyncIterator[EventSpec | None]:
        """Plan every selected event."""
        self.is_busy = True
        yield None
        yield await self._decide_each("planned", service.accept_shadow_event, event_type_id=self.accept_as or None)

    @rx.event
    async def dismiss(self) -> AsyncIterator[EventSpec | None]:
        """Leave every selected event out of the plan."""
        self.is_busy = True
        yield None
        yield await self._decide_each("dismissed", service.dismiss_shadow_event)

    @rx.event
    def ask_archive(self) -> None:
        """Name what archiving does before it is done."""
        names = [row.name for row in self.view.dead if row.id in self.selected]
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        self.consequences = [f"{listed}: archived on main.", "Plan checks treat data that still arrives for them as not planned."]
        self.is_asking = True

    @rx.event
    def set_asking(self, is_open: bool) -> None:
        """Open or close the question."""
        self.is_asking = bool(is_open)

    @rx.event
    async def archive(self) -> EventSpec:
        """Archive every selected event, or none."""
        self.is_asking = False
        try:
            before = {row.id: row.lifecycle for row in self.view.dead if row.id in self.selected}
            done = await self._call(service.archive_dead_events, self._slug(), list(self.selected))
            self.selected, self.archived = [], before
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done(f"{_events(len(done.event_ids))} archived")

    @rx.event
    async def restore(self) -> EventSpec:
        """Give the events that were archived last the status they had."""
        by_status: dict[str, list[str]] = {}
        for event_id, status in self.archived.items():
            by_status.setdefault(status, []).append(event_id)
        count = len(self.archived)
        try:
            for status, event_ids in by_status.items():
                await self._call(service.restore_dead_events, self._slug(), event_ids, status=EventStatus(status))
            self.archived = {}
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done(f"{_events(count)} restored")

    @rx.event
    async def reopen(self, candidate_id: str) -> EventSpec:
        """Take the decision about one candidate back."""
        try:
            await self._call(service.reopen_shadow_event, self._slug(), candidate_id)
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Decision taken back")

    async def _decide_each(self, verb: str, decide: Any, **more: Any) -> EventSpec:
        """Each candidate for itself: one that cannot be decided keeps none of the others, and stays selected."""
        chosen, refused, reason = list(self.selected), [], ""
        try:
            for candidate_id in chosen:
                try:
                    await self._call(decide, self._slug(), candidate_id, **more)
                except AppError as refusal:
                    refused.append(candidate_id)
                    reason = refusal.message
            self.selected = refused
            await self._refresh()
        except AppError as refusal:
            return toast_failed(refusal.message)
        finally:
            self.is_busy = False
        done = len(chosen) - len(refused)
        if refused:
            return toast_failed(f"{_events(done)} {verb}, {len(refused)} not: {reason}")
        return toast_done(f"{_events(done)} {verb}")

    async def _refresh(self) -> None:
        self.view = await self._read(unplanned_view, self._slug(), self.status, int(self.days), self._zone())


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


@page(route="/p/[slug]/unplanned", title="Unplanned events · Plumbline", on_load=UnplannedState.load)
def unplanned_page() -> rx.Component:
    """The page."""
    state: Any = UnplannedState
    slug = slug_var()
    return project_frame(
        page_header("Unplanned events", note="What only the data has, and what only the plan has."),
        page_body(
            state,
            kpi_row(
                kpi(
                    "Unplanned",
                    state.view.new_total,
                    note=rx.cond(state.view.is_known, "a decision is due", "nothing was compared"),
                ),
                kpi("Dead", state.view.dead_total, note="planned, but silent"),
            ),
            tab_links(
                [
                    ("", "Unplanned", ui_paths.project_unplanned(slug)),
                    (DEAD, "Dead", ui_paths.project_unplanned(slug, tab=DEAD)),
                ],
                state.tab,
                label="Lists",
            ),
            archived_bar(state),
            rx.cond(state.tab == DEAD, dead_section(state), unplanned_section(state)),
            bulk_bar(state),
            rx.cond(state.view.is_editor, rx.fragment(), rx.el.p("Editors can decide about these events.", class_name="muted")),
            confirm_dialog(
                title="Archive the selected events?",
                text="No data came for them within the period.",
                consequences=state.consequences,
                confirm="Archive them",
                open_=state.is_asking,
                on_open_change=state.set_asking,
                on_confirm=state.archive,
            ),
            on_retry=state.load,
        ),
        active="unplanned",
        crumbs=[Crumb("Unplanned events")],
    )
