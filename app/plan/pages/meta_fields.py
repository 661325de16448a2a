"""Meta fields: what the project notes about its events, such as a ticket, a team or a launch date."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from app.plan import service as plan
from app.plan.drafts import MetaFieldChanges, MetaFieldDraft
from app.plan.pages.deletion import DeletionState, deletion_dialog
from app.plan.pages.meta_field_form import form_dialog
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame
from app.plan.pages.words import META_TYPE_WORDS, Form, is_ticked, lines_of, plural, text_of
from app.plan.vocabulary import MetaFieldType, Sensitivity
from app.presentation import Phase
from app.ui import field_errors, page
from components import Column, Crumb, badge, button, data_table, empty_state, page_header, toast_done
from components.inline_edit import icon_button


@dataclass(frozen=True)
class MetaFieldRow:
    """A meta field as the table and the form show it."""

    id: str = ""
    name: str = ""
    display_name: str = ""
    kind: str = "string"
    kind_word: str = ""
    is_required: bool = False
    options: str = ""
    default: str = ""
    link: str = ""
    sensitivity: str = "none"
    notes: str = ""
    uses: int = 0


class MetaFieldsState(DeletionState, PlanState):
    """The list, the form for one meta field, and the question before one goes."""

    rows: list[MetaFieldRow] = []
    is_open: bool = False
    edited: MetaFieldRow = MetaFieldRow()
    chosen_type: str = "string"

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"meta/{self._slug()}/{self._branch()}"):
            self.is_open, self.doomed = False, ""
            yield
        try:
            await self._enter_plan(ui_paths.project_meta_fields(self._slug()))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def create(self) -> None:
        """Open an empty form."""
        self.edited, self.chosen_type = MetaFieldRow(), "string"
        self.is_open, self.errors = True, {}

    @rx.event
    def edit(self, meta_field_id: str) -> None:
        """Open the form of a meta field."""
        row = self._row(meta_field_id)
        if row is not None:
            self.edited, self.chosen_type, self.is_open, self.errors = row, row.kind, True, {}

    @rx.event
    def set_open(self, is_open: bool) -> None:
        """Close the form."""
        self.is_open, self.errors = is_open, {}

    @rx.event
    def choose_type(self, kind: str) -> None:
        """The form asks for options when the type needs them."""
        self.chosen_type = kind

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Make or change the meta field."""
        slug, branch = self._slug(), self._branch()
        values = meta_values({**form, "field_type": self.chosen_type})
        try:
            if self.edited.id:
                await self._call(plan.update_meta_field, slug, self.edited.id, values, branch=branch)
            else:
                draft = meta_draft(text_of(form, "name"), values, len(self.rows))
                await self._call(plan.create_meta_field, slug, draft, branch=branch)
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_open = False
        await self._show()
        return toast_done("Meta field saved")

    @rx.event
    def ask_delete(self, meta_field_id: str) -> None:
        """Say what the deletion would take along."""
        row = self._row(meta_field_id)
        if row is not None:
            values = [f"The values that {plural(row.uses, 'event')} give it"] if row.uses else []
            self._ask(row.id, row.display_name, values)

    def _row(self, meta_field_id: str) -> MetaFieldRow | None:
        return next((row for row in self.rows if row.id == meta_field_id), None)

    async def _delete(self, definition_id: str) -> None:
        await self._call(plan.delete_meta_field, self._slug(), definition_id, branch=self._branch())

    async def _show(self) -> None:
        self.rows = await self._read(meta_field_rows, self._slug(), self._branch())


def meta_values(form: Form) -> MetaFieldChanges:
    """Everything the form says but the name."""
    return {
        "display_name": text_of(form, "display_name") or text_of(form, "name"),
        "field_type": MetaFieldType(text_of(form, "field_type")),
        "is_required": is_ticked(form, "is_required"),
        "enum_options": lines_of(form, "enum_options") or None,
        "default_value": text_of(form, "default_value") or None,
        "link_template": text_of(form, "link_template") or None,
        "sensitivity": Sensitivity(text_of(form, "sensitivity") or "none"),
    }


