"""Rules: what is told, to whom, and how often it was lately."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.pages.rules_view import RuleRow, rule_rows
from app.frame import project_frame, slug_var
from app.identity.contracts import UserRole
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import page
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    link_button,
    notice,
    page_header,
    row_link,
    text_link,
    time_text,
    toast_done,
    toast_failed,
)
from components.inline_edit import check_box
from components.shell import Crumb


class RulesState(LoadedState):
    """The rules of the open project."""

    rows: list[RuleRow] = []

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Read the list."""
        if self._begin(self._slug()):
            self.rows = []
            yield
        with self._loading():
            await self._enter()
            await self._show()

    @rx.event
    async def set_enabled(self, rule_id: str, is_enabled: bool) -> EventSpec:
        """Switch a rule on or off; one that is off forgets what it had told."""
        row = next((row for row in self.rows if row.id == rule_id), None)
        if row is None:
            return toast_failed("The rule is gone. Load the page again.")
        try:
            await self._call(alerting.update_rule, self._slug(), row.destination_id, rule_id, {"enabled": bool(is_enabled)})
        except AppError as refusal:
            return toast_failed(refusal.message)
        finally:
            await self._show()
        return toast_done(f"{row.name} is {'on' if is_enabled else 'off'}")

    async def _show(self) -> None:
        self.rows = await self._read(rule_rows, self._slug(), self._zone())


@page(route="/p/[slug]/rules", title="Rules · Plumbline", on_load=RulesState.load)
def rules_page() -> rx.Component:
    """The page."""
    state: Any = RulesState
    may_edit = state.user_role != UserRole.VIEWER.value
    make = ui_paths.project_rule(slug_var(), ui_paths.NEW)
    add = link_button(rx.icon("plus", size=14), "Add rule", kind="primary", href=make)
    return project_frame(
        page_body(
            state,
            page_header(
                "Rules",
                rx.cond(may_edit & (state.rows.length() > 0), add, rx.fragment()),
                note="What is told, and to whom. A rule can be tried on the last days while it is written.",
            ),
            rx.cond(may_edit, rx.fragment(), notice("Editors and owners add rules and switch them.")),
            data_table(
                [
                    Column("Rule", _name),
                    Column("Destination", _destination, width="170px", secondary=True),
                    Column("Last fired", _last, width="120px", secondary=True),
                    Column("14 days", lambda row: row.fired, numeric=True, width="80px"),
                    Column("On", lambda row: _switch(state, row, may_edit), width="64px"),
                ],
                state.rows,
                caption="Rules by name; 14 days counts the messages of the last 14 days",
                empty=empty_state(
                    "No rule yet",
                    "Incidents are found all the same and wait in the inbox. A rule says which of them somebody is told about.",
                    rx.cond(may_edit, link_button("Write the first rule", href=make, kind="primary"), rx.fragment()),
                ),
            ),
            on_retry=state.load,
        ),
        active="rules",
        crumbs=[Crumb("Rules")],
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        row_link(row.name, row.href),
        rx.cond(row.remark != "", rx.fragment(" ", badge(row.remark, "warn")), rx.fragment()),
        rx.el.span(row.sentence, class_name="cell-sub rule-said"),
    )


def _destination(row: Any) -> rx.Component:
    return rx.el.span(text_link(row.destination, href=row.destination_href), rx.el.span(row.channel, class_name="cell-sub"))


def _last(row: Any) -> rx.Component:
    return rx.cond(row.last_fired_iso != "", time_text(row.last_fired, row.last_fired_iso), rx.el.span("never", class_name="muted"))


def _switch(state: Any, row: Any, may_edit: Any) -> rx.Component:
    return rx.cond(
        may_edit,
        check_box(f"{row.name} is on", row.is_enabled, lambda is_on: state.set_enabled(row.id, is_on)),
        rx.cond(row.is_enabled, "yes", "no"),
    )
