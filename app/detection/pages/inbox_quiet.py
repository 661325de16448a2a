"""What the inbox says where nothing departed, and where nobody can tell."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import slug_var
from components import Column, data_table, empty_state, link_button, section, time_text


def nothing_departed(state: Any) -> rx.Component:
    """In place of incidents: why there are none."""
    view, slug = state.view, slug_var()
    return rx.cond(
        view.is_on,
        rx.cond(
            view.watching != "",
            rx.cond(
                view.has_any,
                empty_state(
                    rx.cond(state.is_narrowed, "Nothing matches these filters", view.quiet),
                    rx.fragment("Watching ", view.watching, ". Older and other incidents are not shown here."),
                    link_button("Show all", href=f"{ui_paths.project_inbox(slug)}?days=all"),
                ),
                empty_state(
                    view.quiet,
                    rx.fragment("Watching ", view.watching, ". Every collected hour is compared with what is usual for it."),
                ),
            ),
            empty_state(
                "Nothing is watched yet",
                "Judging begins once a scan has collected enough hours to know what is usual.",
                link_button("Scans", href=ui_paths.project_scans(slug), kind="primary"),
            ),
        ),
        empty_state(
            "Detection is off",
            "Nobody compares counts with what is usual while it is off. An editor can turn it on.",
            link_button("Anomaly settings", href=ui_paths.project_anomaly_settings(slug)),
        ),
    )


def not_judged(state: Any) -> rx.Component:
    """The series whose newest bucket could not be judged, each with its reason."""
    view = state.view
    return section(
        "Not judged",
        data_table(
            [
                Column("Series", lambda row: rx.el.span(row.scope_name, rx.el.span(row.scope_kind, class_name="cell-sub"))),
                Column("Reason", lambda row: row.reason),
                Column("Newest hour", lambda row: time_text(row.when, row.iso), secondary=True),
            ],
            view.unknown,
            caption="Series whose newest hour could not be judged",
            empty=rx.fragment(),
        ),
        note=rx.fragment(view.unknown_count, " series whose newest hour could not be judged; they are neither fine nor at fault"),
    )
