"""Parts of the page on plan checks."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.ingest.pages.checks_view import MODES, TREATMENTS
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    form_field,
    name_text,
    section,
    segmented,
    select_input,
    spark_bars,
    text_input,
    text_or,
    time_text,
    toolbar,
)
from components.inline_edit import cell_select, check_box, icon_button


def policy_section(state: Any) -> rx.Component:
    """Mode, strictness and exceptions; owners change them, others read."""
    view = state.view
    return section(
        "When an event breaks the plan",
        rx.cond(
            view.is_owner,
            rx.fragment(
                toolbar(segmented(MODES, view.mode, state.choose_mode, label="Mode")),
                rx.el.p(view.mode_text, class_name="muted"),
                rx.el.div(
                    check_box(
                        "An event that is not in the plan breaks it",
                        view.refuses_unplanned,
                        state.set_unplanned,
                        is_label_shown=True,
                    ),
                    check_box(
                        "A property that is not in the plan breaks it",
                        view.refuses_unknown_properties,
                        state.set_unknown,
                        is_label_shown=True,
                    ),
                    class_name="tick-list",
                ),
            ),
            rx.el.p(view.mode_text, " Owners can change this."),
        ),
        _override_list(state),
        _override_form(state),
    )


def label_section(state: Any) -> rx.Component:
    """What is stored of values under a sensitivity label."""
    return section(
        "Sensitive values",
        data_table(
            [
                Column("Label", lambda row: row.label_word),
                Column(
                    "What is stored",
                    lambda row: cell_select(
                        TREATMENTS,
                        f"What is stored of values under {row.label_word}",
                        row.treatment,
                        lambda value: state.treat(row.label, value),
                        disabled=~state.view.is_owner,
                    ),
                    width="220px",
                ),
            ],
            state.view.labels,
            caption="Treatment by sensitivity label",
            empty=empty_state("No labels"),
        ),
        note="By the label of their field, under whichever name a client sends it. What is masked, pseudonymised or dropped never"
        " reaches a table, a log or an alert. Security events and audit records stay as they were sent.",
    )


def _override_list(state: Any) -> rx.Component:
    """The exceptions from the mode."""
    return rx.cond(
        state.view.overrides.length() > 0,
        data_table(
            [
                Column("Exception for", lambda row: row.events),
                Column("Mode", lambda row: row.mode, width="120px"),
                Column(
                    "",
                    lambda row: rx.cond(
                        state.view.is_owner,
                        icon_button("x", f"Remove the exception for {row.events}", state.remove_override(row.place)),
                        rx.fragment(),
                    ),
                    width="60px",
                ),
            ],
            state.view.overrides,
            caption="Exceptions; the first that fits decides",
            empty=empty_state("No exceptions"),
        ),
        rx.fragment(),
    )


def _override_form(state: Any) -> rx.Component:
    """Adds an exception; owners only."""
    return rx.cond(
        state.view.is_owner,
        rx.el.details(
            rx.el.summary("Add an exception"),
            rx.el.form(
                form_field(
                    "Event",
                    text_input(field_id="event", name="event", placeholder="any"),
                    field_id="event",
                    error=state.override_error,
                ),
                form_field("Source", text_input(field_id="source", name="source", placeholder="any"), field_id="source"),
                form_field(
                    "Environment",
                    text_input(field_id="environment", name="environment", placeholder="any"),
                    field_id="environment",
                ),
                form_field("Mode", select_input(MODES, field_id="mode", name="mode"), field_id="mode"),
                button("Add exception", type="submit"),
                key=state.override_drawn,
                on_submit=state.add_override,
                reset_on_submit=False,
                class_name="stack",
            ),
        ),
        rx.fragment(),
    )


def violation_table(state: Any) -> rx.Component:
    """Groups of faulty events."""
    return data_table(
        [
            Column("Event", lambda row: _opener(state, row)),
            Column(
                "Source",
                lambda row: text_or(row.source, "not told"),
                secondary=True,
            ),
            Column("Fault", _fault, secondary=True),
            Column("Outcome", lambda row: badge(row.outcome, row.tone, dot=True), width="120px"),
            Column("Trend", lambda row: spark_bars(row.trend, row.trend_text), secondary=True, width="110px"),
            Column("Events", _count, numeric=True, width="110px"),
            Column("Last", lambda row: time_text(row.last, row.iso), numeric=True, width="150px", secondary=True),
        ],
        state.view.rows,
        caption="Violations, most frequent first",
        empty=empty_state(
            "Nothing broke the plan",
            rx.cond(
                state.view.mode == "allow",
                "No event of this period was refused or flagged. Under Allow only names are held against the plan, not values.",
                "No event of this period was refused or flagged.",
            ),
        ),
    )


def _opener(state: Any, row: Any) -> rx.Component:
    opener = rx.el.button(
        name_text(row.name),
        type="button",
        class_name="line-opener",
        aria_expanded=rx.cond(state.opened == row.key, "true", "false"),
        on_click=state.open(row.key),
    )
    return rx.fragment(
        opener,
        rx.el.span(row.reason, class_name="cell-sub only-narrow-flex"),
        rx.cond(row.settled != "", rx.el.span(row.settled, class_name="cell-sub only-narrow-flex"), rx.fragment()),
    )


def _fault(row: Any) -> rx.Component:
    return rx.fragment(row.reason, rx.cond(row.settled != "", rx.el.span(row.settled, class_name="cell-sub"), rx.fragment()))


def _count(row: Any) -> rx.Component:
    return rx.el.span(row.count, rx.cond(row.replayed != "", rx.el.small(" ", row.replayed, class_name="muted"), rx.fragment()))


def preview_section(state: Any) -> rx.Component:
    """Which verdicts a branch would change, on real traffic."""
    return section(
        "Before you merge",
        rx.cond(
            state.view.has_branches,
            select_input(
                state.view.branches,
                field_id="branch-preview",
                label="Branch to hold recent events against",
                value=state.branch,
                on_change=state.choose_branch,
            ),
            rx.el.p("There is no open branch.", class_name="muted"),
        ),
        rx.cond(
            state.branch != "",
            rx.cond(
                state.preview.summary != "",
                rx.fragment(
                    rx.el.p(state.preview.summary, role="status"),
                    data_table(
                        [
                            Column("Event", lambda row: row.name),
                            Column("Source", lambda row: row.source, secondary=True),
                            Column("App version", lambda row: row.app_version, secondary=True),
                            Column("On main", lambda row: row.before),
                            Column("On the branch", lambda row: badge(row.after, row.tone, dot=True)),
                            Column("Events", lambda row: row.count, numeric=True, width="90px"),
                        ],
                        state.preview.rows,
                        caption="Verdicts that change",
                        empty=empty_state("No verdict changes", "Recent events fare the same on main and on the branch."),
                    ),
                ),
                rx.el.p("Holding recent events against the branch…", class_name="muted"),
            ),
            rx.fragment(),
        ),
        note="Recent events, quarantined ones among them, held against main and against a branch. Nothing is stored.",
    )
