"""The parts of an event type's page: the table of fields with their details, and the two dialogs."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.plan.pages.words import FIELD_TYPE_WORDS, FIELD_TYPES, SENSITIVITIES, SENSITIVITY_WORDS
from components import badge, button, dialog, dialog_actions, empty_state, form_field, select_input, text_area, text_input
from components.inline_edit import (
    cell_error,
    cell_select,
    cell_text,
    check_box,
    form_check,
    form_refusal,
    icon_button,
    move_buttons,
)


def fields_table(state: Any, add: rx.Component) -> rx.Component:
    """The fields in their order; cells are controls for those who may edit and words for everybody else."""
    heads = (("Field", ""), ("Name", ""), ("Type", "150px"), ("Required", "80px"), ("Sensitivity", "150px"), ("Rules", ""))
    table = rx.el.div(
        rx.el.table(
            rx.el.caption("Fields of the event type", class_name="sr-only"),
            rx.el.thead(
                rx.el.tr(
                    *[rx.el.th(label, scope="col", style={"width": width} if width else {}) for label, width in heads],
                    rx.cond(
                        state.may_edit, rx.el.th(rx.el.span("Actions", class_name="sr-only"), scope="col", class_name="actions")
                    ),
                )
            ),
            rx.el.tbody(rx.foreach(state.view.fields, lambda row: _rows(state, row))),
            class_name="table wide-table",
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label="Fields of the event type",
    )
    nothing = rx.cond(
        state.may_edit,
        empty_state("No fields yet", "Add what events of this type carry, or take over what arrives from the list below.", add),
        empty_state("No fields yet", "Editors add what events of this type carry."),
    )
    return rx.cond(state.view.fields.length() > 0, table, nothing)


def _rows(state: Any, row: Any) -> rx.Component:
    is_open = state.open_field == row.id
    return rx.fragment(
        rx.cond(state.may_edit, _edited_row(state, row, is_open), _read_row(row)),
        rx.cond(is_open, rx.el.tr(rx.el.td(_details(state, row), col_span=7), class_name="row-detail"), rx.fragment()),
        key=row.id,
    )


def _edited_row(state: Any, row: Any, is_open: Any) -> rx.Component:
    problem = state.problems.get(row.id, "")
    return rx.el.tr(
        rx.el.th(
            cell_text(f"name-{row.id}", f"Display name of {row.name}", row.display_name, lambda text: state.rename(row.id, text)),
            cell_error(problem),
            scope="row",
        ),
        rx.el.td(rx.el.code(row.name)),
        rx.el.td(
            cell_select(FIELD_TYPES, f"Type of {row.name}", row.field_type, lambda kind: state.choose_type(row.id, kind)),
        ),
        rx.el.td(check_box(f"{row.name} is required", row.is_required, lambda _ticked: state.toggle_required(row.id))),
        rx.el.td(
            cell_select(
                SENSITIVITIES, f"Sensitivity of {row.name}", row.sensitivity, lambda value: state.choose_sensitivity(row.id, value)
            ),
        ),
        rx.el.td(
            rx.el.button(
                rx.el.span(f"Rules of {row.name}: ", class_name="sr-only"),
                rx.cond(row.rules != "", row.rules, "Add rules"),
                rx.icon("chevron-down", size=13, aria_hidden="true"),
                type="button",
                class_name=rx.cond(row.rules != "", "rules", "rules muted"),
                on_click=state.toggle_details(row.id),
                aria_expanded=rx.cond(is_open, "true", "false"),
            ),
        ),
        rx.el.td(
            rx.el.span(
                move_buttons(
                    row.id, row.name, state.move(row.id, -1), state.move(row.id, 1), is_first=row.is_first, is_last=row.is_last
                ),
                icon_button("trash-2", f"Delete {row.name}", state.ask_delete(row.id)),
                class_name="row-actions",
            ),
            class_name="actions",
        ),
    )


def _read_row(row: Any) -> rx.Component:
    kinds = [(key, word) for key, word in FIELD_TYPE_WORDS.items()]
    cares = [(key, badge(word, "warn")) for key, word in SENSITIVITY_WORDS.items() if key != "none"]
    return rx.el.tr(
        rx.el.th(
            row.display_name,
            rx.cond(row.description != "", rx.el.span(row.description, class_name="cell-sub"), rx.fragment()),
            scope="row",
        ),
        rx.el.td(rx.el.code(row.name)),
        rx.el.td(rx.match(row.field_type, *kinds, row.field_type)),
        rx.el.td(rx.cond(row.is_required, "Required", rx.el.span("optional", class_name="muted"))),
        rx.el.td(rx.match(row.sensitivity, *cares, rx.el.span("–", class_name="muted"))),
        rx.el.td(row.rules),
    )


def _details(state: Any, row: Any) -> rx.Component:
    problems = state.errors

    def box(label: str, name: str, value: Any, hint: str | None = None, **props: Any) -> rx.Component:
        field_id = f"detail-{name}"
        control = text_input(field_id=field_id, name=name, default_value=value, auto_complete="off", **props)
        return form_field(label, control, field_id=field_id, hint=hint, error=problems.get(name, ""))

    return rx.form(
        form_field(
            "Description",
            text_input(field_id="detail-description", name="description", default_value=row.description),
            field_id="detail-description",
        ),
        rx.cond(
            state.open_type == "enum",
            form_field(
                "Values it may have, one a line",
                text_area(field_id="detail-options", name="enum_options", default_value=row.options, rows=4),
                field_id="detail-options",
                error=problems.get("enum_options", ""),
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.cond(
                state.open_type != "number", box("Pattern", "contract_regex", row.regex, "A regular expression."), rx.fragment()
            ),
            box("Least value", "contract_min_value", row.low, input_mode="decimal"),
            box("Greatest value", "contract_max_value", row.high, input_mode="decimal"),
            box("Missing at most, %", "contract_required_max_null_rate", row.null_rate, input_mode="decimal"),
            box("May break the rules, %", "contract_max_bad_rate", row.bad_rate, input_mode="decimal"),
            class_name="pair",
        ),
        form_refusal(problems.get("", "")),
        rx.el.div(
            button("Save rules", kind="primary", type="submit", small=True),
            button("Cancel", small=True, on_click=state.toggle_details(row.id), custom_attrs={"data-leaves": "true"}),
            class_name="form-actions",
        ),
        on_submit=state.save_details,
        reset_on_submit=False,
        aria_label=f"Edit {row.name}",
        custom_attrs={"data-guard": "true"},
    )


def add_dialog(state: Any) -> rx.Component:
    """The form for another field."""
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, auto_focus=True, auto_complete="off"),
                field_id="name",
                hint="The property's name as it is sent. It cannot be changed later.",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Display name (optional)", text_input(field_id="display_name", name="display_name"), field_id="display_name"
            ),
            rx.el.div(
                form_field(
                    "Type",
                    select_input(
                        FIELD_TYPES,
                        field_id="field_type",
                        name="field_type",
                        value=state.added_type,
                        on_change=state.choose_added_type,
                    ),
                    field_id="field_type",
                ),
                form_field(
                    "Sensitivity", select_input(SENSITIVITIES, field_id="sensitivity", name="sensitivity"), field_id="sensitivity"
                ),
                class_name="pair",
            ),
            rx.cond(
                state.added_type == "enum",
                form_field(
                    "Values it may have, one a line",
                    text_area(field_id="enum_options", name="enum_options", rows=3),
                    field_id="enum_options",
                    error=state.errors.get("enum_options", ""),
                ),
                rx.fragment(),
            ),
            form_field("Description (optional)", text_input(field_id="description", name="description"), field_id="description"),
            form_check("Every event must give a value", "is_required"),
            form_refusal(state.errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_adding(False)), button("Add field", kind="primary", type="submit")),
            on_submit=state.add,
            reset_on_submit=False,
        ),
        title="Add a field",
        open_=state.is_adding,
        on_open_change=state.set_adding,
    )


def definition_dialog(state: Any) -> rx.Component:
    """The form about the event type itself."""
    view = state.view
    return dialog(
        rx.form(
            form_field(
                "Display name",
                text_input(field_id="display_name", name="display_name", default_value=view.display_name, auto_focus=True),
                field_id="display_name",
                error=state.errors.get("display_name", ""),
            ),
            form_field(
                "Description",
                text_area(field_id="description", name="description", default_value=view.description, rows=3),
                field_id="description",
            ),
            form_field(
                "Colour",
                rx.el.input(id="color", type="color", name="color", default_value=view.color, class_name="input color-input"),
                field_id="color",
                error=state.errors.get("color", ""),
            ),
            form_refusal(state.errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_defining(False)), button("Save", kind="primary", type="submit")),
            on_submit=state.define,
            reset_on_submit=False,
        ),
        title="Edit the event type",
        open_=state.is_defining,
        on_open_change=state.set_defining,
    )
