"""Parts of the page on unplanned and dead events."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from app.reconciliation.pages.comparison import nothing_compared
from app.reconciliation.pages.unplanned_view import PERIODS, STATUSES
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    link_button,
    notice,
    section,
    segmented,
    select_input,
    text_link,
    time_text,
    toolbar,
)
from components.inline_edit import check_box


def unplanned_section(state: Any) -> rx.Component:
    """Events that data has and the plan does not."""
    return section(
        "In the data, not in the plan",
        toolbar(segmented(list(STATUSES.items()), state.status, state.choose_status, label="Status")),
        data_table(
            [
                Column("Event", lambda row: _picked(state, row, row.is_new, _candidate(row))),
                Column("Event type", lambda row: row.event_type),
                Column("Scan", lambda row: row.scan, secondary=True),
                Column("Rows", lambda row: row.count, numeric=True, width="110px"),
                Column("First seen", lambda row: time_text(row.first, row.first_iso), secondary=True, width="150px"),
                Column("Last seen", lambda row: time_text(row.last, row.last_iso), secondary=True, width="150px"),
                Column("Status", lambda row: _status(state, row), width="190px"),
            ],
            state.view.unplanned,
            caption="Unplanned events, most frequent first",
            empty=rx.cond(
                state.view.is_known,
                rx.cond(
                    state.status == "new",
                    empty_state(
                        "Every counted event is in the plan",
                        rx.fragment("Scans look for events beyond the plan each time they run. ", state.view.compared.when),
                        link_button("Open scans", href=ui_paths.project_scans(slug_var())),
                    ),
                    empty_state("No unplanned event has this status", "Choose another status above."),
                ),
                nothing_compared(state.view.compared),
            ),
        ),
        rx.cond(state.view.left_out != "", rx.el.p(state.view.left_out, class_name="muted"), rx.fragment()),
        note="Rows are those of the newest scan that saw the event.",
    )


def dead_section(state: Any) -> rx.Component:
    """Events that the plan has and data does not."""
    view = state.view
    table = data_table(
        [
            Column("Event", lambda row: _picked(state, row, True, text_link(row.name, href=row.href))),
            Column("Event type", lambda row: row.event_type),
            Column("Last seen", lambda row: time_text(row.last, row.last_iso), width="170px"),
        ],
        view.dead,
        caption="Dead events, those never seen first",
        empty=empty_state("No event is dead", "Every implemented and live event was seen within the period."),
    )
    return section(
        "In the plan, not in the data",
        toolbar(segmented(list(PERIODS.items()), state.days, state.choose_days, label="Silent for")),
        rx.cond(view.dead_doubt != "", notice(view.dead_doubt), rx.fragment()),
        rx.cond(view.is_known, table, nothing_compared(view.compared)),
        note="Implemented and live events on main that are older than the period.",
    )


def bulk_bar(state: Any) -> rx.Component:
    """What can be done with the selected events."""
    decisions = rx.cond(
        state.tab == "dead",
        button("Archive", kind="danger", on_click=state.ask_archive, disabled=state.is_busy),
        rx.fragment(
            select_input(
                state.view.event_types,
                field_id="accept-as",
                label="Event type of accepted events",
                value=state.accept_as,
                on_change=state.choose_type,
            ),
            button("Accept", kind="primary", on_click=state.accept, disabled=state.is_busy),
            button("Dismiss", on_click=state.dismiss, disabled=state.is_busy),
        ),
    )
    return rx.cond(
        state.view.is_editor & (state.selected.length() > 0),
        rx.el.div(
            rx.el.p(f"{state.selected.length()} selected", class_name="bulk-count", role="status"),
            decisions,
            button("Select all shown", kind="quiet", on_click=state.select_shown),
            button("Clear", kind="quiet", on_click=state.clear_selection),
            class_name="bulk-bar",
            role="region",
            aria_label="Selected events",
        ),
        rx.fragment(),
    )


def archived_bar(state: Any) -> rx.Component:
    """The way back from the latest archiving."""
    return rx.cond(
        state.archived.length() > 0,
        notice(
            f"Archived just now: {state.archived.length()}.",
            button("Undo", small=True, on_click=state.restore, aria_label="Undo archiving"),
        ),
        rx.fragment(),
    )


def _status(state: Any, row: Any) -> rx.Component:
    """The status, and for editors the way back from a decision."""
    back = button("Reopen", small=True, on_click=state.reopen(row.id), aria_label=f"Reopen {row.name}")
    return rx.el.span(
        badge(row.status, row.tone, dot=True),
        rx.cond(state.view.is_editor & ~row.is_new, back, rx.fragment()),
        class_name="decisions",
    )


def _candidate(row: Any) -> rx.Component:
    return rx.cond(row.event_href != "", text_link(row.name, href=row.event_href), rx.el.span(row.name))


def _picked(state: Any, row: Any, can_decide: Any, content: rx.Component) -> rx.Component:
    """The row's name after its tick, for editors and where a decision is due."""
    tick = check_box(f"Select {row.name}", state.selected.contains(row.id), state.toggle(row.id), selects=True)
    return rx.el.span(rx.cond(state.view.is_editor & can_decide, tick, rx.fragment()), content, class_name="named")
