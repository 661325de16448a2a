"""The page of one scan: its query with a preview, how rows become events, when it runs, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import project_frame, slug_var
from app.page_states import page_body
from app.scans.pages.editor_state import ScanEditorState
from app.scans.pages.replay_dialog import replay_dialog
from app.scans.pages.scans import job_table
from app.ui import page
from components import (
    Column,
    button,
    data_table,
    empty_state,
    form_field,
    notice,
    page_header,
    section,
    select_input,
    text_area,
    text_input,
)
from components.inline_edit import check_box, confirm_dialog, form_refusal
from components.shell import Crumb

INTERVALS = (("", "By hand only"), ("15m", "15 minutes"), ("1h", "Hour"), ("6h", "6 hours"), ("1d", "Day"), ("1w", "Week"))
CHUNKS = (("", "In one piece"), *INTERVALS[1:])
COLUMN_LIST = "scan-columns"


@page(route="/p/[slug]/scans/[scan_id]", title="Scan · Plumbline", on_load=ScanEditorState.load)
def scan_page() -> rx.Component:
    """The page."""
    state: Any = ScanEditorState
    return project_frame(
        page_body(
            state,
            page_header(state.view.title, *_actions(state), note="Rows of a query become events, and their counts become metrics."),
            rx.cond(
                state.view.may_write,
                rx.fragment(),
                notice("Only owners change scans: they run SQL with the instance's credentials."),
            ),
            rx.el.datalist(rx.foreach(state.grid.columns, lambda column: rx.el.option(value=column[0])), id=COLUMN_LIST),
            _query(state),
            _preview(state),
            _events(state),
            _metrics(state),
            _forecast(state),
            _save_bar(state),
            rx.cond(
                state.view.is_new,
                rx.fragment(),
                section("Runs", job_table(state.view.jobs), note="newest first"),
            ),
            replay_dialog(state),
            confirm_dialog(
                title=f"Delete the scan {state.view.title}?",
                text="This deletes with it:",
                consequences=rx.Var.create(["Its runs", "Every count, breakdown and anomaly it collected"]),
                confirm="Delete scan",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
                refusal="",
            ),
            on_retry=state.load,
            what="scan",
        ),
        active="scans",
        crumbs=[Crumb("Scans", ui_paths.project_scans(slug_var())), Crumb(state.view.title)],
    )


def _actions(state: Any) -> Sequence[rx.Component]:
    is_stored = ~state.view.is_new
    return (
        rx.cond(
            is_stored & state.view.may_run & (state.view.live_job_id == ""),
            button(rx.icon("play", size=14, aria_hidden="true"), "Run now", on_click=state.run_now),
            rx.fragment(),
        ),
        rx.cond(
            is_stored & state.view.may_write,
            rx.fragment(
                rx.cond(
                    state.view.is_schedulable,
                    rx.fragment(
                        button("Replay", on_click=state.set_replaying(True)),
                        button(rx.cond(state.view.is_paused, "Resume", "Pause"), on_click=state.toggle_pause),
                    ),
                    rx.fragment(),
                ),
                button("Delete", kind="quiet", on_click=state.set_deleting(True)),
            ),
            rx.fragment(),
        ),
    )


def _query(state: Any) -> rx.Component:
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
        _area(state, "SQL", "base_query", rows=8, hint="One SELECT or WITH statement that only reads."),
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
            form_refusal(state.look_problem),
            class_name="scan-bar",
        ),
    )


def _preview(state: Any) -> rx.Component:
    return rx.cond(
        state.grid.columns.length() > 0,
        section(
            "Preview",
            rx.el.div(
                rx.el.table(
                    rx.el.caption("Rows of the query", class_name="sr-only"),
                    rx.el.thead(
                        rx.el.tr(
                            rx.foreach(
                                state.grid.columns,
                                lambda column: rx.el.th(column[0], rx.el.code(column[1], class_name="cell-sub"), scope="col"),
                            )
                        )
                    ),
                    rx.el.tbody(rx.foreach(state.grid.rows, lambda row: rx.el.tr(rx.foreach(row, rx.el.td)))),
                    class_name="table scan-grid",
                ),
                class_name="table-wrap",
                tab_index=0,
                role="region",
                aria_label="Rows of the query",
            ),
            rx.cond(
                state.grid.paths.length() > 0,
                data_table(
                    [
                        Column("JSON path", lambda row: rx.el.code(row[0])),
                        Column("Values seen", lambda row: rx.el.span(row[1], class_name="muted")),
                        Column("Kept", lambda row: _kept(state, row), width="110px"),
                    ],
                    state.grid.paths,
                    caption="Paths in JSON columns",
                    empty=rx.fragment(),
                ),
                rx.fragment(),
            ),
        ),
        rx.fragment(),
    )


def _kept(state: Any, row: Any) -> rx.Component:
    """Whether values at the path are read literally, with the tick that decides it."""
    return rx.cond(
        state.view.may_write,
        check_box(f"Keep values of {row[0]}", row[2] != "", state.toggle_path(row[0])),
        rx.el.span(row[2]),
    )


def _events(state: Any) -> rx.Component:
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
            _text(state, "Event type column", "event_type_column", is_column=True),
            _text(state, "Name format", "event_name_format", hint="Such as {screen}/{action}. Empty: every column."),
            _text(state, "Values per column", "cardinality_threshold", hint="More become a variable.", is_number=True),
            _text(state, "JSON values to keep", "json_value_paths", hint="Paths such as body.step, with commas between them."),
            _text(state, "Look back (hours)", "scan_lookback_hours", hint="Empty: everything the query returns.", is_number=True),
            _text(state, "Most distinct rows", "scan_row_limit", hint="Empty: 50 000. More fail the scan.", is_number=True),
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


def _metrics(state: Any) -> rx.Component:
    return section(
        "Schedule and metrics",
        rx.el.div(
            _text(state, "Time column", "time_column", is_column=True),
            _select(state, "Count per", "interval", INTERVALS, "With a time column the scan then runs by itself."),
            _select(state, "Replay", "replay_chunk_interval", CHUNKS, "The pieces in which a past range is counted again."),
            _text(state, "Most metric rows", "metrics_row_limit", hint="Empty: 100 000. More fail the run.", is_number=True),
            _text(state, "Break down by", "metric_breakdown_columns", hint="Plain columns, with commas between them."),
            _text(
                state,
                "Values per breakdown",
                "metric_breakdown_values_limit",
                hint="The rest is Other.",
                is_number=True,
            ),
            _text(state, "Watch the mix of", "distribution_drift_fields", hint="Columns whose mix should stay stable."),
            _text(state, "App version column", "app_version_column", is_column=True),
            _text(state, "Releases to keep", "app_version_keep_releases", hint="The newest; older ones are Other.", is_number=True),
            class_name="scan-fields",
        ),
    )


def _forecast(state: Any) -> rx.Component:
    return rx.cond(
        state.forecast.headline != "",
        section(
            "What a scan would do",
            notice(state.forecast.headline, tone="accent"),
            rx.el.ul(rx.foreach(state.forecast.details, rx.el.li), class_name="scan-sentences"),
            data_table(
                [
                    Column("Column", lambda row: rx.el.code(row[0])),
                    Column("What becomes of it", lambda row: row[1]),
                ],
                state.forecast.columns,
                caption="Columns of the query",
                empty=rx.fragment(),
            ),
            data_table(
                [
                    Column("Event", lambda row: row[1]),
                    Column("Type", lambda row: row[0], secondary=True),
                    Column("Rows", lambda row: row[2], numeric=True),
                    Column("Plan", lambda row: row[3]),
                ],
                state.forecast.events,
                caption="Events of the scan",
                empty=empty_state("The query returns no rows", "Check its window and its conditions."),
            ),
            rx.cond(
                state.forecast.variables.length() > 0,
                data_table(
                    [
                        Column("Variable", lambda row: rx.el.code(row[0])),
                        Column("Found in", lambda row: rx.el.code(row[1]), secondary=True),
                        Column("Type", lambda row: row[2]),
                        Column("Plan", lambda row: row[3]),
                    ],
                    state.forecast.variables,
                    caption="Variables of the scan",
                    empty=rx.fragment(),
                ),
                rx.fragment(),
            ),
        ),
        rx.fragment(),
    )


def _save_bar(state: Any) -> rx.Component:
    return rx.cond(
        state.view.may_write,
        rx.el.div(
            button(rx.cond(state.view.is_new, "Create scan", "Save"), kind="primary", on_click=state.save),
            button(
                rx.cond(state.looking == "dry_run", "Rehearsing…", "Dry run"),
                on_click=state.rehearse,
                disabled=state.looking != "",
            ),
            form_refusal(state.errors.get("", "")),
            class_name="scan-bar",
        ),
        rx.fragment(),
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
            style={"font_family": "var(--mono)"},
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
