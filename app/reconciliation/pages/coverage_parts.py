"""Parts of the page on coverage and the ledger."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from app.reconciliation.pages.coverage_view import PERIODS
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    form_field,
    line_chart,
    link_button,
    section,
    segmented,
    select_input,
    text_input,
    text_link,
    time_text,
    toolbar,
)
from components.inline_edit import form_refusal


def coverage_section(state: Any) -> rx.Component:
    """Rows that belong to no planned event over time, and the covered share by day."""
    return section(
        "Coverage by day",
        toolbar(
            segmented(list(PERIODS.items()), state.days, state.choose_days, label="Period"),
            select_input(state.view.scans, field_id="coverage-scan", label="Scan", value=state.scan, on_change=state.choose_scan),
        ),
        rx.cond(state.view.days.length() > 0, _verdict(state.view), rx.fragment()),
        data_table(
            [
                Column("Day", lambda row: row.day),
                Column("Rows", lambda row: row.total, numeric=True),
                Column("Of planned events", lambda row: row.matched, numeric=True, secondary=True),
                Column("Coverage", lambda row: row.share, numeric=True),
            ],
            state.view.days,
            caption="Coverage by day, newest first",
            empty=empty_state(
                "Nothing was counted in this period",
                "Coverage is known once a scan has counted rows.",
                link_button("Open scans", href=ui_paths.project_scans(slug_var())),
            ),
        ),
    )


def _verdict(view: Any) -> rx.Component:
    """The sentence that sums the period up, and a picture where there is something to see."""
    return rx.fragment(
        rx.el.p(view.verdict, style={"margin_bottom": "10px"}),
        rx.cond(
            view.has_unmatched,
            rx.fragment(
                line_chart(view.chart, height=220, value_name="Rows without a planned event"),
                rx.el.p(text_link("Which events they are", href=ui_paths.project_unplanned(slug_var()))),
            ),
            rx.fragment(),
        ),
    )


def types_section(state: Any) -> rx.Component:
    """How much of each event type's rows the plan covers, as bars."""
    return rx.cond(
        state.view.types.length() > 0,
        section(
            "Coverage by event type",
            data_table(
                [
                    Column("Event type", lambda row: text_link(row.name, href=row.href)),
                    Column("Covered", _share_bar, width="30%", secondary=True),
                    Column("Share", lambda row: row.share, numeric=True),
                    Column("Not planned", lambda row: row.unmatched, numeric=True),
                    Column("Rows", lambda row: row.total, numeric=True, secondary=True),
                ],
                state.view.types,
                caption="Event types, most rows without a planned event first",
                empty=empty_state("No event type was counted"),
            ),
            rx.cond(state.view.types_left_out != "", rx.el.p(state.view.types_left_out, class_name="muted"), rx.fragment()),
            note="The last 7 days at most. Rows of types that the plan lacks belong to none of them.",
        ),
        rx.fragment(),
    )


def _share_bar(row: Any) -> rx.Component:
    """The share as a bar; the text beside it says the same."""
    fill = rx.el.div(class_name="progress-fill", style={"width": f"{row.width}%"})
    return rx.el.div(fill, class_name="progress-bar", aria_hidden="true")


def ledger_section(state: Any) -> rx.Component:
    """What is wrong in warehouses, and which warehouses are compared."""
    return section(
        "Ledger",
        rx.cond(
            state.view.warehouses.length() > 0,
            rx.fragment(_findings(state), _warehouses(state)),
            empty_state(
                "No warehouse is compared",
                "The ledger needs an hourly scan of a warehouse that holds the same events as this project receives.",
                link_button("Open scans", href=ui_paths.project_scans(slug_var())),
            ),
        ),
        note="What arrived here against what the warehouse holds, hour by hour.",
    )


def series_section(state: Any) -> rx.Component:
    """One event hour by hour."""
    return rx.cond(
        state.view.events.length() > 1,
        section(
            "One event, hour by hour",
            toolbar(
                select_input(
                    state.view.events, field_id="ledger-event", label="Event", value=state.event, on_change=state.choose_event
                )
            ),
            data_table(
                [
                    Column("Hour", lambda row: time_text(row.hour, row.iso)),
                    Column("Planned", lambda row: row.planned, numeric=True, secondary=True),
                    Column("Ingested", lambda row: row.ingested, numeric=True),
                    Column("Warehoused", lambda row: row.warehoused, numeric=True),
                    Column("Difference", lambda row: row.difference, numeric=True),
                    Column("State", lambda row: row.state, secondary=True),
                ],
                state.view.hours,
                caption="Counts of the event, newest hour first",
                empty=rx.cond(
                    state.event == "",
                    empty_state("Choose an event", "Its planned, ingested and warehoused counts are listed here."),
                    empty_state("Nothing was counted for this event", "Neither side counted an hour of it in the last 48 hours."),
                ),
            ),
        ),
        rx.fragment(),
    )


def settings_section(state: Any) -> rx.Component:
    """How long a warehouse may take before a difference counts; editors change it."""
    view = state.view
    return section(
        "How long a warehouse may take",
        rx.cond(
            view.is_editor,
            rx.el.form(
                form_field(
                    "Settling, in minutes",
                    text_input(field_id="settling", name="settling", default_value=view.settling, input_mode="numeric"),
                    field_id="settling",
                    hint="An hour is compared once this much time has passed since its end.",
                    error=state.errors.get("settling", ""),
                ),
                form_field(
                    "Lateness, in minutes",
                    text_input(field_id="lateness", name="lateness", default_value=view.lateness, input_mode="numeric"),
                    field_id="lateness",
                    hint="Rows that take longer to reach the warehouse count as late.",
                    error=state.errors.get("lateness", ""),
                ),
                form_refusal(state.errors.get("", "")),
                button("Save", type="submit"),
                on_submit=state.save_allowance,
                class_name="stack form-narrow",
            ),
            rx.el.p(f"Settling {view.settling} minutes, lateness {view.lateness} minutes. Editors can change this."),
        ),
    )


def _findings(state: Any) -> rx.Component:
    return data_table(
        [
            Column("Event", _subject),
            Column("Finding", lambda row: badge(row.kind, row.tone, dot=True), width="120px"),
            Column("Rows", lambda row: row.difference, numeric=True),
            Column("Share", lambda row: row.share, numeric=True),
            Column("When", lambda row: time_text(row.span, row.iso), secondary=True),
            Column("Warehouse", lambda row: row.warehouse, secondary=True),
        ],
        state.view.findings,
        caption="Findings, newest first",
        empty=empty_state("The warehouse holds what arrived", "No loss, duplicate or lateness in settled hours of the last 48."),
    )


def _subject(row: Any) -> rx.Component:
    return rx.cond(row.event_href != "", text_link(row.event, href=row.event_href), rx.el.span(row.event))


def _warehouses(state: Any) -> rx.Component:
    return data_table(
        [
            Column("Warehouse", lambda row: text_link(row.name, href=row.href)),
            Column("Events in common", lambda row: row.events, numeric=True),
            Column("Counted until", lambda row: time_text(row.until, row.iso), numeric=True),
        ],
        state.view.warehouses,
        caption="Warehouses that are compared",
        empty=empty_state("No warehouse is compared"),
    )
