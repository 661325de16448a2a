"""One event type: its definition, its fields edited in their table, its owners and relations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.assistant.pages.describe import describe_button, describe_panel
from app.frame import slug_var
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.drafts import FieldChanges
from app.plan.pages.deletion import DeletionState, deletion_dialog
from app.plan.pages.event_type_arriving import EventTypeArrivingState, arriving_section
from app.plan.pages.event_type_links import EventTypeLinksState, owners_section, relations_section
from app.plan.pages.event_type_parts import add_dialog, definition_dialog, fields_table
from app.plan.pages.event_type_view import (
    EventTypeView,
    FieldRow,
    definition_changes,
    detail_changes,
    event_type_view,
    field_consequences,
    field_draft,
)
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame, plan_link
from app.plan.pages.words import text_of
from app.plan.vocabulary import FieldType, Sensitivity
from app.presentation import Phase
from app.ui import field_errors, page
from components import Crumb, button, link_button, page_header, section, text_link, toast_done
from components.inline_edit import swatch


class EventTypeState(DeletionState, PlanState):
    """The open event type. Every cell of the table saves by itself; what the service refuses is told at its row."""

    view: EventTypeView = EventTypeView()
    problems: dict[str, str] = {}
    is_defining: bool = False
    is_adding: bool = False
    added_type: str = "string"
    open_field: str = ""
    open_type: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Rebuild the page from the address."""
        slug, event_type_id = self._slug(), self._route_value("event_type_id")
        if self._begin(f"type/{slug}/{event_type_id}/{self._branch()}"):
            self.view, self.problems, self.open_field, self.doomed = EventTypeView(), {}, "", ""
            self.is_defining = self.is_adding = False
            yield
        try:
            await self._enter_plan(ui_paths.project_event_types(slug))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)
            return
        yield EventTypeLinksState.load
        yield EventTypeArrivingState.load

    @rx.event
    async def rename(self, field_id: str, text: str) -> None:
        """Save the display name when the cell is left."""
        row = self._row(field_id)
        if row is not None and row.display_name != text.strip():
            if text.strip():
                await self._change(field_id, {"display_name": text.strip()})
            else:
                self.problems = {**self.problems, field_id: "A display name must not be blank"}

    @rx.event
    async def choose_type(self, field_id: str, field_type: str) -> None:
        """Another type; one of a list asks for the list first."""
        row = self._row(field_id)
        if row is not None and field_type == FieldType.ENUM and not row.options:
            self.open_field, self.open_type = field_id, field_type
            self.errors = {"enum_options": "Name the values it may have, then save."}
        elif field_type in list(FieldType):
            await self._change(field_id, {"field_type": FieldType(field_type)})

    @rx.event
    async def toggle_required(self, field_id: str) -> None:
        """Turn whether every event must give a value."""
        row = self._row(field_id)
        if row is not None:
            await self._change(field_id, {"is_required": not row.is_required})

    @rx.event
    async def choose_sensitivity(self, field_id: str, sensitivity: str) -> None:
        """Another sensitivity."""
        if sensitivity in list(Sensitivity):
            await self._change(field_id, {"sensitivity": Sensitivity(sensitivity)})

    @rx.event
    def toggle_details(self, field_id: str) -> None:
        """Show or hide what the table has no room for."""
        row = self._row(field_id)
        is_other = row is not None and self.open_field != field_id
        self.open_field, self.errors = field_id if is_other else "", {}
        self.open_type = row.field_type if row else ""

    @rx.event
    async def save_details(self, form: dict[str, Any]) -> EventSpec | None:
        """Save description, options and data contract of the open field."""
        place = self._slug(), self._route_value("event_type_id"), self.open_field
        try:
            changes = detail_changes({**form, "field_type": self.open_type})
            await self._call(plan.update_field, *place, changes, branch=self._branch())
        except AppError as error:
            self.errors = field_errors(error)
            return None
        self.open_field, self.errors = "", {}
        await self._show()
        return toast_done("Field saved")

    @rx.event
    async def move(self, field_id: str, step: int) -> None:
        """Change places with the neighbour."""
        ids = [row.id for row in self.view.fields]
        at = ids.index(field_id) if field_id in ids else -1
        if at < 0 or not 0 <= at + step < len(ids):
            return
        ids[at], ids[at + step] = ids[at + step], ids[at]
        await self._call(plan.reorder_fields, self._slug(), self._route_value("event_type_id"), ids, branch=self._branch())
        await self._show()

    @rx.event
    def set_adding(self, is_open: bool) -> None:
        """Open an empty form for a field, or close it."""
        self.is_adding, self.added_type, self.errors = is_open, "string", {}

    @rx.event
    def choose_added_type(self, field_type: str) -> None:
        """The form asks for options when the type needs them."""
        self.added_type = field_type

    @rx.event
    async def add(self, form: dict[str, Any]) -> EventSpec | None:
        """Add a field at the end."""
        slug, event_type_id = self._slug(), self._route_value("event_type_id")
        try:
            draft = replace(field_draft({**form, "field_type": self.added_type}), order=len(self.view.fields))
            made = await self._call(plan.create_field, slug, event_type_id, draft, branch=self._branch())
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_adding = False
        await self._show()
        return toast_done(f"{made.display_name} was added")

    @rx.event
    async def ask_delete(self, field_id: str) -> None:
        """Say what the deletion would take along."""
        row = self._row(field_id)
        if row is not None:
            place = self._slug(), self._route_value("event_type_id"), field_id, self._branch()
            self._ask(field_id, row.display_name, await self._read(field_consequences, *place))

    @rx.event
    def set_defining(self, is_open: bool) -> None:
        """Open the definition for editing, or close it."""
        self.is_defining, self.errors = is_open, {}

    @rx.event
    async def define(self, form: dict[str, Any]) -> EventSpec | None:
        """Save display name, description and colour."""
        slug, event_type_id = self._slug(), self._route_value("event_type_id")
        if not text_of(form, "display_name"):
            self.errors = {"display_name": "A display name must not be blank"}
            return None
        try:
            await self._call(plan.update_event_type, slug, event_type_id, definition_changes(form), branch=self._branch())
        except AppError as error:
            self.errors = field_errors(error)
            return None
        self.is_defining = False
        await self._show()
        return toast_done("Event type saved")

    def _row(self, field_id: str) -> FieldRow | None:
        return next((row for row in self.view.fields if row.id == field_id), None)

    async def _change(self, field_id: str, changes: FieldChanges) -> None:
        place = self._slug(), self._route_value("event_type_id"), field_id
        problems = {key: text for key, text in self.problems.items() if key != field_id}
        try:
            await self._call(plan.update_field, *place, changes, branch=self._branch())
        except AppError as error:
            problems[field_id] = error.message
        self.problems = problems
        await self._show()

    async def _delete(self, definition_id: str) -> None:
        place = self._slug(), self._route_value("event_type_id"), definition_id
        await self._call(plan.delete_field, *place, branch=self._branch())

    async def _show(self) -> None:
        slug, event_type_id = self._slug(), self._route_value("event_type_id")
        self.view = await self._read(event_type_view, slug, event_type_id, self._branch())


