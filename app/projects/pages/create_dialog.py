"""The form for another project."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.forms import button, dialog, dialog_actions, form_field, text_area, text_input


def create_dialog(state: Any) -> rx.Component:
    """Name, slug and description; the slug follows the name until somebody types it."""
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(
                    field_id="name", name="name", value=state.name, on_change=state.type_name, required=True, auto_focus=True
                ),
                field_id="name",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Slug",
                text_input(field_id="slug", name="slug", value=state.slug_text, on_change=state.type_slug),
                field_id="slug",
                hint="Part of every address of the project: lower-case letters, digits and hyphens.",
                error=state.errors.get("slug", ""),
            ),
            form_field(
                "Description (optional)",
                text_area(field_id="description", name="description", rows=2),
                field_id="description",
                error=state.errors.get("description", ""),
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Create project", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="Create a project",
        open_=state.creating != "",
        on_open_change=state.set_creating,
    )
