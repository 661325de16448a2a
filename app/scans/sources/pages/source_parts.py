"""Parts of the page of one data source: how its last test ended, the form of its connection, and its tables."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.scans.sources.pages.form import connection_form
from app.scans.sources.pages.source_list import status_badge
from app.warehouse.declarations import DECLARATIONS, DbType
from components.feedback import empty_state, error_state
from components.forms import button, form_field, segmented, text_input
from components.inline_edit import form_refusal
from components.marks import time_text
from components.shell import section
from components.table import Column, data_table

_STACK = {"display": "grid", "gap": "14px", "max_width": "560px"}


def last_test(state: Any) -> rx.Component:
    """How the newest test ended."""
    return rx.el.p(
        status_badge(state.status),
        rx.cond(state.message != "", rx.el.span(state.message), rx.fragment()),
        rx.cond(state.tested_iso != "", time_text(state.tested, state.tested_iso), rx.fragment()),
        class_name="source-test muted",
        role="status",
    )


def connection_section(state: Any) -> rx.Component:
    """The kind of warehouse and how it is reached."""
    kinds = [(entry.db_type.value, entry.title) for entry in DECLARATIONS.values()]
    fields = rx.match(
        state.db_type,
        *[
            (
                kind.value,
                rx.el.div(*connection_form(kind, state.values, state.errors, state.has_password), key=kind.value),
            )
            for kind in (DbType.POSTGRES, DbType.BIGQUERY)
        ],
        rx.el.div(*connection_form(DbType.CLICKHOUSE, state.values, state.errors, state.has_password), key=DbType.CLICKHOUSE.value),
    )
    return section(
        "Connection",
        rx.cond(
            state.is_new,
            rx.el.div(segmented(kinds, state.db_type, state.choose_kind, label="Kind of warehouse"), style={"padding": "12px 0"}),
            rx.fragment(),
        ),
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", default_value=state.values.get("name", ""), max_length=255),
                field_id="name",
                hint="What scans and people call it.",
                error=state.errors.get("name", ""),
            ),
            fields,
            form_refusal(state.errors.get("", "")),
            rx.el.div(
                button(rx.cond(state.is_new, "Add data source", "Save and test"), kind="primary", type="submit"),
                class_name="inline",
            ),
            on_submit=state.save,
            reset_on_submit=False,
            key=state.filled.to_string(),
            style=_STACK,
        ),
        note="Passwords are stored encrypted and never shown again.",
    )


def tables_section(state: Any) -> rx.Component:
    """What the warehouse holds, once somebody asks."""
    show = button(rx.cond(state.is_busy, "Reading…", "Show tables"), on_click=state.browse, disabled=state.is_busy)
    listed = data_table(
        [
            Column("Table", lambda row: rx.el.code(row.name)),
            Column("Columns", lambda row: row.column_count, numeric=True),
            Column("Names and types", lambda row: rx.el.span(row.columns, class_name="muted"), secondary=True),
        ],
        state.tables,
        caption="Tables of the data source",
        empty=empty_state("No tables", "The user of this connection sees no table here."),
    )
    return section(
        "Tables",
        rx.cond(
            state.tables_problem != "", error_state(state.tables_problem, state.browse), rx.cond(state.is_browsed, listed, show)
        ),
        note=state.tables_note,
    )
