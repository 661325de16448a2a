"""What a look into the data source brings to the scan page: rows of the query, and what a scan would do."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components import Column, data_table, empty_state, notice, section
from components.inline_edit import check_box


def preview_section(state: Any) -> rx.Component:
    """A few rows of the query, and the JSON paths found in them."""
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


def forecast_section(state: Any) -> rx.Component:
    """What a scan would create, as the dry run found it."""
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
