"""The dialog that asks for the range of a replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import reflex as rx

from app.kernel.errors import AppError
from app.ui import field_errors
from components import button, dialog, dialog_actions, form_field, text_input
from components.inline_edit import form_refusal

ENDS: Final = ("time_from", "time_to")
REPLAY: Final = "replay"


def replay_errors(refusal: AppError) -> dict[str, str]:
    """The refusal at the end of the range that it is about, or at the form."""
    return {name if name in ENDS else REPLAY: text for name, text in field_errors(refusal).items()}


def other_errors(errors: Mapping[str, str]) -> dict[str, str]:
    """Those of a page's errors that are none of the dialog."""
    return {name: text for name, text in errors.items() if name not in (*ENDS, REPLAY)}


def replay_dialog(state: Any) -> rx.Component:
    """Asks for both ends; `state` has `is_replaying`, `set_replaying`, `replay` and `errors`."""
    return dialog(
        rx.form(
            form_field(
                f"From ({state.zone_name})",
                text_input(field_id="time_from", name="time_from", type="datetime-local", required=True),
                field_id="time_from",
                hint="Rounded down to a full interval of the scan.",
                error=state.errors.get("time_from", ""),
            ),
            form_field(
                f"To ({state.zone_name})",
                text_input(field_id="time_to", name="time_to", type="datetime-local", required=True),
                field_id="time_to",
                hint="Rounded up; at most the end of the last full interval.",
                error=state.errors.get("time_to", ""),
            ),
            form_refusal(state.errors.get(REPLAY, "")),
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
