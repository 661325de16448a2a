"""Coverage and ledger: how much of the data the plan covers, and whether the warehouse holds what arrived here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.reconciliation import ledger_service
from app.reconciliation.pages.coverage_parts import (
    coverage_section,
    ledger_section,
    series_section,
    settings_section,
    types_section,
)
from app.reconciliation.pages.coverage_view import DEFAULT_PERIOD, PERIODS, CoverageView, coverage_view
from app.ui import page
from components import kpi, kpi_row, page_header, toast_done
from components.shell import Crumb

LONGEST_SETTLING = 2880
LONGEST_LATENESS = 1440


class CoverageState(LoadedState):
    """Coverage and ledger of the open project; period, scan and event live in the address."""

    view: CoverageView = CoverageView()
    days: str = DEFAULT_PERIOD
    scan: str = ""
    event: str = ""
    errors: dict[str, str] = {}

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = CoverageView()
            yield
        query = self.router.url.query_parameters
        self.days = query.get("days", DEFAULT_PERIOD) if query.get("days", DEFAULT_PERIOD) in PERIODS else DEFAULT_PERIOD
        self.scan, self.event, self.errors = query.get("scan", "")[:64], query.get("event", "")[:64], {}
        with self._loading():
            await self._enter()
            await self._refresh()

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another period."""
        return self._go(days=days)

    @rx.event
    def choose_scan(self, scan_id: str) -> EventSpec:
        """Coverage of one scan, or of all."""
        return self._go(scan=scan_id)

    @rx.event
    def choose_event(self, event_id: str) -> EventSpec:
        """Another event hour by hour."""
        return self._go(event=event_id)

    @rx.event
    async def save_allowance(self, form: dict[str, Any]) -> EventSpec | None:
        """How long the warehouse may take."""
        settling, lateness = (str(form.get(name, "")).strip() for name in ("settling", "lateness"))
        errors = {}
        if not settling.isdecimal() or int(settling) > LONGEST_SETTLING:
            errors["settling"] = f"Settling is a whole number of minutes from 0 to {LONGEST_SETTLING}"
        if not lateness.isdecimal() or not 1 <= int(lateness) <= LONGEST_LATENESS:
            errors["lateness"] = f"Lateness is a whole number of minutes from 1 to {LONGEST_LATENESS}"
        self.errors = errors
        if errors:
            return None
        try:
            await self._call(
                ledger_service.set_allowance,
                self._slug(),
                settling_minutes=int(settling),
                lateness_minutes=int(lateness),
            )
            await self._refresh()
        except AppError as refusal:
            self.errors = {"": refusal.message}
            return None
        return toast_done("Saved. The ledger follows at once.")

    async def _refresh(self) -> None:
        self.view = await self._read(coverage_view, self._slug(), int(self.days), self.scan, self.event, self._zone())

    def _go(self, **changed: str) -> EventSpec:
        chosen: Mapping[str, str] = {"days": self.days, "scan": self.scan, "event": self.event, **changed}
        kept = {name: value for name, value in chosen.items() if (name, value) != ("days", DEFAULT_PERIOD)}
        return rx.redirect(ui_paths.project_coverage(self._slug(), **kept), replace=True)


@page(route="/p/[slug]/coverage", title="Coverage · Plumbline", on_load=CoverageState.load)
def coverage_page() -> rx.Component:
    """The page."""
    state: Any = CoverageState
    return project_frame(
        page_header("Coverage", note="How much of the data the plan covers, and whether warehouses hold what arrived here."),
        page_body(
            state,
            kpi_row(
                kpi("Coverage", state.view.share, note=state.view.share_note),
                kpi("Rows", state.view.total, note="counted by scans"),
                kpi("Without a plan", state.view.unmatched, note="rows of no planned event"),
                kpi("Ledger findings", state.view.finding_total, note=state.view.finding_note),
            ),
            coverage_section(state),
            types_section(state),
            ledger_section(state),
            series_section(state),
            settings_section(state),
            what="project, scan or event",
            on_retry=state.load,
        ),
        active="coverage",
        crumbs=[Crumb("Coverage")],
    )
