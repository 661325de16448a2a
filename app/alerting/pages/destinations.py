"""Destinations: where the project's alerts go, whether that works, and what went there last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.pages.contact import ContactForm, contact_form, contact_of_form, contact_section
from app.alerting.pages.destinations_view import DestinationRow, destination_rows
from app.alerting.pages.words import state_badge, test_badge
from app.frame import project_frame, slug_var
from app.identity.contracts import UserRole
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.ui import field_errors, page
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
)
from components.shell import Crumb


class DestinationsState(LoadedState):
    """The destinations of the open project."""

    rows: list[DestinationRow] = []
    contact: ContactForm = ContactForm()
    contact_errors: dict[str, str] = {}
    contact_drawn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Read the list."""
        if self._begin(self._slug()):
            self.rows = []
            yield
        with self._loading():
            await self._enter()
            self.rows = await self._read(destination_rows, self._slug(), self._zone())
            await self._show_contact()

    @rx.event
    async def save_contact(self, form: dict[str, Any]) -> EventSpec | None:
        """Store where the viewer is told about what they own."""
        self.contact_errors = {}
        try:
            await self._call(alerting.set_contact, self._slug(), contact_of_form(form))
        except AppError as refusal:
            self.contact_errors = field_errors(refusal)
            return None
        await self._show_contact()
        return toast_done("Saved")

    async def _show_contact(self) -> None:
        self.contact = await self._read(contact_form, self._slug())
        self.contact_drawn += 1
        self.contact_errors = {}


@page(route="/p/[slug]/destinations", title="Destinations · Plumbline", on_load=DestinationsState.load)
def destinations_page() -> rx.Component:
    """The page."""
    state: Any = DestinationsState
    may_edit = state.user_role != UserRole.VIEWER.value
    make = ui_paths.project_destination(slug_var(), ui_paths.NEW)
    add = link_button(rx.icon("plus", size=14), "Add destination", kind="primary", href=make)
    return project_frame(
        page_body(
            state,
            page_header(
                "Destinations",
                rx.cond(may_edit & (state.rows.length() > 0), add, rx.fragment()),
                note="Where alerts go: a chat, a mailbox, a ticket, or an address of yours. Rules decide what is told.",
            ),
            rx.cond(may_edit, rx.fragment(), notice("Editors and owners add, change and test destinations.")),
            data_table(
                [
                    Column("Name", _name),
                    Column("Rules", lambda row: row.rules, secondary=True, width="90px"),
                    Column("Last test", _last_test, width="150px"),
                    Column("Last alert", _last_delivery),
                    Column("", _history, secondary=True, width="110px"),
                ],
                state.rows,
                caption="Destinations, newest first",
                empty=empty_state(
                    "Nobody is told yet",
                    rx.cond(
                        may_edit, "Add a destination, send a test message to it, and give it a rule.", "There is no destination."
                    ),
                    rx.cond(may_edit, link_button("Add the first destination", href=make, kind="primary"), rx.fragment()),
                ),
            ),
            contact_section(state),
            on_retry=state.load,
        ),
        active="destinations",
        crumbs=[Crumb("Destinations")],
    )


def _name(row: Any) -> rx.Component:
    off = rx.cond(row.is_enabled, rx.fragment(), badge("off", "neutral"))
    return rx.fragment(
        rx.el.span(row_link(row.name, row.href), off, class_name="inline", style={"gap": "8px"}),
        rx.el.span(row.channel, class_name="cell-sub"),
    )


def _last_test(row: Any) -> rx.Component:
    return rx.el.span(
        test_badge(row.test_status),
        rx.cond(row.tested != "", rx.el.span(time_text(row.tested, row.tested_iso), class_name="cell-sub"), rx.fragment()),
        title=row.test_message,
    )


def _last_delivery(row: Any) -> rx.Component:
    told = rx.fragment(
        state_badge(row.delivery_state),
        " ",
        text_link(time_text(row.delivered, row.delivered_iso), href=row.delivery_href),
        rx.cond(row.delivery_note != "", rx.el.span(row.delivery_note, class_name="cell-sub"), rx.fragment()),
    )
    return rx.cond(row.delivery_state != "", told, rx.el.span("nothing yet", class_name="muted"))


def _history(row: Any) -> rx.Component:
    href = f"{ui_paths.project_deliveries(slug_var())}?destination={row.id}"
    return text_link("Deliveries", href=href, custom_attrs={"aria-label": f"Deliveries to {row.name}"})
