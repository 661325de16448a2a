"""The builder of a threat model: its fields, the conditions of its steps, and beside them what it would have raised."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import security_paths, ui_paths
from app.frame import slug_var
from app.security.pages.threat_model_form import (
    FIELDS,
    GROUPINGS,
    JOINTS,
    OPERATORS,
    PATTERNS,
    SEVERITIES,
    WITHOUT_VALUE,
)
from app.security.pages.threat_models_parts import preview_section
from app.security.vocabulary import SEVERITIES as EVENT_SEVERITIES
from components import button, form_field, link_button, notice, section, select_input
from components.inline_edit import cell_error, check_box, icon_button

_TYPING_MILLISECONDS = 350


def editor(state: Any) -> rx.Component:
    """The form beside what the model would have raised."""
    return rx.fragment(
        rx.cond(
            state.view.is_editor,
            rx.fragment(),
            notice("Editors and owners keep models. You can try one here on what is stored."),
        ),
        rx.el.div(
            rx.el.div(_basics(state), _step(state, ""), _following(state), _actions(state), _lists()),
            rx.el.div(preview_section(state), class_name="preview-side"),
            class_name="split builder",
        ),
    )


def _basics(state: Any) -> rx.Component:
    return section(
        rx.cond(state.edited == ui_paths.NEW, "A model to add", "The model"),
        form_field(
            "Name",
            _typed("name", state.form["name"], lambda value: state.set_part("name", value), max_length=120),
            field_id="name",
            error=state.errors.get("name", ""),
        ),
        form_field(
            "Description",
            _typed("description", state.form["description"], lambda value: state.set_part("description", value), max_length=2_000),
            field_id="description",
            hint="What to do when it fires; shown in the list.",
        ),
        rx.el.div(
            form_field(
                "Severity of its alerts",
                select_input(
                    SEVERITIES,
                    field_id="severity",
                    value=state.form["severity"],
                    on_change=lambda value: state.set_part("severity", value),
                    disabled=state.form["has_next"] != "",
                ),
                field_id="severity",
                hint=rx.cond(state.form["has_next"] != "", "A sequence is always critical.", ""),
            ),
            form_field(
                "Count together events of",
                select_input(
                    GROUPINGS,
                    field_id="group",
                    value=state.form["group_by"],
                    on_change=lambda value: state.set_part("group_by", value),
                ),
                field_id="group",
            ),
            class_name="field-row",
        ),
    )


def _step(state: Any, prefix: str) -> rx.Component:
    """Which events count, and where their fields must say what. `prefix` is empty for the first step."""
    is_next = prefix != ""
    field, window = f"{prefix}pattern", f"{prefix}window"
    scope = "followed_by." if is_next else ""
    count = form_field(
        "How many",
        _typed("threshold", state.form["threshold"], lambda value: state.set_part("threshold", value), input_mode="numeric"),
        field_id="threshold",
        error=state.errors.get("threshold", ""),
    )
    body = rx.fragment(
        rx.el.div(
            form_field(
                "Events named",
                _typed(field, state.form[field], lambda value: state.set_part(field, value), list="event-names", max_length=100),
                field_id=field,
                hint="A star stands for anything: auth.*",
                error=state.errors.get(f"{scope}event_pattern", ""),
            ),
            rx.fragment() if is_next else count,
            form_field(
                "Within minutes",
                _typed(window, state.form[window], lambda value: state.set_part(window, value), input_mode="numeric"),
                field_id=window,
                error=state.errors.get(f"{scope}window_minutes", ""),
            ),
            class_name="field-row step-row",
        ),
        _conditions(state, prefix),
        cell_error(state.errors.get(f"{scope}conditions", "")),
    )
    return body if is_next else section("Events that count", body)


def _conditions(state: Any, prefix: str) -> rx.Component:
    step = "next" if prefix else "first"
    rows = state.next_rows if prefix else state.rows
    raw, joint = f"{prefix}raw", f"{prefix}joint"
    where = "following step" if prefix else "first step"
    return rx.cond(
        state.form[raw] != "",
        form_field(
            "Conditions as JSON",
            rx.debounce_input(
                rx.el.textarea(
                    id=raw, value=state.form[raw], on_change=lambda value: state.set_part(raw, value), rows="8",
                    spell_check=False, aria_describedby=f"{raw}-hint {raw}-error", class_name="input mono",
                ),
                debounce_timeout=_TYPING_MILLISECONDS,
            ),
            field_id=raw,
            hint="These conditions are nested, so they are shown as they are kept. Empty the box to start with rows.",
        ),
        rx.el.div(
            rx.cond(
                rows.length() > 1,
                rx.el.div(
                    rx.el.span("Where"),
                    select_input(
                        JOINTS,
                        field_id=joint,
                        label=f"How conditions of the {where} are joined",
                        value=state.form[joint],
                        on_change=lambda value: state.set_part(joint, value),
                    ),
                    class_name="joint",
                ),
                rx.fragment(),
            ),
            rx.foreach(rows, lambda row, place: _condition(state, step, where, row, place)),
            button(
                rx.icon("plus", size=14, aria_hidden="true"),
                "Add condition",
                small=True,
                on_click=state.add_row(step),
                custom_attrs={"aria-label": f"Add condition to the {where}"},
            ),
            class_name="conditions",
            role="group",
            aria_label=f"Conditions of the {where}",
        ),
    )  # fmt: skip


def _condition(state: Any, step: str, where: str, row: Any, place: Any) -> rx.Component:
    has_value = ~rx.Var.create(list(WITHOUT_VALUE)).to(list[str]).contains(row["operator"])
    number = place + 1
    return rx.el.div(
        _typed(
            f"{step}-field-{place}", row["field"], lambda value: state.set_row(step, place, "field", value),
            list="field-names", placeholder="Field", aria_label=f"Field of condition {number} of the {where}",
        ),
        select_input(
            OPERATORS,
            field_id=f"{step}-operator-{place}",
            label=f"Comparison of condition {number} of the {where}",
            value=row["operator"],
            on_change=lambda value: state.set_row(step, place, "operator", value),
        ),
        rx.cond(
            has_value,
            _typed(
                f"{step}-value-{place}", row["value"], lambda value: state.set_row(step, place, "value", value),
                placeholder="Value", aria_label=f"Value of condition {number} of the {where}",
            ),
            rx.el.span(),
        ),
        icon_button("x", f"Remove condition {number} of the {where}", state.remove_row(step, place)),
        class_name="condition",
    )  # fmt: skip


def _following(state: Any) -> rx.Component:
    return section(
        "What must follow",
        check_box(
            "It only fires when another event follows",
            state.form["has_next"] != "",
            lambda value: state.set_tick("has_next", value),
            is_label_shown=True,
        ),
        rx.cond(state.form["has_next"] != "", rx.el.div(_step(state, "next_"), class_name="section-body"), rx.fragment()),
    )


def _actions(state: Any) -> rx.Component:
    return rx.el.div(
        check_box(
            "On: holds for events from now on",
            state.form["is_enabled"] != "",
            lambda value: state.set_tick("is_enabled", value),
            is_label_shown=True,
        ),
        rx.el.div(
            link_button("Cancel", href=security_paths.project_threat_models(slug_var())),
            rx.cond(
                state.view.is_editor & state.view.is_booked,
                button("Save model", kind="primary", on_click=state.save),
                rx.fragment(),
            ),
            class_name="dialog-actions",
        ),
        class_name="section",
    )


def _lists() -> rx.Component:
    """What inputs suggest."""
    return rx.fragment(
        rx.el.datalist(*[rx.el.option(value=name) for name in (*PATTERNS, *sorted(EVENT_SEVERITIES))], id="event-names"),
        rx.el.datalist(*[rx.el.option(value=name) for name in FIELDS], id="field-names"),
    )


def _typed(field_id: Any, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """An input that reports when typing pauses."""
    described = f"{field_id}-hint {field_id}-error"
    return rx.debounce_input(
        rx.el.input(
            id=field_id,
            value=value,
            on_change=on_change,
            auto_complete="off",
            aria_describedby=described,
            class_name="input",
            **props,
        ),
        debounce_timeout=_TYPING_MILLISECONDS,
    )
