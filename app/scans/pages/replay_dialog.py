"""The dialog that asks for the range of a replay."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import button, dialog, dialog_actions, form_field, text_input
from components.inline_edit import form_refusal


def replay_dialog(state: Any) -> rx.Component:
    """Asks for both ends; `state` has `is_replaying`, `set_replaying`, `replay` and `errors`."""
    return dialog(
        rx.form(
            form_field(
                f"From ({state.zone_name})",
                text_input(field_id="time_from", name="time_from", type="datetime-local", required=True),
                field_id="time_from",
                hint="Rounded down to a full interval of the scan.",
            ),
            form_field(
                f"To ({state.zone_name})",
                text_input(field_id="time_to", name="time_to", type="datetime-local", required=True),
                field_id="time_to",
                hint="Rounded up; at most the end of the last full interval.",
            ),
            form_refusal(state.errors.get("replay", "")),
            dialog_actions(
                button("Cancel", on_click=state.set_replaying(False)),
                button("Start replay", kind="primary", type="submit"),
            ),
            on_submit=state.replay,
            reset_on_submit=False,
        ),
        title="Count a range again",
        description="Counts in the range are replaced by what the source holds now. No events and no variables are created.",
        open_=state.is_replaying,
        on_open_change=state.set_replaying,
    )
