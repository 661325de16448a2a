"""Variables: placeholders for values too many to list, where they are used and what they were seen to hold."""

from __future__ import annotations

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
from app.plan.drafts import VariableChanges
from app.plan.pages.deletion import DeletionState, deletion_dialog
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame
from app.plan.pages.words import VARIABLE_TYPE_WORDS, VARIABLE_TYPES, plural, text_of
from app.plan.tokens import token
from app.plan.vocabulary import VariableType
from app.presentation import Phase
from app.ui import field_errors, page
from components import (
    Column,
    Crumb,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    link_button,
    page_header,
    select_input,
    text_area,
    text_input,
    toast_done,
)
from components.inline_edit import form_refusal, icon_button


@dataclass(frozen=True)
class VariableRow:
    """A variable as the table and the form show it."""

    id: str
    name: str
    token: str
    kind: str
    kind_word: str
    description: str
    source: str
    uses: int
    seen: str
    samples: str


class VariablesState(DeletionState, PlanState):
    """The list, the form for one variable, and the question before one goes."""

    rows: list[VariableRow] = []
    is_open: bool = False
    edited: VariableRow = VariableRow("", "", "", "string", "", "", "", 0, "", "")

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin(f"variables/{self._slug()}/{self._branch()}"):
            self.is_open, self.doomed = False, ""
            yield
        try:
            await self._enter_plan(ui_paths.project_variables(self._slug()))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)

    @rx.event
    def create(self) -> None:
        """Open an empty form."""
        self.edited = VariableRow("", "", "", "string", "", "", "", 0, "", "")
        self.is_open, self.errors = True, {}

    @rx.event
    def edit(self, variable_id: str) -> None:
        """Open the form of a variable."""
        row = self._row(variable_id)
        if row is not None:
            self.edited, self.is_open, self.errors = row, True, {}

    @rx.event
    def set_open(self, is_open: bool) -> None:
        """Close the form."""
        self.is_open, self.errors = is_open, {}

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Make or change the variable; a rename also rewrites its tokens."""
        name, kind, description = text_of(form, "name"), text_of(form, "variable_type"), text_of(form, "description")
        slug, branch = self._slug(), self._branch()
        sort = VariableType(kind or "string")
        try:
            if self.edited.id:
                changes: VariableChanges = {"name": name, "variable_type": sort, "description": description}
                await self._call(plan.update_variable, slug, self.edited.id, changes, branch=branch)
            else:
                await self._call(plan.create_variable, slug, name, variable_type=sort, description=description, branch=branch)
        except AppError as error:
            self.errors = field_errors(error, taken="name")
            return None
        self.is_open = False
        await self._show()
        return toast_done(f"{token(name)} saved")

    @rx.event
    def ask_delete(self, variable_id: str) -> None:
        """Say what the deletion would leave behind."""
        row = self._row(variable_id)
        if row is not None:
            uses = [f"{plural(row.uses, 'event')} keep {row.token} as plain text"] if row.uses else []
            self._ask(row.id, row.token, [*uses, "What was observed for it is forgotten"])

    def _row(self, variable_id: str) -> VariableRow | None:
        return next((row for row in self.rows if row.id == variable_id), None)

    async def _delete(self, definition_id: str) -> None:
        await self._call(plan.delete_variable, self._slug(), definition_id, branch=self._branch())

    async def _show(self) -> None:
        self.rows = await self._read(variable_rows, self._slug(), self._branch())


def variable_rows(session: Session, actor: Actor, slug: str, branch: str) -> list[VariableRow]:
    """The branch's variables with how many events use each."""
    uses = plan.variable_uses(session, actor, slug, branch=branch)
    return [
        VariableRow(
            id=entry.id,
            name=entry.name,
            token=token(entry.name),
            kind=entry.variable_type.value,
            kind_word=VARIABLE_TYPE_WORDS[entry.variable_type.value],
            description=entry.description,
            source=entry.source_name or "",
            uses=uses.get(entry.name, 0),
            seen=_seen(entry.low_context_count, entry.high_context_count),
            samples=", ".join(entry.sample_values[:4]),
        )
        for entry in plan.list_variables(session, actor, slug, branch=branch)
    ]


