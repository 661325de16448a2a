"""The one moment in which a new secret can be read."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.forms import button
from components.marks import copy_button


def token_panel(token: Any, title: str, *, on_done: Any) -> Any:
    """The token with a button to copy it, until `on_done` forgets it; nothing for an empty one."""
    return rx.cond(
        token != "",
        rx.el.section(
            rx.el.h2(title, class_name="state-title"),
            rx.el.p("Copy it now. It is stored as a hash only and cannot be shown again."),
            rx.el.div(
                rx.el.code(token, id="new-token", class_name="token", tab_index=0),
                copy_button(token, "Copy key"),
                class_name="token-line",
            ),
            rx.el.div(button("I have copied it", on_click=on_done), class_name="state-actions"),
            class_name="token-panel",
            role="status",
        ),
        rx.fragment(),
    )
