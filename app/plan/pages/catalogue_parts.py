"""The parts of the catalogue: columns, bulk bar, dialogs, empty states."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from app.plan.pages.event_parts import value_control
from app.plan.pages.plan_frame import plan_link
from app.plan.pages.words import STATUS_CHOICES
from components import (
    Column,
    badge,
    button,
    dialog,
    dialog_actions,
    empty_state,
    form_field,
    link_button,
    name_text,
    row_link,
    select_input,
    spark_bars,
    text_area,
    text_input,
    time_text,
)
from components.inline_edit import cell_select, check_box, confirm_dialog, form_refusal, swatch, tag_list


def columns(state: Any) -> list[Column]:
    """The columns of the table; those who may edit change the status in its cell."""
    return [
        Column("Event", lambda row: _name(state, row), key="name", sortable=True),
        Column("Type", _type, key="type", sortable=True, secondary=True),
        Column("Status", lambda row: _status(state, row), key="status", sortable=True, width="144px"),
        Column("Owner", lambda row: row.owner, secondary=True),
        Column("48 hours", lambda row: spark_bars(row.path, row.shape), secondary=True, width="112px"),
        Column("Volume", lambda row: row.volume, key="volume", sortable=True, numeric=True),
        Column(
            "Last seen",
            lambda row: time_text(row.seen, row.seen_iso, title=row.seen_title),
            key="seen",
            sortable=True,
            secondary=True,
        ),
        Column("Signal", _signal, secondary=True),
    ]


def _name(state: Any, row: Any) -> rx.Component:
    tick = check_box(f"Select {row.name}", state.selected.contains(row.id), lambda _ticked: state.toggle(row.id), selects=True)
    return rx.el.span(
        rx.cond(state.may_edit, tick, rx.fragment()),
        rx.el.span(row_link(name_text(row.name), row.href), rx.cond(row.tags.length() > 0, tag_list(row.tags), rx.fragment())),
        class_name="named",
    )


def _type(row: Any) -> rx.Component:
    return rx.el.span(swatch(row.type_color), row.type_name, class_name="named")


def _status(state: Any, row: Any) -> rx.Component:
    choice = cell_select(STATUS_CHOICES, f"Status of {row.name}", row.status, lambda status: state.set_status(row.id, status))
    return rx.cond(state.may_edit, choice, badge(row.status_word, row.status_tone))


def _signal(row: Any) -> rx.Component:
    return rx.cond(
        row.signal != "",
        rx.el.span(
            rx.el.span(class_name=f"direction direction-{row.signal}", aria_hidden="true"),
            row.signal_text,
            class_name="nowrap",
        ),
        rx.el.span("none", class_name="sr-only"),
    )


def bulk_bar(state: Any) -> rx.Component:
    """What can be done with the selected events."""
    return rx.cond(
        state.may_edit & (state.selected.length() > 0),
        rx.el.div(
            rx.el.p(f"{state.selected.length()} selected", class_name="bulk-count", role="status"),
            select_input(
                [("", "Set status"), *STATUS_CHOICES],
                field_id="bulk-status",
                label="Set the status of the selected events",
                value="",
                on_change=state.bulk_status,
            ),
            rx.form(
                rx.el.input(name="tag", id="bulk-tag", aria_label="Tag to add", placeholder="Tag", class_name="input", size=14),
                button("Add tag", type="submit"),
                on_submit=state.bulk_tag,
                class_name="bulk-form",
            ),
            button("Delete", kind="danger", on_click=state.ask_delete),
            button("Select all shown", kind="quiet", on_click=state.select_shown),
            button("Clear", kind="quiet", on_click=state.clear_selection),
            class_name="bulk-bar",
            role="region",
            aria_label="Selected events",
        ),
        rx.fragment(),
    )


def create_dialog(state: Any) -> rx.Component:
    """The form for another event; the values its type requires are part of it."""
    errors = state.errors
    return dialog(
        rx.form(
            form_field(
                "Event type",
                select_input(
                    state.type_choices,
                    field_id="event_type",
                    name="event_type",
                    value=state.new_type,
                    on_change=state.choose_new_type,
                ),
                field_id="event_type",
                error=errors.get("event_type_id", ""),
            ),
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, auto_focus=True, auto_complete="off"),
                field_id="name",
                error=errors.get("name", ""),
            ),
            form_field(
                "Description (optional)",
                text_area(field_id="description", name="description", rows=2),
                field_id="description",
            ),
            rx.el.div(
                form_field("Status", select_input(STATUS_CHOICES, field_id="new-status", name="status"), field_id="new-status"),
                form_field(
                    "Tags (optional)",
                    text_input(field_id="tags", name="tags", auto_complete="off", placeholder="parted by commas"),
                    field_id="tags",
                    error=errors.get("tags", ""),
                ),
                class_name="pair",
            ),
            rx.cond(
                state.required.length() > 0,
                rx.el.div(
                    rx.el.p("Values this type requires", class_name="field-label"),
                    rx.foreach(state.required, lambda row: value_control(row, errors)),
                    class_name="required-values",
                ),
                rx.fragment(),
            ),
            form_refusal(errors.get("", "")),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Create event", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="New event",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )


def delete_dialog(state: Any) -> rx.Component:
    """The question before selected events are deleted."""
    return confirm_dialog(
        title=f"Delete {state.doomed_count} selected events?",
        text="This deletes for good:",
        consequences=state.consequences,
        confirm="Delete events",
        open_=state.is_deleting,
        on_open_change=state.set_deleting,
        on_confirm=state.delete,
        refusal=state.errors.get("", ""),
    )


def nothing_found() -> rx.Component:
    """No event matches the filters."""
    return empty_state(
        "No event matches",
        "Search looks at name, identity and description.",
        link_button("Show all events", href=plan_link(ui_paths.project_events(slug_var()))),
    )


def nothing_planned(state: Any, create: rx.Component) -> rx.Component:
    """The branch holds no events."""
    slug = slug_var()
    editing = rx.cond(
        state.type_choices.length() > 0,
        create,
        link_button("Make an event type", href=plan_link(ui_paths.project_event_types(slug))),
    )
    return empty_state(
        "The plan is empty",
        "Send events and the next scan proposes one entry for each of them, in review. Or write them down before they exist.",
        link_button("How to send the first event", href=ui_paths.project_overview(slug), kind="primary"),
        rx.cond(state.may_edit, editing, rx.fragment()),
        link_button("Scans", href=ui_paths.project_scans(slug)),
    )
