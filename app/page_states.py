"""What every page says while it loads, when its address leads nowhere, when it is not the viewer's, and when it failed."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.presentation import Phase
from components import error_state, link_button, loading_state, no_rights_state, not_found_state


def page_body(state: Any, *content: Any, on_retry: Any, what: str = "project") -> rx.Component:
    """The content once `state.phase` is ready; before and otherwise the fitting state. `what` names the thing in the address."""
    return rx.match(
        state.phase,
        (Phase.READY.value, rx.fragment(*content)),
        (
            Phase.MISSING.value,
            not_found_state(
                f"There is no such {what}",
                "The address may be mistyped, or it was removed.",
                link_button("All projects", href=ui_paths.HOME),
            ),
        ),
        (Phase.FORBIDDEN.value, no_rights_state(state.problem)),
        (Phase.FAILED.value, error_state(state.problem, on_retry)),
        loading_state(),
    )
