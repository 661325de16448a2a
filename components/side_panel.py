"""A panel at the right edge that shows one thing of a list in full."""

from __future__ import annotations

from typing import Any

import reflex as rx


def side_panel(*children: Any, title: Any, open_: Any, on_close: Any) -> rx.Component:
    """A modal panel as high as the window. Focus and Escape are handled; `on_close` is called for every way out."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.div(
                rx.dialog.title(title, class_name="dialog-title"),
                rx.dialog.close(
                    rx.el.button(
                        rx.icon("x", size=16, aria_hidden="true"), type="button", aria_label="Close", class_name="icon-btn"
                    )
                ),
                class_name="side-panel-head",
            ),
            rx.dialog.description(title, class_name="sr-only"),
            *children,
            class_name="side-panel",
        ),
        open=open_,
        on_open_change=lambda _is_open: on_close(),
    )