def meta_draft(name: str, values: MetaFieldChanges, order: int) -> MetaFieldDraft:
    """The meta field that the form describes."""
    return MetaFieldDraft(
        name=name,
        display_name=values["display_name"] or name,
        field_type=values["field_type"] or MetaFieldType.STRING,
        is_required=bool(values["is_required"]),
        enum_options=values["enum_options"],
        default_value=values["default_value"],
        link_template=values["link_template"],
        order=order,
        sensitivity=values["sensitivity"] or Sensitivity.NONE,
    )


def meta_field_rows(session: Session, actor: Actor, slug: str, branch: str) -> list[MetaFieldRow]:
    """The branch's meta fields with how many events give each a value."""
    found = plan.list_meta_fields(session, actor, slug, branch=branch)
    uses: Counter[str] = Counter()
    if found:
        events = plan.list_event_details(session, actor, slug, branch=branch, limit=plan.LARGEST_PAGE)
        uses.update(value.meta_field_definition_id for event in events.items for value in event.meta_values)
    rows = []
    for entry in found:
        options = entry.enum_options or ()
        notes = [f"one of {', '.join(options)}"] if options else []
        notes += [f"default {entry.default_value}"] if entry.default_value else []
        notes += [f"links to {entry.link_template}"] if entry.link_template else []
        rows.append(
            MetaFieldRow(
                id=entry.id,
                name=entry.name,
                display_name=entry.display_name,
                kind=entry.field_type.value,
                kind_word=META_TYPE_WORDS[entry.field_type.value],
                is_required=entry.is_required,
                options="\n".join(options),
                default=entry.default_value or "",
                link=entry.link_template or "",
                sensitivity=entry.sensitivity.value,
                notes="; ".join(notes),
                uses=uses[entry.id],
            )
        )
    return rows


@page(route="/p/[slug]/meta-fields", title="Meta fields · Plumbline", on_load=MetaFieldsState.load)
def meta_fields_page() -> rx.Component:
    """The page."""
    state: Any = MetaFieldsState
    create = button(
        rx.icon("plus", size=14), "New meta field", kind="primary", on_click=state.create, custom_attrs={"data-key": "n"}
    )
    return plan_frame(
        plan_body(
            state,
            page_header(
                "Meta fields",
                rx.cond(state.may_edit & (state.rows.length() > 0), create, rx.fragment()),
                note="What you note about events themselves: a ticket, a team, a launch date.",
            ),
            data_table(
                [
                    Column("Meta field", _name),
                    Column("Type", lambda row: row.kind_word, width="130px"),
                    Column(
                        "Required",
                        lambda row: rx.cond(row.is_required, badge("Required"), rx.el.span("no", class_name="muted")),
                        width="100px",
                    ),
                    Column("Used by", lambda row: row.uses, numeric=True, width="100px"),
                    Column("Rules", lambda row: row.notes, secondary=True),
                    Column("", lambda row: _actions(state, row), width="76px"),
                ],
                state.rows,
                caption="Meta fields of the project",
                empty=rx.cond(
                    state.may_edit,
                    empty_state(
                        "No meta fields yet",
                        "Add one and every event gets a place for it, for example the ticket it was built in.",
                        create,
                    ),
                    empty_state("No meta fields yet", "Editors add them, for example for the ticket an event was built in."),
                ),
            ),
            form_dialog(state),
            deletion_dialog(state, what="meta field", text="Events lose it."),
            on_retry=state.load,
            what="project",
        ),
        active="meta-fields",
        crumbs=[Crumb("Meta fields")],
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(row.display_name, rx.el.code(row.name, class_name="cell-sub"))


def _actions(state: Any, row: Any) -> rx.Component:
    return rx.cond(
        state.may_edit,
        rx.el.span(
            icon_button("pencil", f"Edit {row.display_name}", state.edit(row.id)),
            icon_button("trash-2", f"Delete {row.display_name}", state.ask_delete(row.id)),
            class_name="row-actions",
        ),
        rx.fragment(),
    )
