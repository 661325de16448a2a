"""The form of a rule: whom it tells, about what, from which size on, and in which words."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.alerting.pages.rule_form import DIRECTIONS, FIELDS, OPERATORS, SCOPES
from app.alerting.templates import ITEM_VARIABLES, MESSAGE_VARIABLES
from components import button, form_field, section, select_input, text_area, text_input, text_link
from components.inline_edit import cell_select, check_box, icon_button

TYPING_PAUSE = 350


def rule_form(state: Any) -> rx.Component:
    """Everything that can be said about a rule; switched off as a whole for those who may not write."""
    return rx.el.fieldset(
        rx.el.legend("The rule", class_name="sr-only"),
        section(
            "Who is told",
            rx.el.div(_text(state, "Name", "name", placeholder="Revenue events drop"), _destination(state), class_name="pair"),
            rx.el.div(
                _switch(state, "enabled", "The rule is switched on", ""),
                _switch(
                    state,
                    "ai_explanation_enabled",
                    "The assistant explains what happened",
                    "Two sentences under the message, while it is on",
                ),
                class_name="rule-switches",
            ),
        ),
        section(
            "About what",
            rx.el.div(*[_switch(state, name, label, hint) for name, label, hint in SCOPES], class_name="rule-switches"),
            rx.el.div(*[_switch(state, name, label, "") for name, label in DIRECTIONS], class_name="rule-line"),
            _refusal(state, "notify_on_drop"),
        ),
        section(
            "From which size on",
            rx.el.div(
                _number(state, "Percent of the expected count", "min_percent_delta", "Drifts have no size and always pass."),
                _number(state, "Events more or less", "min_absolute_delta", "Keeps small series quiet."),
                _number(state, "Expected at least", "min_expected_count", "Below it nothing is told."),
                form_field(
                    "At most",
                    select_input(
                        state.cooldowns,
                        field_id="cooldown_minutes",
                        value=state.texts["cooldown_minutes"],
                        on_change=lambda value: state.set_text("cooldown_minutes", value),
                    ),
                    field_id="cooldown_minutes",
                    hint="About the same thing, counted from the last message that arrived.",
                    error=state.errors.get("cooldown_minutes", ""),
                ),
                class_name="pair",
            ),
        ),
        section(
            "Only for",
            rx.cond(
                state.filters.length() > 0,
                rx.el.ul(rx.foreach(state.filters, lambda one, place: _filter(state, one, place)), class_name="rule-filters"),
                rx.el.p("Everything of the kinds chosen above.", class_name="muted"),
            ),
            _refusal(state, "filters"),
            rx.cond(
                state.view.may_write,
                rx.el.div(
                    button(rx.icon("plus", size=14), "Add a condition", on_click=state.add_filter, small=True),
                    class_name="rule-line",
                ),
                rx.fragment(),
            ),
        ),
        _template_section(state),
        disabled=~state.view.may_write,
        class_name="rule-form",
    )


def _destination(state: Any) -> rx.Component:
    chosen = select_input(
        state.view.destinations,
        field_id="destination_id",
        value=state.texts["destination_id"],
        on_change=lambda value: state.set_text("destination_id", value),
    )
    return rx.cond(
        state.view.is_new,
        form_field("Destination", chosen, field_id="destination_id", hint="It stays for the life of the rule."),
        rx.el.div(
            rx.el.span("Destination", class_name="field-label"),
            rx.el.p(text_link(state.view.destination_name, href=state.view.destination_href)),
            class_name="field",
        ),
    )


def _text(state: Any, label: str, name: str, *, hint: str | None = None, **props: Any) -> rx.Component:
    control = text_input(
        field_id=name, value=state.texts[name], on_change=lambda value: state.set_text(name, value), auto_complete="off", **props
    )
    typed = rx.debounce_input(control, debounce_timeout=TYPING_PAUSE)
    return form_field(label, typed, field_id=name, hint=hint, error=state.errors.get(name, ""))


def _number(state: Any, label: str, name: str, hint: str) -> rx.Component:
    return _text(state, label, name, hint=hint, input_mode="decimal")


def _switch(state: Any, name: str, label: str, hint: str) -> rx.Component:
    words: Any = rx.fragment(label, rx.el.span(hint, class_name="rule-hint")) if hint else label
    return check_box(words, state.switches[name], lambda is_on: state.toggle(name, is_on), name=name, is_label_shown=True)


def _refusal(state: Any, name: str) -> rx.Component:
    message = state.errors.get(name, "")
    return rx.cond(message != "", rx.el.p(message, role="alert", class_name="field-error"), rx.fragment())


def _filter(state: Any, one: Any, place: Any) -> rx.Component:
    return rx.el.li(
        cell_select(FIELDS, "What the condition looks at", one.about, lambda value: state.set_filter_field(place, value)),
        cell_select(OPERATORS, "How it compares", one.operator, lambda value: state.set_filter_operator(place, value)),
        rx.el.span(
            rx.foreach(
                one.chosen,
                lambda value: rx.el.span(
                    value[1],
                    rx.el.button(
                        "×",
                        type="button",
                        on_click=state.remove_value(place, value[0]),
                        class_name="rule-chip-x",
                        custom_attrs={"aria-label": f"Remove {value[1]}"},
                    ),
                    class_name="chip rule-chip",
                ),
            ),
            select_input(
                one.choices,
                field_id=f"add-{place}",
                label="Add a value",
                value="",
                on_change=lambda value: state.add_value(place, value),
            ),
            class_name="rule-values",
        ),
        icon_button("trash-2", "Remove the condition", state.remove_filter(place)),
        class_name="rule-filter",
    )


def _template_section(state: Any) -> rx.Component:
    def area(label: str, name: str, variables: frozenset[str]) -> rx.Component:
        control = text_area(
            field_id=name,
            rows=4,
            value=state.texts[name],
            on_change=lambda value: state.set_text(name, value),
            spell_check=False,
            placeholder="Empty: the usual text",
        )
        names = ", ".join(f"${{{one}}}" for one in sorted(variables))
        return rx.fragment(
            form_field(
                label,
                rx.debounce_input(control, debounce_timeout=TYPING_PAUSE),
                field_id=name,
                error=state.errors.get(name, ""),
            ),
            rx.el.details(rx.el.summary("Variables"), rx.el.p(names, class_name="rule-variables"), class_name="rule-details"),
        )

    return section(
        "Message",
        rx.cond(
            state.formats.length() > 1,
            form_field(
                "Format",
                select_input(
                    state.formats,
                    field_id="message_format",
                    value=state.texts["message_format"],
                    on_change=lambda value: state.set_text("message_format", value),
                ),
                field_id="message_format",
                error=state.errors.get("message_format", ""),
            ),
            rx.fragment(),
        ),
        area("Text of the message", "message_template", MESSAGE_VARIABLES),
        area("Text of each item", "items_template", ITEM_VARIABLES),
    )
