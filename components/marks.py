"""Small signs inside a line of text: badge, direction, figure, time, copy button."""

from __future__ import annotations

from typing import Any

import reflex as rx

Text = str | rx.Var[str]


def badge(text: Text, tone: Text = "neutral", *, dot: bool = False) -> rx.Component:
    """A word in a quiet pill. Tones: neutral, accent, ok, warn, bad, unknown. The word carries the meaning, not the colour."""
    mark = [rx.el.span(class_name="badge-dot", aria_hidden="true")] if dot else []
    return rx.el.span(*mark, text, class_name=f"badge badge-{tone}")


def direction_mark(direction: Any) -> rx.Component:
    """Triangle up in amber for a spike, down in red for a drop; screen readers hear the word."""
    return rx.el.span(
        rx.el.span(direction, class_name="sr-only"),
        class_name=f"direction direction-{direction}",
    )


def kpi(label: str, value: Any, *, note: Any = None, tone: Text = "neutral", href: Any = None, delta: Any = None) -> rx.Component:
    """One figure of a figure row: label above, number large, comparison beneath. `href` makes it a link."""
    children = [
        rx.el.dt(label, class_name="kpi-label"),
        rx.el.dd(
            rx.el.span(value, class_name="kpi-value"),
            *([rx.el.span(delta, class_name="kpi-delta")] if delta is not None else []),
            class_name="kpi-line",
        ),
        *([rx.el.dd(note, class_name="kpi-note")] if note is not None else []),
    ]
    if href is not None:
        children.append(rx.el.dd(rx.el.a(f"Open {label.lower()}", href=href, class_name="kpi-link"), class_name="kpi-go"))
    return rx.el.div(*children, class_name=f"kpi kpi-{tone}")


def kpi_row(*items: rx.Component) -> rx.Component:
    """Figures side by side, parted by hairlines; wraps on narrow screens."""
    return rx.el.dl(*items, class_name="kpi-row")


def time_text(text: Any, iso: Any = "", *, title: Any = None) -> rx.Component:
    """A time as text with its machine form. `text` already names the zone (components.format.local_time)."""
    return rx.el.time(text, date_time=iso, title=title if title is not None else iso, class_name="time")


def copy_button(value: Any, label: str = "Copy") -> rx.Component:
    """Puts the value on the clipboard and says so."""
    return rx.el.button(
        rx.icon("copy", size=14, aria_hidden="true"),
        label,
        type="button",
        class_name="btn btn-small btn-quiet",
        on_click=[rx.set_clipboard(value), rx.toast.success("Copied")],
    )


def code_block(text: Any, *, label: str, copyable: bool = True) -> rx.Component:
    """Text to be copied into a terminal or an editor, scrolling sideways rather than wrapping."""
    return rx.el.div(
        rx.el.pre(rx.el.code(text), tab_index=0, role="region", aria_label=label),
        *([rx.el.div(copy_button(text), class_name="code-copy")] if copyable else []),
        class_name="code-block",
    )


def spark_bars(path: Any, label: Any) -> rx.Component:
    """A row of bars from one SVG path (components.chart_data.spark_path), 96 by 20."""
    return rx.el.svg(
        rx.el.svg.path(d=path),
        view_box="0 0 96 20",
        role="img",
        aria_label=label,
        class_name="spark",
        custom_attrs={"preserveAspectRatio": "none"},
    )
