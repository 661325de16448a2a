"""The parts of the page of anomaly settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx

from components import (
    Column,
    button,
    data_table,
    empty_state,
    form_field,
    line_chart,
    row_link,
    section,
    select_input,
    text_input,
)


@dataclass(frozen=True, slots=True)
class Dial:
    """One number of the settings: what it is called, what it does, and how far its slider goes; the box takes every legal value."""

    name: str
    label: str
    hint: str
    low: float
    high: float
    step: float
    least: float
    most: float


DIALS = (
    Dial(
        "sigma_threshold", "Sigma threshold", "How many spreads a count must be away from what was expected.", 1, 10, 0.1, 0.1, 1e6
    ),
    Dial(
        "min_expected_count",
        "Least expected count",
        "Buckets that expect fewer events are not judged.",
        0,
        200,
        1,
        0,
        2_000_000_000,
    ),
    Dial(
        "baseline_window_buckets",
        "Baseline window",
        "Buckets to look back where no day or week can be told apart yet.",
        1,
        168,
        1,
        1,
        10_000,
    ),
    Dial("min_history_buckets", "Least history", "Buckets that must lie behind before anything is judged.", 1, 168, 1, 1, 10_000),
)
SCOPES = (
    ("detect_project_total", "Project total"),
    ("detect_event_types", "Event types"),
    ("detect_events", "Events"),
)


def dials(state: Any) -> rx.Component:
    """Switches and sliders; everything is off for viewers."""
    locked = state.user_role == "viewer"
    return rx.el.div(
        rx.el.div(
            _switch(state.draft.anomaly_detection_enabled, "anomaly_detection_enabled", "Detection is on", state, locked),
            class_name="switches",
        ),
        rx.el.fieldset(
            rx.el.legend("What is judged", class_name="field-label"),
            *[_switch(state.draft[name], name, label, state, locked) for name, label in SCOPES],
            class_name="switches",
        ),
        *[_dial(state, dial, locked) for dial in DIALS],
    )


def _switch(value: Any, name: str, label: str, state: Any, locked: Any) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            checked=value,
            disabled=locked,
            on_change=lambda checked: state.set_switch(name, checked),
        ),
        label,
    )


def _dial(state: Any, dial: Dial, locked: Any) -> rx.Component:
    value = state.numbers[dial.name]
    return rx.el.div(
        rx.el.label(dial.label, html_for=dial.name),
        rx.debounce_input(
            rx.el.input(
                type="range",
                min=dial.low,
                max=dial.high,
                step=dial.step,
                value=value,
                disabled=locked,
                aria_label=f"{dial.label}, slider",
                on_change=lambda text: state.set_number(dial.name, text),
            ),
            debounce_timeout=180,
        ),
        rx.debounce_input(
            rx.el.input(
                id=dial.name,
                type="number",
                min=dial.least,
                max=dial.most,
                step="any" if dial.step < 1 else 1,
                value=value,
                disabled=locked,
                class_name="input",
                aria_describedby=f"{dial.name}-hint",
                on_change=lambda text: state.set_number(dial.name, text),
            ),
            debounce_timeout=400,
        ),
        rx.el.p(dial.hint, id=f"{dial.name}-hint"),
        class_name="dial",
    )


def preview_panel(state: Any) -> rx.Component:
    """What the settings as they stand on the page would have found."""
    shown = state.preview
    before = rx.cond(
        state.is_changed,
        rx.el.span(rx.el.span(state.stored_alarms, class_name="num-plain"), " with what is saved", class_name="muted"),
        rx.fragment(),
    )
    return rx.el.div(
        rx.el.p(
            "With these settings: ",
            rx.el.span(shown.alarms_text, class_name="num"),
            before,
            class_name="verdict-line",
            role="status",
        ),
        rx.el.p(rx.cond(shown.reason != "", shown.reason, shown.basis), class_name="muted"),
        rx.cond(
            shown.choices.length() > 0,
            rx.fragment(
                rx.el.div(
                    select_input(shown.choices, field_id="drawn", label="Series", value=shown.drawn, on_change=state.draw),
                    class_name="toolbar preview-series",
                ),
                line_chart(shown.chart, height=260),
                data_table(
                    [
                        Column(
                            "Series",
                            lambda row: rx.el.span(
                                rx.el.button(row.name, type="button", class_name="link-button", on_click=state.draw(row.choice)),
                                rx.el.span(row.kind, class_name="cell-sub"),
                            ),
                        ),
                        Column("Alarms last week", lambda row: row.count, numeric=True),
                    ],
                    shown.rows,
                    caption="Series with most alarms",
                    empty=empty_state("No alarm at all", "Every bucket of the last week stays within its range."),
                ),
            ),
            rx.fragment(),
        ),
        class_name=rx.cond(state.is_waiting, "is-waiting", ""),
    )


def overrides(state: Any) -> rx.Component:
    """Series with rules of their own."""
    may_write = state.user_role != "viewer"
    return section(
        "Series with rules of their own",
        data_table(
            [
                Column("Series", lambda row: rx.el.span(row_link(row.name, row.href), rx.el.span(row.kind, class_name="cell-sub"))),
                Column("Scan", lambda row: row.scan, secondary=True),
                Column("Rules", lambda row: row.rules),
                Column(
                    "",
                    lambda row: rx.cond(
                        may_write & row.is_tuned,
                        button(
                            "Reset",
                            kind="quiet",
                            small=True,
                            aria_label=f"Judge {row.name} as the project says",
                            on_click=state.reset_scope(row.choice),
                        ),
                        rx.fragment(),
                    ),
                    width="80px",
                ),
            ],
            state.view.overrides,
            caption="Series with rules of their own",
            empty=empty_state(
                "Every series is judged by these settings",
                "A false positive in the inbox makes its series less sensitive, and no other.",
            ),
        ),
        note="a false positive counts until somebody takes it back",
    )


def planned_events(state: Any) -> rx.Component:
    """Windows whose departures are explained."""
    may_write = state.user_role != "viewer"
    zone = state.zone_name

    def one(label: Any, name: str, **props: Any) -> rx.Component:
        control = text_input(field_id=name, name=name, required=True, **props)
        return form_field(label, control, field_id=name, error=state.errors.get(name, ""))

    form = rx.form(
        rx.el.div(
            one("What is planned", "name", max_length=200),
            one(f"From ({zone})", "starts", type="datetime-local"),
            one(f"To ({zone})", "ends", type="datetime-local"),
            button("Add", type="submit"),
            class_name="planned-form",
        ),
        # What was planned is another form; a refused one keeps what was typed.
        key=state.planned_drawn,
        on_submit=state.plan,
        reset_on_submit=False,
    )
    return section(
        "Planned events",
        data_table(
            [
                Column("What", lambda row: row.name),
                Column("Series", lambda row: row.scope, secondary=True),
                Column("When", lambda row: row.span),
                Column(
                    "",
                    lambda row: rx.cond(
                        may_write,
                        button("Remove", kind="quiet", small=True, aria_label=f"Remove {row.name}", on_click=state.drop(row.id)),
                        rx.fragment(),
                    ),
                    width="90px",
                ),
            ],
            state.view.planned,
            caption="Planned events",
            empty=empty_state("Nothing is planned", "A launch or a migration that is planned explains what departs meanwhile."),
        ),
        rx.cond(may_write, form, rx.fragment()),
        note="departures in such a window are shown as expected, and nobody is alerted",
    )
