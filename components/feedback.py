"""What a page says when there is nothing to show yet, nothing at all, a fault, or no right to see it."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.event import EventSpec

Action = rx.Component | None


def _state(kind: str, mark: rx.Component, title: Any, text: Any, *actions: Action, role: str | None = None) -> rx.Component:
    shown = [action for action in actions if action is not None]
    return rx.el.div(
        rx.el.div(mark, class_name="state-mark", aria_hidden="true"),
        rx.el.div(
            rx.el.h2(title, class_name="state-title"),
            rx.el.p(text, class_name="state-text") if isinstance(text, rx.Var) or text else rx.fragment(),
            rx.el.div(*shown, class_name="state-actions") if shown else rx.fragment(),
            class_name="state-body",
        ),
        class_name=f"state state-{kind}",
        **({"role": role} if role else {}),
    )


def empty_state(title: Any, text: Any = "", *actions: Action) -> rx.Component:
    """An empty list: why it is empty and what to do next."""
    return _state("empty", rx.el.span(class_name="plumb"), title, text, *actions)


def loading_state(label: str = "Loading") -> rx.Component:
    """Placeholder lines while the first answer is on its way; announced politely."""
    return rx.el.div(
        rx.el.span(label, class_name="sr-only"),
        *[rx.el.div(class_name=f"skeleton skeleton-{n}", aria_hidden="true") for n in range(1, 6)],
        role="status",
        class_name="loading",
    )


def error_state(text: Any, on_retry: Any = None, *, title: Any = "This could not be loaded") -> rx.Component:
    """A fault with a way to try again."""
    retry = rx.el.button("Try again", type="button", class_name="btn", on_click=on_retry) if on_retry is not None else None
    return _state("error", rx.icon("triangle-alert", size=18), title, text, retry, role="alert")


def no_rights_state(reason: Any = "") -> rx.Component:
    """Signed in, but not allowed: why, where that is known, and whom to ask."""
    why: Any = rx.Var.create(reason).to(str)
    stop = rx.cond((why == "") | why.endswith("."), "", ".")
    text = rx.Var.create(f"{why}{stop} Ask an owner of this instance for access.")
    return _state("no-rights", rx.icon("lock", size=18), "You may not see this", text)


def not_found_state(title: Any, text: Any, *actions: Action) -> rx.Component:
    """A link that leads nowhere (any more)."""
    return _state("not-found", rx.icon("unlink", size=18), title, text, *actions)


def notice(text: Any, *children: rx.Component, tone: str = "neutral") -> rx.Component:
    """One sentence above the content that the reader must know. Tones as for `badge`."""
    return rx.el.div(rx.el.p(text), *children, class_name=f"notice notice-{tone}", role="note")


def job_progress(percent: Any, phase: Any, *, label: Any = "Progress", actions: Action = None) -> rx.Component:
    """A running job: bar, what it is doing, and a way to stop it."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(class_name="progress-fill", style={"width": f"{percent}%"}),
            class_name="progress-bar",
            role="progressbar",
            aria_label=label,
            aria_valuenow=percent,
            aria_valuemin=0,
            aria_valuemax=100,
        ),
        rx.el.div(
            rx.el.span(f"{percent}\u00a0%", class_name="num"),
            rx.el.span(phase, class_name="muted"),
            actions if actions is not None else rx.fragment(),
            class_name="progress-line",
        ),
        class_name="progress",
    )


def toast_done(text: str) -> EventSpec:
    """Tell that something was done."""
    return rx.toast.success(text)


def toast_failed(text: str) -> EventSpec:
    """Tell that something was refused or failed, in a sentence."""
    return rx.toast.error(text, duration=8000)
