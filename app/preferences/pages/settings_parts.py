"""Parts of the settings page."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import badge, button, empty_state, section, text_area, text_input
from components.inline_edit import form_refusal


def settings_list(state: Any) -> rx.Component:
    """The sections with their settings, or what to do when a search left none."""
    return rx.cond(
        state.view.sections.length() > 0,
        rx.fragment(rx.foreach(state.view.sections, lambda part: _section(state, part))),
        empty_state(
            "No setting fits", "Search for another word, or show all settings.", button("Show all", on_click=state.show_all)
        ),
    )


def _section(state: Any, part: Any) -> rx.Component:
    return section(
        part.title,
        rx.match(part.key, ("ai", _assistant(state)), ("email", _mail(state)), rx.fragment()),
        rx.el.ul(rx.foreach(part.rows, lambda row: _setting(state, row)), class_name="settings", aria_label=part.title),
    )


def _setting(state: Any, row: Any) -> rx.Component:
    is_open = state.open_name == row.name
    return rx.el.li(
        rx.el.div(
            rx.el.p(row.title, class_name="setting-title"),
            rx.el.p(row.key_line, class_name="setting-key"),
            rx.cond(row.note != "", rx.el.p(row.note, class_name="setting-note"), rx.fragment()),
        ),
        rx.el.p(row.shown, class_name="setting-value"),
        rx.el.div(badge(row.origin, row.tone)),
        rx.el.div(
            rx.cond(
                row.is_changed,
                button(
                    "Reset", small=True, on_click=state.reset_to_default(row.name), custom_attrs={"aria-label": f"Reset {row.name}"}
                ),
                rx.fragment(),
            ),
            rx.cond(
                row.is_changeable & ~is_open,
                button("Change", small=True, on_click=state.open_form(row.name), custom_attrs={"aria-label": f"Change {row.name}"}),
                rx.fragment(),
            ),
            rx.cond(row.is_changeable | (row.note != ""), rx.fragment(), rx.el.span("set outside", class_name="muted")),
            class_name="setting-actions",
        ),
        rx.cond(is_open, _form(state, row), rx.fragment()),
        key=row.name,
        class_name="setting",
    )


def _form(state: Any, row: Any) -> rx.Component:
    common: dict[str, Any] = {
        "name": "value",
        "default_value": row.entered,
        "custom_attrs": {"aria-label": f"Value of {row.name}"},
        "auto_focus": True,
    }
    control = rx.match(
        row.control,
        (
            "choice",
            rx.el.select(
                rx.foreach(row.choices, lambda choice: rx.el.option(choice[1], value=choice[0])),
                id="setting-choice",
                class_name="input select",
                **common,
            ),
        ),
        ("text", text_area(field_id="setting-text", rows=7, **common)),
        ("number", text_input(field_id="setting-number", input_mode="decimal", auto_complete="off", **common)),
        (
            "sealed",
            text_input(
                field_id="setting-secret",
                type="password",
                auto_complete="new-password",
                placeholder="Stored sealed and never shown again",
                **common,
            ),
        ),
        text_input(field_id="setting-line", auto_complete="off", **common),
    )
    return rx.form(
        control,
        form_refusal(state.refusal),
        rx.el.div(
            button("Save", kind="primary", type="submit", small=True),
            button("Cancel", small=True, on_click=state.open_form(""), custom_attrs={"data-leaves": "true"}),
            class_name="form-actions",
        ),
        on_submit=state.save,
        reset_on_submit=False,
        class_name="setting-form",
        custom_attrs={"data-guard": "true"},
    )


def _mail(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            "Alerts, invitations and links for forgotten passwords go out through this server. The test goes to your own address.",
            class_name="setting-note",
        ),
        button(
            rx.cond(state.is_mailing, "Sending…", "Send a test mail"),
            small=True,
            on_click=state.test_mail,
            disabled=state.is_mailing,
        ),
        _outcome(state.mail_message, state.is_mail_fine, "sent"),
        class_name="assistant-card",
    )


def _outcome(message: Any, is_fine: Any, word: str) -> rx.Component:
    return rx.el.p(
        rx.cond(
            message != "",
            rx.fragment(badge(rx.cond(is_fine, word, "failed"), rx.cond(is_fine, "ok", "bad"), dot=True), " ", message),
            "",
        ),
        role="status",
        class_name="assistant-answer",
    )


def _assistant(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            badge(rx.cond(state.view.is_assistant_on, "on", "off"), rx.cond(state.view.is_assistant_on, "ok", "neutral"), dot=True)
        ),
        rx.el.p(state.view.assistant, class_name="setting-note"),
        button(
            rx.cond(state.is_testing, "Asking the model…", "Test the connection"),
            small=True,
            on_click=state.test_model,
            disabled=state.is_testing,
        ),
        _outcome(state.test_message, state.is_test_fine, "answered"),
        class_name="assistant-card",
    )
