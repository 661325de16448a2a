"""Buttons, fields and switches, all native controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

_CONTROLS = ("input", "textarea", "select", "DebounceInput")


def button(*children: Any, kind: str = "plain", small: bool = False, **props: Any) -> rx.Component:
    """A button. Kinds: plain, primary (one per view), quiet, danger."""
    size = " btn-small" if small else ""
    props.setdefault("type", "button")
    return rx.el.button(*children, class_name=f"btn btn-{kind}{size}", **props)


def link_button(*children: Any, href: Any, kind: str = "plain", small: bool = False, **props: Any) -> rx.Component:
    """A link that looks like a button; navigates inside the app."""
    size = " btn-small" if small else ""
    return rx.link(*children, href=href, class_name=f"btn btn-{kind}{size}", underline="none", **props)


def text_link(*children: Any, href: Any, **props: Any) -> rx.Component:
    """A link inside the app in running text or a table cell."""
    props.setdefault("class_name", "link")
    return rx.link(*children, href=href, underline="none", **props)


def form_field(
    label: Any,
    control: rx.Component,
    *,
    field_id: str,
    hint: Any = None,
    error: Any = None,
) -> rx.Component:
    """Label, control, hint and error in one block. The control, or a part of it, carries id=`field_id`.

    `error` is a Var or text, shown when not empty. While it is, the control is invalid and described by it, and a form that
    came back with it leads the focus there (assets/plumbline.js). Raises ValueError when there is an error and no such control.
    """
    if error is not None:
        faulty = _control_of(control, field_id)
        if faulty is None:
            raise ValueError(f"nothing in the field carries the id {field_id}")
        is_wrong = rx.cond(error != "", "true", "false") if isinstance(error, rx.Var) else str(error != "").lower()
        described = {"aria-describedby": f"{field_id}-hint {field_id}-error"}
        faulty.custom_attrs = {**described, **faulty.custom_attrs, "aria-invalid": is_wrong}
    parts: list[rx.Component] = [rx.el.label(label, html_for=field_id, class_name="field-label"), control]
    if hint is not None:
        parts.append(rx.el.p(hint, id=f"{field_id}-hint", class_name="field-hint"))
    if error is not None:
        message = rx.el.p(error, id=f"{field_id}-error", role="alert", class_name="field-error")
        parts.append(rx.cond(error != "", message, rx.fragment()) if isinstance(error, rx.Var) else message)
    return rx.el.div(*parts, class_name="field")


def _control_of(part: Any, field_id: Any) -> Any:
    """The native control with the id, the part itself or something in it."""
    if str(part.tag).strip('"') in _CONTROLS and str(part.id) == str(field_id):
        return part
    return next((found for child in part.children if (found := _control_of(child, field_id)) is not None), None)


def text_input(*, field_id: str, **props: Any) -> rx.Component:
    """A one-line input with the id its `form_field` names."""
    return rx.el.input(id=field_id, aria_describedby=f"{field_id}-hint {field_id}-error", class_name="input", **props)


def text_area(*, field_id: str, is_code: bool = False, **props: Any) -> rx.Component:
    """A multi-line input with the id its `form_field` names; `is_code` sets it in the type of code."""
    look = "input mono" if is_code else "input"
    return rx.el.textarea(id=field_id, aria_describedby=f"{field_id}-hint {field_id}-error", class_name=look, **props)


def select_input(options: Any, *, field_id: str, label: str | None = None, **props: Any) -> rx.Component:
    """A native select. `options` are (value, text) pairs or a Var of [value, text] lists; `label` when no form_field names it."""
    if isinstance(options, rx.Var):
        choices: Any = rx.foreach(options, lambda option: rx.el.option(option[1], value=option[0]))
        children = [choices]
    else:
        children = [rx.el.option(text, value=value) for value, text in options]
    named = {"aria_label": label} if label else {"aria_describedby": f"{field_id}-hint {field_id}-error"}
    return rx.el.select(*children, id=field_id, class_name="input select", **named, **props)


def search_input(value: Any, on_change: Any, *, label: str, field_id: str = "search", placeholder: str = "") -> rx.Component:
    """A search box that reports 250 ms after the last key."""
    return rx.el.div(
        rx.icon("search", size=14, class_name="search-icon", aria_hidden="true"),
        rx.debounce_input(
            rx.el.input(
                id=field_id,
                type="search",
                value=value,
                on_change=on_change,
                placeholder=placeholder or label,
                aria_label=label,
                auto_complete="off",
                class_name="input search-input",
            ),
            debounce_timeout=250,
        ),
        class_name="search-box",
    )


def segmented(options: Sequence[tuple[str, str]], value: Any, on_choose: Any, *, label: str) -> rx.Component:
    """A few exclusive choices in one strip; `on_choose` gets the chosen value. Pressed state is announced."""
    return rx.el.div(
        *[
            rx.el.button(
                text,
                type="button",
                aria_pressed=rx.cond(value == option, "true", "false"),
                class_name="segment",
                on_click=on_choose(option),
            )
            for option, text in options
        ],
        role="group",
        aria_label=label,
        class_name="segmented",
    )


def dialog(
    *children: Any,
    title: Any,
    open_: Any,
    on_open_change: Any,
    description: Any = None,
) -> rx.Component:
    """A modal with a title and, last, its own row of buttons (`dialog_actions`). Focus and Escape are handled."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, class_name="dialog-title"),
            rx.dialog.description(description, class_name="dialog-text")
            if description is not None
            else rx.dialog.description(title, class_name="sr-only"),
            *children,
            class_name="dialog",
        ),
        open=open_,
        on_open_change=on_open_change,
    )


def dialog_actions(*buttons: rx.Component) -> rx.Component:
    """The row of buttons that ends a dialog; the action first in reading order is the safe one."""
    return rx.el.div(*buttons, class_name="dialog-actions")


def toolbar(*children: Any) -> rx.Component:
    """Search, filters and switches above a list."""
    return rx.el.div(*children, class_name="toolbar")