def _seen(full: int, sampled: int) -> str:
    """Where the values were seen: places whose every value is known, and places of which a sample is kept."""
    if not sampled:
        return f"every value of {plural(full, 'place')}" if full else ""
    return f"a sample from {plural(sampled, 'place')}" + (f", every value of {full} more" if full else "")


@page(route="/p/[slug]/variables", title="Variables · Plumbline", on_load=VariablesState.load)
def variables_page() -> rx.Component:
    """The page."""
    state: Any = VariablesState
    create = button(rx.icon("plus", size=14), "New variable", kind="primary", on_click=state.create, custom_attrs={"data-key": "n"})
    return plan_frame(
        plan_body(
            state,
            page_header(
                "Variables",
                rx.cond(state.may_edit & (state.rows.length() > 0), create, rx.fragment()),
                note="Stand for values too many to list, as ${name} inside the values of events.",
            ),
            data_table(
                [
                    Column("Variable", _name),
                    Column("Type", lambda row: row.kind_word, width="130px"),
                    Column("Used by", _uses_cell, numeric=True, width="100px"),
                    Column("Observed", _observed, secondary=True),
                    Column("", lambda row: _actions(state, row), width="76px"),
                ],
                state.rows,
                caption="Variables of the plan",
                empty=rx.cond(
                    state.may_edit,
                    empty_state(
                        "No variables yet",
                        "Scans make one where a value has too many forms. Make one yourself to use it in values.",
                        create,
                        link_button("Scans", href=ui_paths.project_scans(slug_var())),
                    ),
                    empty_state("No variables yet", "Scans make one where a value has too many forms to list."),
                ),
            ),
            _form_dialog(state),
            deletion_dialog(state, what="variable", text="After this:"),
            on_retry=state.load,
            what="project",
        ),
        active="variables",
        crumbs=[Crumb("Variables")],
    )


def _name(row: Any) -> rx.Component:
    return rx.el.span(
        rx.el.code(row.token, class_name="chip"),
        rx.cond(row.description != "", rx.el.span(row.description, class_name="cell-sub"), rx.fragment()),
    )


def _uses_cell(row: Any) -> rx.Component:
    return rx.cond(row.uses > 0, rx.el.span(row.uses), rx.el.span("0", class_name="muted"))


def _observed(row: Any) -> rx.Component:
    return rx.cond(
        row.seen != "",
        rx.el.span(row.samples, rx.el.span(row.seen, class_name="cell-sub")),
        rx.el.span("not observed", class_name="muted"),
    )


def _actions(state: Any, row: Any) -> rx.Component:
    return rx.cond(
        state.may_edit,
        rx.el.span(
            icon_button("pencil", f"Edit {row.name}", state.edit(row.id)),
            icon_button("trash-2", f"Delete {row.name}", state.ask_delete(row.id)),
            class_name="row-actions",
        ),
        rx.fragment(),
    )


def _form_dialog(state: Any) -> rx.Component:
    edited = state.edited
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(
                    field_id="name", name="name", default_value=edited.name, required=True, auto_focus=True, auto_complete="off"
                ),
                field_id="name",
                hint=rx.cond(
                    edited.uses > 0,
                    f"A new name is written into every value that uses it ({edited.uses} events).",
                    "Small letters, digits and underscores.",
                ),
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Type",
                select_input(VARIABLE_TYPES, field_id="variable_type", name="variable_type", default_value=edited.kind),
                field_id="variable_type",
            ),
            form_field(
                "Description (optional)",
                text_area(field_id="description", name="description", rows=2, default_value=edited.description),
                field_id="description",
            ),
            form_refusal(state.errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_open(False)), button("Save", kind="primary", type="submit")),
            on_submit=state.save,
            reset_on_submit=False,
        ),
        title=rx.cond(edited.id != "", f"Edit {edited.token}", "New variable"),
        open_=state.is_open,
        on_open_change=state.set_open,
    )
