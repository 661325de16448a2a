"""Counts over time as bars, stacked by kind, with the same figures as words."""

from __future__ import annotations

from typing import Any

import reflex as rx


def stacked_bars(view: Any, *, noun: str, by: str = "severity") -> rx.Component:
    """The picture of a Var of `components.bar_data.Bars`, or of anything with its fields. Nothing when nothing was counted."""
    return rx.cond(
        view.total > 0,
        rx.el.figure(
            rx.el.figcaption(
                rx.el.span(rx.el.span(view.total_text, class_name="num"), f" {noun}", class_name="bars-total"),
                rx.el.ul(
                    rx.foreach(
                        view.levels,
                        lambda level: rx.el.li(
                            rx.el.span(class_name=f"bars-key bars-{level.tone}", aria_hidden="true"),
                            level.name,
                            " ",
                            rx.el.span(level.count, class_name="num"),
                        ),
                    ),
                    class_name="bars-levels",
                    aria_label=f"{noun.capitalize()} by {by}",
                ),
                class_name="bars-head",
            ),
            rx.el.div(
                rx.el.span(view.peak, class_name="bars-peak num", aria_hidden="true"),
                rx.foreach(
                    view.bars,
                    lambda bar: rx.el.span(
                        rx.foreach(
                            bar.parts,
                            lambda part: rx.el.span(class_name=f"bars-part bars-{part.tone}", style={"height": part.height}),
                        ),
                        class_name="bars-bar",
                        title=bar.tip,
                    ),
                ),
                class_name="bars",
                role="img",
                aria_label=view.summary,
            ),
            rx.el.div(rx.el.span(view.first), rx.el.span(view.last), class_name="bars-axis"),
            class_name="bars-picture",
        ),
        rx.fragment(),
    )
