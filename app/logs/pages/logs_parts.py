"""The parts of the page of logs."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from components import (
    Column,
    badge,
    button,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    link_button,
    pager,
    section,
    select_input,
    text_input,
    time_text,
)


def anomaly_section(view: Any) -> rx.Component:
    """Minutes above their threshold."""
    return section(
        "Above threshold",
        data_table(
            [
                Column("Minute", lambda row: time_text(row.when, row.iso)),
                Column("Service", lambda row: row.service),
                Column("Severity", lambda row: badge(row.severity, row.tone)),
                Column("Lines", lambda row: row.count, numeric=True),
                Column("Threshold", lambda row: row.threshold, numeric=True, secondary=True),
                Column("Excess", lambda row: row.ratio, numeric=True),
            ],
            view.anomalies,
            caption="Minutes with more lines than their threshold",
            empty=empty_state("No minute was above its threshold", "Every minute of this period stayed within what is allowed."),
        ),
    )


def line_section(state: Any) -> rx.Component:
    """The lines themselves."""
    view = state.view
    return section(
        "Lines",
        data_table(
            [
                Column("Time", lambda row: time_text(row.when, row.iso), width="11em"),
                Column("Service", lambda row: row.service, width="11em", secondary=True),
                Column("Severity", lambda row: badge(row.severity, row.tone), width="7em", secondary=True),
                Column(
                    "Message",
                    lambda row: rx.el.div(
                        rx.el.span(badge(row.severity, row.tone), " ", row.service, class_name="log-narrow"),
                        rx.el.span(row.message, class_name="log-message"),
                        rx.el.span(row.detail, class_name="cell-sub log-detail"),
                    ),
                ),
            ],
            view.lines,
            caption="Log lines, newest first",
            empty=rx.cond(
                state.is_narrowed,
                empty_state(
                    "No line matches",
                    "Lines of this period were searched for the text in their message.",
                    link_button("Show all", href=ui_paths.project_logs(slug_var())),
                ),
                empty_state(
                    "No lines in this period",
                    "Send NDJSON to /v0/events?name=system_logs with a key for logs.",
                    link_button("Make a key", href=ui_paths.project_keys(slug_var())),
                ),
            ),
            pager=pager(state.first, state.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1), noun="lines"),
        ),
    )


def threshold_section(state: Any, add: Any, may_edit: Any) -> rx.Component:
    """Thresholds in force and those switched off."""

    def change(row: Any) -> Any:
        press = button(
            "Change",
            small=True,
            on_click=state.ask_threshold(row.service, row.severity, row.per_minute, row.state),
            custom_attrs={"aria-label": f"Change the threshold of {row.service} {row.severity}"},
        )
        return rx.cond(may_edit, press, rx.fragment())

    return section(
        "Thresholds",
        data_table(
            [
                Column("Service", lambda row: row.service),
                Column("Severity", lambda row: badge(row.severity, row.tone)),
                Column("Per minute", lambda row: row.per_minute, numeric=True),
                Column("State", lambda row: badge(row.state, rx.cond(row.state == "on", "ok", "neutral"))),
                Column("Changed", lambda row: time_text(row.changed, row.iso), secondary=True),
                Column("", change),
            ],
            state.view.thresholds,
            caption="Thresholds of this project",
            empty=empty_state(
                "No thresholds",
                "A threshold says how many lines of a service and severity a minute may have; minutes above it are listed here.",
            ),
        ),
        actions=[add],
    )


def threshold_dialog(state: Any) -> rx.Component:
    """The form of one threshold."""
    edited = state.edited
    return dialog(
        rx.form(
            form_field(
                "Service",
                text_input(
                    field_id="service", name="service", default_value=edited["service"], required=True, max_length=500,
                    disabled=state.is_known,
                ),
                field_id="service",
                error=state.errors.get("service", ""),
            ),
            form_field(
                "Severity",
                text_input(
                    field_id="level", name="severity", default_value=edited["severity"], required=True, max_length=200,
                    disabled=state.is_known,
                ),
                field_id="level",
                hint="As the service writes it, for example ERROR.",
                error=state.errors.get("severity", ""),
            ),
            form_field(
                "Lines per minute",
                text_input(
                    field_id="per_minute", name="per_minute", type="number", min="0", step="any",
                    default_value=edited["per_minute"], required=True,
                ),
                field_id="per_minute",
                hint="A minute with more lines than this is an anomaly.",
                error=state.errors.get("per_minute", ""),
            ),
            form_field(
                "State",
                select_input([("on", "On"), ("off", "Off")], field_id="state", name="state", default_value=edited["state"]),
                field_id="state",
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_editing(False)),
                button("Save threshold", kind="primary", type="submit"),
            ),
            on_submit=state.save_threshold,
            reset_on_submit=False,
        ),
        title=rx.cond(state.is_known, "Change the threshold", "Add a threshold"),
        description="The change is kept as a further row; earlier ones stay on record.",
        open_=state.is_editing,
        on_open_change=state.set_editing,
    )  # fmt: skip
