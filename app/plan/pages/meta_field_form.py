"""The form about one meta field."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.plan.pages.words import META_TYPES, SENSITIVITIES
from components import button, dialog, dialog_actions, form_field, select_input, text_area, text_input
from components.inline_edit import form_check, form_refusal


def form_dialog(state: Any) -> rx.Component:
    """The dialog that makes or changes a meta field; its name cannot be changed later."""
    edited, errors = state.edited, state.errors

    def line(label: str, name: str, value: Any, hint: str | None = None, **props: Any) -> rx.Component:
        control = text_input(field_id=name, name=name, default_value=value, auto_complete="off", **props)
        return form_field(label, control, field_id=name, hint=hint, error=errors.get(name, ""))

    return dialog(
        rx.form(
            rx.cond(
                edited.id == "",
                line("Name", "name", "", "It cannot be changed later.", required=True, auto_focus=True),
                rx.fragment(),
            ),
            line("Display name", "display_name", edited.display_name),
            rx.el.div(
                form_field(
                    "Type",
                    select_input(
                        META_TYPES, field_id="field_type", name="field_type", value=state.chosen_type, on_change=state.choose_type
                    ),
                    field_id="field_type",
                ),
                form_field(
                    "Sensitivity",
                    select_input(SENSITIVITIES, field_id="sensitivity", name="sensitivity", default_value=edited.sensitivity),
                    field_id="sensitivity",
                ),
                class_name="pair",
            ),
            rx.cond(
                state.chosen_type == "enum",
                form_field(
                    "Values it may have, one a line",
                    text_area(field_id="enum_options", name="enum_options", default_value=edited.options, rows=3),
                    field_id="enum_options",
                    error=errors.get("enum_options", ""),
                ),
                rx.fragment(),
            ),
            line("Default value (optional)", "default_value", edited.default),
            line(
                "Link (optional)",
                "link_template",
                edited.link,
                "Makes the value a link; ${value} stands for it, as in https://tickets.example.com/${value}.",
            ),
            form_check("Every event must have a value", "is_required", checked=edited.is_required),
            form_refusal(errors.get("", "")),
            dialog_actions(button("Cancel", on_click=state.set_open(False)), button("Save", kind="primary", type="submit")),
            on_submit=state.save,
            reset_on_submit=False,
        ),
        title=rx.cond(edited.id != "", f"Edit {edited.display_name}", "New meta field"),
        open_=state.is_open,
        on_open_change=state.set_open,
    )
