"""Event types: the schemas of the plan, how many events follow each, and a dialog for another one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import slug_var
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.drafts import EventFilter, EventTypeDraft
from app.plan.pages.deletion import DeletionState, deletion_dialog
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame
from app.plan.pages.words import plural, text_of
from app.presentation import Phase
from app.ui import field_errors, page
from components import (
    Column,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    link_button,
    page_header,
    row_link,
    text_area,
    text_input,
)
from components.inline_edit import form_refusal, icon_button, swatch
from components.shell import Crumb

DEFAULT_COLOR = "#6366f1"
_SIMPLE_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class EventTypeRow:
    """An event type as the table shows it."""

    id: str
    name: str
    display_name: str
    color: str
    description: str
    href: str
    fields: int
    required: str
    events: int


class EventTypesState(DeletionState, PlanState):
    """The list and the two dialogs on it."""

    rows: list[EventTypeRow] = []
    is_creating: bool = False
    typed_name: str = ""
    is_name_typed: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"types/{self._slug()}/{self._branch()}"):
            self.is_creating, self.doomed = False, ""
            yield
        try:
            await self._enter_plan(ui_paths.project_event_types(self._slug()))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open an empty form, or close it."""
        self.is_creating, self.errors, self.typed_name, self.is_name_typed = is_open, {}, "", False

    @rx.event
    def type_display_name(self, text: str) -> None:
        """The name that code uses follows until somebody types it."""
        if not self.is_name_typed:
            self.typed_name = _name_from(text)

    @rx.event
    def type_name(self, text: str) -> None:
        """A name of one's own; emptied, it follows again."""
        self.typed_name, self.is_name_typed = text, bool(text)

    @rx.event
    async def create(self, form: dict[str, Any]) -> EventSpec | None:
        """Make the event type and go to its fields."""
        display_name = text_of(form, "display_name")
        # Whoever submits at once is ahead of the name that follows the display name.
        name = text_of(form, "name") if self.is_name_typed else _name_from(display_name)
        draft = EventTypeDraft(
            name=name,
            display_name=display_name or name,
            description=text_of(form, "description"),
            color=text_of(form, "color") or DEFAULT_COLOR,
            order=len(self.rows),
        )
        try:
            made = await self._call(plan.create_event_type, self._slug(), draft, branch=self._branch())
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_creating = False
        return rx.redirect(self._on_branch(ui_paths.project_event_type(self._slug(), made.id)))

    @rx.event
    def ask_delete(self, event_type_id: str) -> None:
        """Say what the deletion would take along."""
        row = next((row for row in self.rows if row.id == event_type_id), None)
        if row is not None:
            fields = f"{plural(row.fields, 'field')} and every value events give them"
            events = f"{plural(row.events, 'event')} with their tags, photos and history"
            self._ask(row.id, row.display_name, [fields, events, "Relations through these fields"])

    async def _delete(self, definition_id: str) -> None:
        await self._call(plan.delete_event_type, self._slug(), definition_id, branch=self._branch())

    async def _show(self) -> None:
        self.rows = await self._read(event_type_rows, self._slug(), self._branch())


def _name_from(display_name: str) -> str:
    return _SIMPLE_NAME.sub("_", display_name.lower()).strip("_")


def event_type_rows(session: Session, actor: Actor, slug: str, branch: str) -> list[EventTypeRow]:
    """The branch's event types as rows."""
    query = ui_paths.branch_query(branch)
    rows = []
    for entry in plan.list_event_type_details(session, actor, slug, branch=branch):
        events = plan.list_event_details(session, actor, slug, EventFilter(event_type_id=entry.id), branch=branch, limit=1)
        required = sum(field.is_required for field in entry.field_definitions)
        rows.append(
            EventTypeRow(
                id=entry.id,
                name=entry.name,
                display_name=entry.display_name,
                color=entry.color,
                description=entry.description,
                href=f"{ui_paths.project_event_type(slug, entry.id)}{query}",
                fields=len(entry.field_definitions),
                required=f"{required} required" if required else "",
                events=events.total,
            )
        )
    return rows


@page(route="/p/[slug]/event-types", title="Event types · Plumbline", on_load=EventTypesState.load)
def event_types_page() -> rx.Component:
    """The page."""
    state: Any = EventTypesState
    create = button(
        rx.icon("plus", size=14),
        "New event type",
        kind="primary",
        on_click=state.set_creating(True),
        custom_attrs={"data-key": "n"},
    )
    return plan_frame(
        plan_body(
            state,
            page_header(
                "Event types",
                rx.cond(state.may_edit & (state.rows.length() > 0), create, rx.fragment()),
                note="The schemas that events share: which fields they carry and what those may hold.",
            ),
            data_table(
                [
                    Column("Event type", _name),
                    Column("Fields", _fields, numeric=True, width="150px"),
                    Column("Events", lambda row: row.events, numeric=True, width="90px"),
                    Column("Description", lambda row: row.description, secondary=True),
                    Column("", lambda row: _actions(state, row), width="44px"),
                ],
                state.rows,
                caption="Event types of the plan",
                empty=rx.cond(
                    state.may_edit,
                    empty_state(
                        "No event types yet",
                        "An event type is a list of fields, such as everything a page view carries. Scans make one per source.",
                        create,
                        link_button("Scans", href=ui_paths.project_scans(slug_var())),
                    ),
                    empty_state("No event types yet", "Editors make them, and scans make one per source."),
                ),
            ),
            _create_dialog(state),
            deletion_dialog(state, what="event type", text="This deletes with it:"),
            on_retry=state.load,
            what="project",
        ),
        active="event-types",
        crumbs=[Crumb("Event types")],
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        swatch(row.color),
        rx.el.span(row_link(row.display_name, row.href), rx.el.code(row.name, class_name="cell-sub")),
        class_name="named",
    )


def _fields(row: Any) -> rx.Component:
    return rx.el.span(row.fields, rx.cond(row.required != "", rx.el.span(row.required, class_name="cell-sub"), rx.fragment()))


def _actions(state: Any, row: Any) -> rx.Component:
    return rx.cond(state.may_edit, icon_button("trash-2", f"Delete {row.display_name}", state.ask_delete(row.id)), rx.fragment())


def _create_dialog(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Display name",
                text_input(
                    field_id="display_name", name="display_name", on_change=state.type_display_name.debounce(150), auto_focus=True
                ),
                field_id="display_name",
                error=state.errors.get("display_name", ""),
            ),
            form_field(
                "Name",
                text_input(field_id="name", name="name", value=state.typed_name, on_change=state.type_name),
                field_id="name",
                hint="What events are matched by. It cannot be changed later.",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Description (optional)",
                text_area(field_id="description", name="description", rows=2),
                field_id="description",
            ),
            form_field(
                "Colour",
                rx.el.input(id="color", type="color", name="color", default_value=DEFAULT_COLOR, class_name="input color-input"),
                field_id="color",
                error=state.errors.get("color", ""),
            ),
            form_refusal(state.errors.get("", "")),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Create event type", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="New event type",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
