"""Inbox: departures from what was expected, by correlation and newest first, and what people decide about them."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.detection.pages.inbox_parts import key_hint, message_dialog, selection_bar, signal_line
from app.detection.pages.inbox_quiet import not_judged, nothing_departed
from app.detection.pages.inbox_state import DIRECTIONS, PERIODS, InboxState
from app.detection.pages.other_alerts import other_alerts_section
from app.frame import project_frame, slug_var
from app.page_states import page_body
from app.presentation import SCOPE_WORDS
from app.ui import page
from components import finding_list, link_button, page_header, pager, segmented, select_input, toolbar
from components.shell import Crumb


@page(route="/p/[slug]/inbox", title="Inbox · Plumbline", on_load=InboxState.load)
def inbox_page() -> rx.Component:
    """The page."""
    state: Any = InboxState
    return project_frame(
        page_header(
            "Inbox",
            link_button("Anomaly settings", href=ui_paths.project_anomaly_settings(slug_var())),
            note="Buckets that departed from what is usual for them, joined into incidents. Say what each one was.",
        ),
        page_body(
            state,
            toolbar(
                segmented([("", "Everybody's"), ("1", "Mine")], state.mine, state.choose_mine, label="Whose"),
                segmented(list(DIRECTIONS.items()), state.direction, state.choose_direction, label="Direction"),
                segmented(list(PERIODS.items()), state.days, state.choose_days, label="Period"),
                select_input(
                    [("", "All series"), *[(scope.value, text) for scope, text in SCOPE_WORDS.items()]],
                    field_id="scope",
                    label="Series",
                    value=state.scope,
                    on_change=state.choose_scope,
                ),
            ),
            rx.cond(state.view.total > 0, key_hint(), rx.fragment()),
            selection_bar(state),
            finding_list(state.view.rows, lambda row: signal_line(state, row), label="Incidents", empty=nothing_departed(state)),
            rx.cond(
                state.view.total > 0,
                pager(
                    state.first,
                    state.last,
                    state.view.total,
                    on_previous=state.turn(-1),
                    on_next=state.turn(1),
                    noun="incidents",
                ),
                rx.fragment(),
            ),
            other_alerts_section(state),
            rx.cond(state.view.unknown_count > 0, not_judged(state), rx.fragment()),
            message_dialog(state),
            on_retry=state.load,
        ),
        active="inbox",
        crumbs=[Crumb("Inbox")],
    )
