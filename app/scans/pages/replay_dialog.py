"""The dialog that asks for the range of a replay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import reflex as rx

from app.kernel.errors import AppError
from app.ui import field_errors
from components import button, dialog, dialog_actions, form_field, text_input
from components.format import local_time
from components.inline_edit import form_refusal

ENDS: Final = ("time_from", "time_to")
REPLAY: Final = "replay"
_TOO_LATE: Final = re.compile(r"time_to (may not be after the last complete bucket), which ends at (\S+)")


def replay_errors(refusal: AppError, zone: ZoneInfo) -> dict[str, str]:
    """The refusal at the end of the range that it is about, or at the form; a time in it is told in the viewer's zone."""
    if late := _TOO_LATE.fullmatch(refusal.message):
        return {"time_to": f"This {late[1]}, which ended on {local_time(datetime.fromisoformat(late[2]), zone)}."}
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
