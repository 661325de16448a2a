"""Two bars, one beneath the other: what was, and what is."""

from __future__ import annotations

from typing import Any

import reflex as rx


def pair_bars(before: Any, before_width: Any, after: Any, after_width: Any, *, words: tuple[str, str]) -> rx.Component:
    """The widths are CSS; `words` name the two for whoever hears them."""
    return rx.el.div(
        *[
            rx.el.div(
                rx.el.span(rx.el.span(style={"width": width}), aria_hidden="true"),
                rx.el.span(rx.el.span(f"{word} ", class_name="sr-only"), text, class_name="num"),
                class_name="pair-bar",
            )
            for word, text, width in zip(words, (before, after), (before_width, after_width), strict=True)
        ],
        class_name="pair-bars",
    )