@page(route="/p/[slug]/event-types/[event_type_id]", title="Event type · Plumbline", on_load=EventTypeState.load)
def event_type_page() -> rx.Component:
    """The page."""
    state: Any = EventTypeState
    view = state.view
    add = button(
        rx.icon("plus", size=14), "Add field", kind="primary", on_click=state.set_adding(True), custom_attrs={"data-key": "n"}
    )
    edit = button("Edit", on_click=state.set_defining(True), custom_attrs={"data-key": "e"})
    return plan_frame(
        plan_body(
            state,
            page_header(
                view.display_name,
                rx.cond(state.may_edit, rx.fragment(describe_button(), edit, add), rx.fragment()),
                beside=rx.el.span(swatch(view.color), rx.el.code(view.name), class_name="named muted"),
                note=rx.cond(view.description != "", view.description, "No description yet."),
            ),
            describe_panel(rx.State.event_type_id, on_taken=state.load),  # type: ignore[attr-defined]  # part of the route
            section(
                "Fields",
                fields_table(state, add),
                note=rx.cond(state.may_edit, "A cell saves when you leave it. Alt with ↑ or ↓ moves a row.", ""),
                actions=[text_link(view.event_count, href=view.events_href)],
            ),
            arriving_section(),
            rx.el.div(relations_section(), owners_section(), class_name="columns"),
            add_dialog(state),
            definition_dialog(state),
            deletion_dialog(state, what="field", text="Events of this type lose it."),
            on_retry=state.load,
            what="event type",
            back=link_button("All event types", href=plan_link(ui_paths.project_event_types(slug_var()))),
        ),
        active="event-types",
        crumbs=[
            Crumb("Event types", plan_link(ui_paths.project_event_types(slug_var()))),
            Crumb(view.display_name),
        ],
    )
