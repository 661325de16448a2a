"""Events: what the plan holds, how much of it arrives, and which of it departs from the usual; edited where it stands."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from app.plan.pages.catalogue_parts import (
    bulk_bar,
    columns,
    create_dialog,
    delete_dialog,
    nothing_found,
    nothing_planned,
)
from app.plan.pages.catalogue_state import CatalogueState
from app.plan.pages.plan_frame import plan_body, plan_frame
from app.plan.pages.saved_views import saved_views
from app.presentation import STATUS_WORDS
from app.ui import page
from components import (
    Crumb,
    button,
    data_table,
    link_button,
    page_header,
    pager,
    search_input,
    toolbar,
)


@page(route="/p/[slug]/events", title="Events · Plumbline", on_load=CatalogueState.load)
def catalogue_page() -> rx.Component:
    """The page."""
    state: Any = CatalogueState
    create = button(
        rx.icon("plus", size=14), "New event", kind="primary", on_click=state.set_creating(True), custom_attrs={"data-key": "n"}
    )
    can_create = state.may_edit & (state.type_choices.length() > 0) & (state.is_filtered | (state.rows.length() > 0))
    return plan_frame(
        plan_body(
            state,
            page_header(
                "Events",
                link_button("Import and export", href=ui_paths.import_export(slug_var())),
                rx.cond(can_create, create, rx.fragment()),
                note="What the plan holds and how much of it arrived in the last 48 hours.",
            ),
            saved_views(state.is_filtered | (state.sort != "-volume")),
            toolbar(
                search_input(state.search, state.type_search, label="Search events", placeholder="Name, identity or description"),
                _filter("status", "Status", "All statuses", list(STATUS_WORDS.items()), state.status, state.choose_status),
                _filter("type", "Event type", "All types", state.type_choices, state.type_id, state.choose_type),
                rx.cond(
                    state.tag_choices.length() > 0,
                    _filter(
                        "tag",
                        "Tag",
                        "All tags",
                        state.tag_choices,
                        state.tag,
                        state.choose_tag,
                    ),
                    rx.fragment(),
                ),
            ),
            data_table(
                columns(state),
                state.rows,
                caption="Events of the plan",
                sort=state.sort,
                on_sort=state.sort_by,
                empty=rx.cond(state.is_filtered, nothing_found(), nothing_planned(state, create)),
                pager=pager(
                    state.first,
                    state.last,
                    state.total,
                    on_previous=state.turn(-1),
                    on_next=state.turn(1),
                    noun="events",
                ),
            ),
            bulk_bar(state),
            create_dialog(state),
            delete_dialog(state),
            on_retry=state.load,
            what="project",
        ),
        active="events",
        crumbs=[Crumb("Events")],
    )


def _filter(field_id: str, label: str, all_text: str, options: Any, value: Any, on_change: Any) -> rx.Component:
    """A filter of the list; `options` are pairs or a Var of them."""
    if isinstance(options, rx.Var):
        choices: list[Any] = [rx.foreach(options, lambda option: rx.el.option(option[1], value=option[0]))]
    else:
        choices = [rx.el.option(text, value=choice) for choice, text in options]
    return rx.el.select(
        rx.el.option(all_text, value=""),
        *choices,
        id=field_id,
        aria_label=label,
        value=value,
        on_change=on_change,
        class_name="input select",
    )
