"""A departure from what was expected as one line of a list."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.marks import badge, direction_mark, time_text


def finding_line(
    row: Any, *actions: rx.Component, detail: Any = None, opener: Any = None, days: bool = False, named: bool = True
) -> rx.Component:
    """Direction, subject and size on the first line, time and duration beneath, state and actions at the right.

    `row` is a Var with direction, scope_name, scope_kind, size, when, iso, lasted, related, is_active. `opener` replaces the
    plain name by a link or button; `detail` stands below the line; `days` shows `row.day` above where it is not empty;
    without `named` the size takes the place of the subject, for lists about one subject.
    """
    return rx.el.li(
        *([rx.cond(row.day != "", rx.el.h2(row.day, class_name="day"), rx.fragment())] if days else []),
        rx.el.div(
            direction_mark(row.direction),
            rx.el.div(
                *_headline(row, opener, named),
                class_name="line-main finding-main",
            ),
            rx.el.div(
                rx.cond(row.is_active, badge("Ongoing", "bad"), rx.fragment()),
                *actions,
                class_name="line-end finding-end",
            ),
            rx.el.p(
                *([rx.el.span(row.scope_kind)] if named else []),
                rx.el.span(time_text(row.when, row.iso)),
                rx.el.span("lasted ", row.lasted),
                rx.cond(row.related != "", rx.el.span(row.related), rx.fragment()),
                class_name="line-sub dotted",
            ),
            class_name="line",
        ),
        *([detail] if detail is not None else []),
    )


def _headline(row: Any, opener: Any, named: bool) -> list[Any]:
    if not named:
        return [rx.el.span(row.size, class_name="strong")]
    name = opener if opener is not None else rx.el.span(row.scope_name, class_name="strong")
    return [name, rx.el.span(row.size, class_name="finding-size")]


def finding_list(rows: Any, render: Any, *, label: str, empty: rx.Component) -> rx.Component:
    """The lines as a list, or `empty` when there are none; `render(row)` gives one `finding_line`."""
    lines = rx.el.ol(rx.foreach(rows, render), class_name="lines", aria_label=label)
    return rx.cond(rows.length() > 0, lines, empty)
