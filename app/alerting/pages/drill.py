"""The fire drill: set up, run by hand, time to alert over past drills, and which stage broke."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.drills import STAGE_TITLES, STAGES, DrillInterval, DrillSettings
from app.alerting.pages.drill_view import INTERVALS, DrillPage, drill_page
from app.frame import project_frame, slug_var
from app.identity.contracts import UserRole
from app.kernel.errors import AppError
from app.page_states import LoadedState, follow_view, page_body
from app.presentation import Phase
from app.ui import field_errors, page
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    form_field,
    kpi,
    kpi_row,
    line_chart,
    link_button,
    page_header,
    section,
    select_input,
    time_text,
    toast_done,
    toast_failed,
)
from components.inline_edit import form_check, form_refusal
from components.shell import Crumb

POLL_SECONDS = 1.0


class DrillState(LoadedState):
    """The drill of the open project, read again while one is under way."""

    view: DrillPage = DrillPage()
    errors: dict[str, str] = {}
    drawn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[EventSpec | None]:
        """Rebuild the page from the address, and watch while a drill is under way."""
        if self._begin(self._slug()):
            self.view, self.errors = DrillPage(), {}
            yield None
        with self._loading():
            await self._enter()
            await self._show()
            self.drawn += 1
        if self.phase == Phase.READY and self.view.is_live:
            yield DrillState.watch

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the drills until none is under way or the page is left."""
        async with self:
            slug, zone = self._slug(), self._zone()
        await follow_view(self, POLL_SECONDS, lambda: self._read(drill_page, slug, zone))

    @rx.event
    async def run_now(self) -> AsyncIterator[EventSpec]:
        """Begin a drill."""
        try:
            await self._call(alerting.run_drill, self._slug())
        except AppError as refusal:
            yield toast_failed(refusal.message)
            return
        await self._show()
        yield DrillState.watch

    @rx.event
    async def save(self, form: dict[str, Any]) -> AsyncIterator[EventSpec]:
        """Store the set-up."""
        self.errors = {}
        chosen = str(form.get("interval") or "")
        wanted = DrillSettings(
            enabled=bool(form.get("enabled")),
            destination_id=str(form.get("destination_id") or "") or None,
            backup_destination_id=str(form.get("backup_destination_id") or "") or None,
            interval=DrillInterval(chosen) if chosen in set(DrillInterval) else DrillInterval.DAILY,
        )
        try:
            await self._call(alerting.set_drill, self._slug(), wanted)
        except AppError as refusal:
            self.errors = field_errors(refusal)
            return
        await self._show()
        yield toast_done("Fire drill saved")
        if wanted.enabled:
            yield DrillState.watch

    async def _show(self) -> None:
        self.view = await self._read(drill_page, self._slug(), self._zone())


@page(route="/p/[slug]/fire-drill", title="Fire drill · Plumbline", on_load=DrillState.load)
def fire_drill_page() -> rx.Component:
    """The page."""
    state: Any = DrillState
    view, may_edit = state.view, state.user_role != UserRole.VIEWER.value
    run_now = button(
        rx.cond(view.is_live, "Drill under way…", "Run now"),
        kind="primary",
        on_click=state.run_now,
        disabled=view.is_live | ~view.is_set_up,
    )
    return project_frame(
        page_body(
            state,
            page_header(
                "Fire drill",
                rx.cond(may_edit & view.has_destinations, run_now, rx.fragment()),
                note="A canary travels the whole road of an alert: ingest, counting, detection, rule, delivery. "
                "It never touches the project's own events and figures.",
            ),
            rx.cond(view.has_destinations, _content(state, view, may_edit), _nobody(may_edit)),
            on_retry=state.load,
        ),
        active="fire-drill",
        crumbs=[Crumb("Fire drill")],
    )


def _nobody(may_edit: Any) -> rx.Component:
    return empty_state(
        "There is nobody to tell yet",
        "A drill needs a destination to arrive at, and a second one that is told when it does not.",
        rx.cond(
            may_edit,
            link_button("Add a destination", href=ui_paths.project_destination(slug_var(), ui_paths.NEW), kind="primary"),
            rx.el.p("Editors and owners add destinations.", class_name="muted"),
        ),
    )


def _content(state: Any, view: Any, may_edit: Any) -> rx.Component:
    return rx.fragment(
        kpi_row(
            kpi("Last drill", view.last, note=view.sentence),
            kpi("Arrived", view.passed, note=view.of),
        ),
        section(
            "Time to alert",
            rx.cond(
                view.passed > 0,
                line_chart(view.chart, height=200, value_name="Seconds to alert"),
                rx.el.p("No drill has arrived yet; the first that does draws the first point.", class_name="muted"),
            ),
            note="From the first record to the delivered message; a gap is a drill that did not arrive.",
        ),
        section("Drills", _runs(view)),
        rx.cond(may_edit, section("Set-up", _form(state, view)), rx.fragment()),
    )


def _runs(view: Any) -> rx.Component:
    return data_table(
        [
            Column("Began", _began, width="132px"),
            Column("Outcome", _outcome),
            Column("In all", lambda row: row.total, numeric=True, width="72px"),
            *[
                Column(STAGE_TITLES[stage], partial(_seconds, index), numeric=True, secondary=True, width="84px")
                for index, stage in enumerate(STAGES)
            ],
        ],
        view.rows,
        caption="Drills, newest first",
        empty=empty_state("No drill yet", "Choose where the drill arrives, then run it now or switch it on."),
    )


def _seconds(index: int, row: Any) -> Any:
    return row.stages[index]


def _began(row: Any) -> rx.Component:
    return rx.el.span(time_text(row.when, row.iso), rx.el.span(row.kind, class_name="cell-sub"))


def _outcome(row: Any) -> rx.Component:
    return rx.el.span(
        rx.match(
            row.outcome,
            ("passed", badge("Arrived", "ok", dot=True)),
            ("failed", badge(rx.Var.create("Failed at ") + row.broken, "bad", dot=True)),
            ("running", badge("Under way", "neutral", dot=True)),
            badge("Unknown", "warn", dot=True),
        ),
        rx.cond(row.detail != "", rx.el.span(row.detail, class_name="cell-sub"), rx.fragment()),
    )


def _form(state: Any, view: Any) -> rx.Component:
    return rx.el.form(
        form_check("Run by itself", "enabled", checked=view.enabled),
        _choice("How often", "interval", INTERVALS, view.interval, "", state),
        _choice("Arrives at", "destination_id", view.destinations, view.destination, "People there see that it is a drill.", state),
        _choice(
            "When it does not arrive, tell",
            "backup_destination_id",
            view.backups,
            view.backup,
            "Another channel, so that a broken one is heard of. The message names the stage.",
            state,
        ),
        form_refusal(state.errors.get("", "")),
        rx.el.div(button("Save", kind="primary", type="submit")),
        on_submit=state.save,
        reset_on_submit=False,
        key=state.drawn.to_string(),
        class_name="form-stack",
    )


def _choice(label: str, name: str, options: Any, value: Any, hint: str, state: Any) -> rx.Component:
    control = select_input(options, field_id=name, name=name, default_value=value)
    return form_field(label, control, field_id=name, hint=hint or None, error=state.errors.get(name, ""))
