"""The parts of the page of the own audit log: the seal, the filters and the entries."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.audit_chain.pages.log_view import PERIODS
from components import (
    Column,
    badge,
    button,
    data_table,
    empty_state,
    job_progress,
    kpi,
    kpi_row,
    link_button,
    notice,
    pager,
    search_input,
    section,
    segmented,
    select_input,
    time_text,
    toolbar,
)


def seal_section(state: Any) -> rx.Component:
    """How far the log is sealed, and the verification of its chains."""
    seal, check = state.view.seal, state.check
    # It stays while it runs: a button that vanishes under the keyboard takes the focus with it.
    verify = button(
        rx.icon("shield-check", size=14, aria_hidden="true"),
        rx.cond(state.is_checking, "Verifying…", "Verify"),
        kind="primary",
        small=True,
        on_click=state.verify,
        custom_attrs={"aria-disabled": rx.cond(state.is_checking, "true", "false")},
    )
    told = rx.match(
        check.outcome,
        ("ok", notice(check.message, rx.foreach(check.notes, lambda note: rx.el.p(note, class_name="muted")), tone="ok")),
        ("bad", notice(check.message, tone="bad")),
        ("warn", notice(check.message, tone="warn")),
        rx.fragment(),
    )
    return section(
        "Seal",
        kpi_row(
            kpi("Sealed records", seal.sealed, note="own and ingested, in hash chains"),
            kpi("Not sealed yet", seal.unsealed, note=seal.unsealed_note, tone=seal.unsealed_tone),
            kpi("Last checkpoint", seal.checkpoint, note=seal.checkpoint_note),
            kpi("Signing key", seal.key, note="Ed25519"),
        ),
        rx.cond(
            state.is_checking,
            job_progress(
                check.percent,
                check.phase,
                label="Verification",
                actions=button("Stop", small=True, on_click=state.stop_check),
            ),
            rx.fragment(),
        ),
        told,
        actions=[verify],
        note="Every record is chained to the one before it; a signature attests the chain every minute.",
    )


def filters(state: Any) -> rx.Component:
    """What the entries are narrowed by."""
    query = state.query
    return toolbar(
        search_input(query.person, state.look_for_person, label="Person"),
        select_input(
            state.view.actions,
            field_id="action",
            label="Action",
            value=query.action,
            on_change=lambda value: state.choose("action", value),
        ),
        select_input(
            state.view.projects,
            field_id="project",
            label="Project",
            value=query.project,
            on_change=lambda value: state.choose("project", value),
        ),
        select_input(
            [("", "Without looks at this log"), ("1", "With looks at this log")],
            field_id="reads",
            label="Looks",
            value=query.reads,
            on_change=lambda value: state.choose("reads", value),
        ),
        segmented(list(PERIODS.items()), query.days, lambda days: state.choose("days", days), label="Period"),
    )


def entries(state: Any) -> rx.Component:
    """The entries, a page at a time."""
    view = state.view
    return data_table(
        [
            Column("Action", _action),
            Column("Time", lambda row: time_text(row.when, row.iso), secondary=True),
            Column("Person", lambda row: row.person, secondary=True),
            Column("Target", lambda row: row.target, secondary=True),
            Column("Project", _project, secondary=True),
            Column("Seal", _seal, secondary=True, width="252px"),
            Column("", lambda row: _details_button(state, row)),
        ],
        view.rows,
        caption="Entries, newest first",
        empty=rx.cond(
            view.is_narrowed,
            empty_state(
                "No entry matches",
                "Entries were narrowed by the fields above.",
                link_button("Show all", href=ui_paths.AUDIT_LOG),
            ),
            empty_state("Nothing was changed in this period", "Choose a longer period to see earlier changes."),
        ),
        pager=pager(view.first, view.last, view.total, on_previous=state.turn(-1), on_next=state.turn(1)),
    )


def _action(row: Any) -> rx.Component:
    """What was done; who did it and when stand beneath where the window is narrow."""
    return rx.fragment(
        rx.el.code(row.action, class_name="audit-action"),
        rx.el.span(
            rx.el.span(row.person, class_name="breakable"),
            time_text(row.when, row.iso),
            class_name="cell-sub dotted only-narrow-flex",
        ),
    )


def _project(row: Any) -> rx.Component:
    return rx.el.span(rx.cond(row.project != "", row.project, "–"), class_name="nowrap")


def _seal(row: Any) -> rx.Component:
    return rx.fragment(badge(row.seal, row.seal_tone), rx.el.span(row.seal_note, class_name="cell-sub"))


def _details_button(state: Any, row: Any) -> rx.Component:
    press = button(
        "Details",
        small=True,
        kind="quiet",
        on_click=state.open_payload(row.id),
        custom_attrs={"aria-label": f"Details of {row.action}"},
    )
    return rx.cond(row.payload != "", press, rx.fragment())
