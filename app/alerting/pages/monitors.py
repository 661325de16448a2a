"""Monitors: how the rules are doing, those that fire first, with what they see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.pages.monitors_view import MonitorsView, monitors_view
from app.alerting.vocabulary import MonitorStatus
from app.frame import project_frame, slug_var
from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    Column,
    badge,
    button,
    data_table,
    direction_mark,
    empty_state,
    kpi,
    kpi_row,
    link_button,
    page_header,
    row_link,
    segmented,
    text_link,
    time_text,
    toast_done,
    toast_failed,
    toolbar,
)
from components.shell import Crumb

STATES = [("", "All"), ("firing", "Firing"), ("warning", "Warning"), ("healthy", "Healthy")]
MUTE_FOR = timedelta(hours=24)


class MonitorsState(LoadedState):
    """The monitors of the open project; the chosen state is in the address."""

    status: str = ""
    view: MonitorsView = MonitorsView()

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        slug = self._slug()
        if self._begin(slug):
            self.view = MonitorsView()
            yield
        wanted = self.router.url.query_parameters.get("status", "")
        self.status = wanted if wanted in set(MonitorStatus) else ""
        with self._loading():
            await self._enter()
            await self._show()

    @rx.event
    def choose(self, status: str) -> EventSpec:
        """Monitors of one state."""
        return rx.redirect(ui_paths.project_monitors(self._slug(), status), replace=True)

    @rx.event
    async def mute(self, rule_id: str) -> EventSpec:
        """Tell nothing for a day; the rule keeps watching."""
        until = SYSTEM_CLOCK.now() + MUTE_FOR
        try:
            await self._call(alerting.mute_monitor, self._slug(), rule_id, until)
            await self._show()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("Muted for 24 hours")

    @rx.event
    async def unmute(self, rule_id: str) -> EventSpec:
        """Tell again."""
        try:
            await self._call(alerting.unmute_monitor, self._slug(), rule_id)
            await self._show()
        except AppError as refusal:
            return toast_failed(refusal.message)
        return toast_done("It tells again")

    async def _show(self) -> None:
        self.view = await self._read(monitors_view, self._slug(), self.status, self._zone())


@page(route="/p/[slug]/monitors", title="Monitors · Plumbline", on_load=MonitorsState.load)
def monitors_page() -> rx.Component:
    """The page."""
    state: Any = MonitorsState
    view, may_edit = state.view, state.user_role != UserRole.VIEWER.value
    return project_frame(
        page_body(
            state,
            page_header("Monitors", note="Every rule as something that watches: firing while what it sees is at most a day old."),
            kpi_row(
                kpi("Firing", view.firing, note="an anomaly of the last 24\u00a0h"),
                kpi("Warning", view.warning, note="still active, but older"),
                kpi("Healthy", view.healthy, note="nothing to see"),
            ),
            toolbar(segmented(STATES, state.status, state.choose, label="State")),
            data_table(
                [
                    Column("Rule", _name),
                    Column("Sees", _seen),
                    Column("Since", lambda row: _moment(row.since, row.since_iso), width="104px", secondary=True),
                    Column("Last told", lambda row: _moment(row.told, row.told_iso), width="104px", secondary=True),
                    Column("", lambda row: _mute(state, row, may_edit), width="116px"),
                ],
                view.rows,
                caption="Monitors, those that fire first",
                empty=empty_state(
                    rx.cond(state.status == "", "Nothing watches yet", "No monitor is in this state"),
                    rx.cond(
                        state.status == "",
                        rx.cond(may_edit, "Each rule is a monitor: write the first one.", "Each rule is a monitor."),
                        "",
                    ),
                    rx.cond(state.status == "", link_button("Open rules", href=ui_paths.project_rules(slug_var())), rx.fragment()),
                ),
            ),
            on_retry=state.load,
        ),
        active="monitors",
        crumbs=[Crumb("Monitors")],
    )


def _state(row: Any) -> rx.Component:
    return rx.match(
        row.status,
        ("firing", badge("Firing", "bad", dot=True)),
        ("warning", badge("Warning", "warn", dot=True)),
        badge("Healthy", "ok", dot=True),
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        row_link(row.name, row.href),
        " ",
        _state(row),
        rx.cond(row.is_off, rx.fragment(" ", badge("off")), rx.fragment()),
        rx.cond(row.muted != "", rx.fragment(" ", badge(row.muted, "warn")), rx.fragment()),
        rx.el.span(row.destination, class_name="cell-sub"),
        class_name="monitor-name",
    )


def _seen(row: Any) -> rx.Component:
    return rx.cond(
        row.seen.length() > 0,
        rx.el.ul(
            rx.foreach(
                row.seen,
                lambda one: rx.el.li(
                    direction_mark(one.direction),
                    text_link(one.name, href=one.href),
                    rx.el.span(f" {one.since}", class_name="muted"),
                ),
            ),
            rx.cond(row.more != "", rx.el.li(row.more, class_name="muted"), rx.fragment()),
            class_name="monitor-seen",
        ),
        rx.el.span("nothing", class_name="muted"),
    )


def _moment(text: Any, iso: Any) -> rx.Component:
    return rx.cond(iso != "", time_text(text, iso), rx.el.span(rx.cond(text != "", text, "–"), class_name="muted"))


def _mute(state: Any, row: Any, may_edit: Any) -> rx.Component:
    name = rx.el.span(f" {row.name}", class_name="sr-only")
    return rx.cond(
        may_edit,
        rx.cond(
            row.muted != "",
            button("Unmute", name, kind="quiet", small=True, on_click=state.unmute(row.id)),
            button("Mute for a day", name, kind="quiet", small=True, on_click=state.mute(row.id)),
        ),
        rx.fragment(),
    )
