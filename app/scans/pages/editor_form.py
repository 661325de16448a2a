"""The form of a scan: its query, how rows become events, and when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from components import button, form_field, section, select_input, text_area, text_input
from components.inline_edit import form_refusal

INTERVALS = (("", "By hand only"), ("15m", "15 minutes"), ("1h", "Hour"), ("6h", "6 hours"), ("1d", "Day"), ("1w", "Week"))
CHUNKS = (("", "In one piece"), *INTERVALS[1:])
COLUMN_LIST = "scan-columns"
QUERY_HINT = (
    "One SELECT or WITH statement that only reads. In the built-in event store for example: SELECT source, name, time FROM events"
)


def query_section(state: Any) -> rx.Component:
    """Name, data source and SQL, with a look at the rows."""
    return section(
        "Query",
        rx.el.div(
            _text(state, "Name", "name"),
            form_field(
                "Data source",
                select_input(
                    state.view.sources,
                    field_id="data_source_id",
                    value=state.form["data_source_id"],
                    on_change=lambda value: state.set_text("data_source_id", value),
                    disabled=~state.view.is_new,
                ),
                field_id="data_source_id",
                hint="It stays for the life of the scan.",
            ),
            class_name="scan-fields",
        ),
        _area(
            state,
            "SQL",
            "base_query",
            rows=8,
            hint=QUERY_HINT,
        ),
        rx.el.div(
            rx.cond(
                state.view.may_write,
                button(
                    rx.cond(state.looking == "preview", "Reading…", "Preview"),
                    on_click=state.preview,
                    disabled=state.looking != "",
                ),
                rx.fragment(),
            ),
            rx.cond(state.looked == "preview", form_refusal(state.look_problem), rx.fragment()),
            class_name="scan-bar",
        ),
    )


def events_section(state: Any) -> rx.Component:
    """How rows become events of the plan."""
    return section(
        "From rows to events",
        rx.el.div(
            form_field(
                "Event type",
                select_input(
                    state.view.event_types,
                    field_id="event_type_id",
                    value=state.form["event_type_id"],
                    on_change=lambda value: state.set_text("event_type_id", value),
                    disabled=~state.view.may_write,
                ),
                field_id="event_type_id",
                hint="One type for all rows, or the column beside it names the type of each.",
                error=state.errors.get("event_type_id", ""),
            ),
            _text(state, "Event type column", "event_type_column", hint="Its values name the types.", is_column=True),
            _text(state, "Name format", "event_name_format", hint="Such as {screen}/{action}. Empty: every column."),
            _text(state, "Values per column", "cardinality_threshold", hint="More become a variable.", is_number=True),
            _text(state, "JSON values to keep", "json_value_paths", hint="Paths such as body.step, with commas between them."),
            _text(state, "Look back (hours)", "scan_lookback_hours", hint="Empty: everything the query returns.", is_number=True),
            _text(state, "Most distinct rows", "scan_row_limit", hint="Empty: 50,000. With more the scan fails.", is_number=True),
            class_name="scan-fields",
        ),
        _area(
            state, "Event groups", "event_group_rules", rows=3,
            hint="One rule per line, such as Orders: event_name ~ ^order_; step ~ paid. Orders (any): one match is enough.",
        ),
        rx.cond(
            state.view.may_write & ~state.view.is_new & (state.view.form["event_group_rules"] != ""),
            rx.el.div(button("Merge existing events by these rules", on_click=state.apply_groups), class_name="scan-bar"),
            rx.fragment(),
        ),
    )  # fmt: skip


def metrics_section(state: Any) -> rx.Component:
    """When the scan runs and what it counts."""
    return section(
        "Schedule and metrics",
        rx.el.div(
            _text(state, "Time column", "time_column", hint="When a row happened; nothing is counted without it.", is_column=True),
            _select(state, "Count per", "interval", INTERVALS, "With a time column the scan then runs by itself."),
            _select(
                state, "Replay in pieces of", "replay_chunk_interval", CHUNKS, "How a past range is split when it is counted again."
            ),
            _text(state, "Most metric rows", "metrics_row_limit", hint="Empty: 100,000. With more the run fails.", is_number=True),
            _text(state, "Break down by", "metric_breakdown_columns", hint="Plain columns, with commas between them."),
            _text(
                state,
                "Values per breakdown",
                "metric_breakdown_values_limit",
                hint="The rest is Other.",
                is_number=True,
            ),
            _text(state, "Watch the mix of", "distribution_drift_fields", hint="Columns whose mix should stay stable."),
            _text(state, "App version column", "app_version_column", hint="Lets releases be compared.", is_column=True),
            _text(state, "Releases to keep", "app_version_keep_releases", hint="The newest; older ones are Other.", is_number=True),
            class_name="scan-fields",
        ),
    )


def _text(
    state: Any, label: str, name: str, *, hint: str | None = None, is_column: bool = False, is_number: bool = False
) -> rx.Component:
    more: dict[str, Any] = {"list": COLUMN_LIST} if is_column else {}
    if is_number:
        more["input_mode"] = "numeric"
    return form_field(
        label,
        text_input(
            field_id=name,
            default_value=state.form[name],
            on_blur=lambda value: state.set_text(name, value),
            disabled=~state.view.may_write,
            auto_complete="off",
            **more,
        ),
        field_id=name,
        hint=hint,
        error=state.errors.get(name, ""),
    )


def _area(state: Any, label: str, name: str, *, rows: int, hint: str) -> rx.Component:
    return form_field(
        label,
        text_area(
            field_id=name,
            rows=rows,
            default_value=state.form[name],
            on_blur=lambda value: state.set_text(name, value),
            disabled=~state.view.may_write,
            spell_check=False,
            is_code=True,
        ),
        field_id=name,
        hint=hint,
        error=state.errors.get(name, ""),
    )


def _select(state: Any, label: str, name: str, options: Sequence[tuple[str, str]], hint: str) -> rx.Component:
    return form_field(
        label,
        select_input(
            list(options),
            field_id=name,
            value=state.form[name],
            on_change=lambda value: state.set_text(name, value),
            disabled=~state.view.may_write,
        ),
        field_id=name,
        hint=hint,
        error=state.errors.get(name, ""),
    )
