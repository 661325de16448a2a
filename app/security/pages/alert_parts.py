"""Parts of the page of one security alert."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.security.pages.parts import attribution, event_line_item, fact_list, mark_list
from app.security.pages.wording import RESOLUTION_WORDS
from components import (
    Column,
    button,
    code_block,
    data_table,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    kpi,
    kpi_row,
    notice,
    section,
    select_input,
    text_area,
    world_map,
)


def actions(state: Any) -> rx.Component:
    """What may be done next; nothing for viewers."""
    status = state.view.status
    is_closed = (status == "resolved") | (status == "dismissed")
    return rx.cond(
        state.view.can_change,
        rx.cond(
            is_closed,
            button("Reopen", on_click=state.set_status("open")),
            rx.fragment(
                rx.cond(
                    status == "open",
                    button("Acknowledge", on_click=state.set_status("acknowledged")),
                    button("Back to open", on_click=state.set_status("open")),
                ),
                button("Dismiss…", on_click=state.ask("dismissed")),
                button("Resolve…", kind="primary", on_click=state.ask("resolved")),
            ),
        ),
        rx.fragment(),
    )


def places(view: Any) -> rx.Component:
    """Impossible travel as figures: distance, time and speed."""
    travel = view.travel
    return rx.cond(
        travel.is_shown,
        rx.el.div(
            kpi_row(
                kpi("From", travel.start, note=travel.start_when),
                kpi("To", travel.stop, note=travel.stop_when),
                kpi("Distance", travel.distance),
                kpi("Time between", travel.time),
                kpi("Speed it would take", travel.speed, tone="bad", note=travel.note),
            ),
            class_name="journey",
        ),
        rx.fragment(),
    )


def body(view: Any) -> rx.Component:
    """The map where a place is known, what happened around the alert, and beside both what it rests on."""
    return rx.el.div(
        rx.cond(
            view.has_map,
            rx.el.div(
                section("On the map", rx.el.div(world_map(view.map), attribution(view.is_by_db_ip), class_name="section-body")),
                class_name="alert-map",
            ),
            rx.fragment(),
        ),
        rx.el.div(
            _drivers(view),
            section("Evidence", fact_list(view.facts), _raw(view)),
            _network(view),
            _notes(view),
            class_name="alert-side",
        ),
        rx.el.div(_timeline(view), class_name="alert-time"),
        class_name="alert-body",
    )


def _drivers(view: Any) -> rx.Component:
    return rx.cond(
        view.drivers.length() > 0,
        section(
            "Why the day stands out",
            data_table(
                [
                    Column("Feature", lambda row: row.feature),
                    Column("That day", lambda row: row.value, numeric=True),
                    Column("Usually", lambda row: row.usual, numeric=True),
                    Column("Share", lambda row: row.share, numeric=True),
                ],
                view.drivers,
                caption="Features that made the day unusual, with their share of all surprise",
                empty=empty_state("No feature"),
            ),
        ),
        rx.fragment(),
    )


def _network(view: Any) -> rx.Component:
    return section(
        "Network",
        rx.cond(view.marks.length() > 0, rx.el.div(mark_list(view.marks), class_name="section-body"), rx.fragment()),
        rx.cond(
            view.network.length() > 0,
            fact_list(view.network),
            empty_state("Nothing is known of the address", "It is private, absent, or no database was installed at the time."),
        ),
    )


def _notes(view: Any) -> rx.Component:
    return rx.cond(
        view.notes != "",
        section("Notes", rx.el.p(view.notes, class_name="prose section-body")),
        rx.fragment(),
    )


def _raw(view: Any) -> rx.Component:
    return rx.el.details(
        rx.el.summary("All evidence as JSON"),
        code_block(view.raw, label="Evidence as JSON"),
        class_name="section-body stack",
    )


def _timeline(view: Any) -> rx.Component:
    """What the actor, or the address, did around the alert."""
    return section(
        "Around the alert",
        rx.cond(
            view.is_store_away,
            notice("The event store does not answer, so the events around the alert cannot be shown.", tone="warn"),
            rx.cond(
                view.lines.length() > 0,
                rx.el.ol(rx.foreach(view.lines, event_line_item), class_name="lines"),
                empty_state("No event is left from then", "Events are kept for as long as the plan says."),
            ),
        ),
        note=view.lines_note,
    )


def close_dialog(state: Any) -> rx.Component:
    """The form that closes the alert."""
    is_resolving = state.closing_as == "resolved"
    return dialog(
        rx.form(
            rx.cond(
                is_resolving,
                form_field(
                    "What was done",
                    select_input([("", "Not told"), *RESOLUTION_WORDS.items()], field_id="resolution_type", name="resolution_type"),
                    field_id="resolution_type",
                ),
                rx.fragment(),
            ),
            form_field(
                "Notes",
                text_area(field_id="internal_notes", name="internal_notes", max_length=10_000, default_value=state.view.notes),
                field_id="internal_notes",
                hint="Kept with the alert; clients of the API can read them too.",
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_asking(False)),
                button(rx.cond(is_resolving, "Resolve alert", "Dismiss alert"), kind="primary", type="submit"),
            ),
            on_submit=state.close,
            reset_on_submit=False,
        ),
        title=rx.cond(is_resolving, "Resolve the alert", "Dismiss the alert"),
        description=rx.cond(
            is_resolving,
            "The incident is over. Further events of the kind raise another alert.",
            "It was no incident. Further events of the kind raise another alert.",
        ),
        open_=state.closing_as != "",
        on_open_change=state.set_asking,
    )
