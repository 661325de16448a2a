"""Controls for editing where the thing stands: cells, switches, confirmations, and values with variables in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.forms import button, dialog, dialog_actions


@dataclass(frozen=True, slots=True)
class ValuePart:
    """A stretch of a value: plain text, or a variable's token."""

    text: str
    is_variable: bool


def cell_text(field_id: Any, label: Any, value: Any, on_blur: Any, *, error: Any = "") -> rx.Component:
    """A one-line input in a cell that saves when it is left; `error` is told beneath it."""
    return rx.el.div(
        rx.el.input(
            id=field_id,
            default_value=value,
            on_blur=on_blur,
            aria_label=label,
            aria_invalid=rx.cond(error != "", "true", "false"),
            auto_complete="off",
            class_name="input cell-input",
        ),
        cell_error(error),
        class_name="cell-edit",
    )


def cell_select(
    options: Sequence[tuple[str, str]], label: Any, value: Any, on_change: Any, *, disabled: Any = False
) -> rx.Component:
    """A choice in a cell that saves at once."""
    return rx.el.select(
        *[rx.el.option(text, value=choice) for choice, text in options],
        value=value,
        on_change=on_change,
        disabled=disabled,
        custom_attrs={"aria-label": label},
        class_name="input select cell-input",
    )


def cell_error(error: Any) -> rx.Component:
    """The refusal of a cell, announced."""
    return rx.cond(error != "", rx.el.p(error, role="alert", class_name="field-error"), rx.fragment())


def check_box(
    label: Any, checked: Any, on_change: Any, *, name: str | None = None, is_label_shown: bool = False, selects: bool = False
) -> rx.Component:
    """A tick with its label, which only screen readers hear unless `is_label_shown`. `selects` makes it answer to the key x.

    One that belongs to a form which keeps its draft needs a `name`.
    """
    attributes = {"data-selects": "true"} if selects else {}
    named = {"name": name} if name else {}
    return rx.el.label(
        rx.el.input(type="checkbox", checked=checked, on_change=on_change, class_name="tick", custom_attrs=attributes, **named),
        rx.el.span(label, class_name="" if is_label_shown else "sr-only"),
        class_name="tick-label",
    )


def form_check(label: Any, name: str, *, checked: Any = False) -> rx.Component:
    """A tick inside a form, sent as `name` when set."""
    return rx.el.label(
        rx.el.input(type="checkbox", name=name, default_checked=checked, class_name="tick"),
        rx.el.span(label),
        class_name="tick-label tick-line",
    )


def form_refusal(message: Any) -> rx.Component:
    """A refusal that belongs to no single field, above the buttons of a form."""
    if not isinstance(message, rx.Var) and not message:
        return rx.fragment()
    return rx.cond(message != "", rx.el.p(message, role="alert", class_name="field-error form-refusal"), rx.fragment())


def confirm_dialog(
    *,
    title: Any,
    text: Any,
    consequences: Any,
    confirm: Any,
    open_: Any,
    on_open_change: Any,
    on_confirm: Any,
    refusal: Any = "",
) -> rx.Component:
    """A question before something is lost; `consequences` is a Var of sentences that name what breaks."""
    return dialog(
        rx.cond(
            consequences.length() > 0,
            rx.el.ul(rx.foreach(consequences, rx.el.li), class_name="consequences"),
            rx.fragment(),
        ),
        form_refusal(refusal),
        dialog_actions(
            button("Cancel", on_click=on_open_change(False)),
            button(confirm, kind="danger", on_click=on_confirm),
        ),
        title=title,
        description=text,
        open_=open_,
        on_open_change=on_open_change,
    )


def swatch(color: Any) -> rx.Component:
    """The colour of a thing, beside its name."""
    return rx.el.span(class_name="swatch", style={"background": color}, aria_hidden="true")


def tag_list(tags: Any) -> rx.Component:
    """Tags in their order."""
    return rx.el.ul(rx.foreach(tags, lambda tag: rx.el.li(tag, class_name="tag")), class_name="tags")


def value_parts(parts: Any) -> rx.Component:
    """A value with its variables as chips; `parts` is a Var of ValuePart."""
    return rx.el.span(
        rx.foreach(
            parts,
            lambda part: rx.cond(part.is_variable, rx.el.code(part.text, class_name="chip"), rx.el.span(part.text)),
        ),
        class_name="value",
    )


def variable_chips(tokens: Any, *, label: str = "Insert a variable") -> rx.Component:
    """Buttons that put a token where the caret stands in a value of the same form."""
    return rx.cond(
        tokens.length() > 0,
        rx.el.div(
            rx.el.span(label, class_name="field-hint"),
            rx.foreach(
                tokens,
                lambda token: rx.el.button(
                    token, type="button", class_name="chip chip-button", custom_attrs={"data-insert": token}
                ),
            ),
            class_name="chips",
            role="group",
            aria_label=label,
        ),
        rx.fragment(),
    )


def move_buttons(row_id: Any, name: Any, on_up: Any, on_down: Any, *, is_first: Any, is_last: Any) -> rx.Component:
    """A step up or down for a row; Alt with an arrow key does the same from anywhere in it."""
    steps = (("up", "chevron-up", on_up, is_first), ("down", "chevron-down", on_down, is_last))
    return rx.el.span(
        *[
            rx.el.button(
                rx.icon(icon, size=14, aria_hidden="true"),
                rx.el.span(f"Move {name} {way}", class_name="sr-only"),
                type="button",
                id=f"{way}-{row_id}",
                disabled=disabled,
                on_click=handler,
                class_name="icon-btn icon-small",
                custom_attrs={"data-move": way},
            )
            for way, icon, handler, disabled in steps
        ],
        class_name="moves",
    )


def icon_button(icon: str, label: Any, on_click: Any, **props: Any) -> rx.Component:
    """A small button that shows an icon and says its label."""
    return rx.el.button(
        rx.icon(icon, size=15, aria_hidden="true"),
        rx.el.span(label, class_name="sr-only"),
        type="button",
        on_click=on_click,
        class_name="icon-btn icon-small",
        **props,
    )


def tab_links(tabs: Sequence[tuple[str, Any, Any]], active: Any, *, label: str) -> rx.Component:
    """Parts of a page behind one address each: (key, text, href)."""
    return rx.el.nav(
        rx.el.ul(
            *[
                rx.el.li(
                    rx.link(
                        text,
                        href=href,
                        underline="none",
                        class_name=rx.cond(active == key, "tab tab-current", "tab"),
                        custom_attrs={"aria-current": rx.cond(active == key, "page", "false")},
                    )
                )
                for key, text, href in tabs
            ]
        ),
        class_name="tabs",
        aria_label=label,
    )
