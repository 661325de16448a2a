"""The page of one scan: its query with a preview, how rows become events, when it runs, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import project_frame, slug_var
from app.page_states import page_body
from app.scans.pages.editor_form import COLUMN_LIST, events_section, metrics_section, query_section
from app.scans.pages.editor_looks import forecast_section, preview_section
from app.scans.pages.editor_state import ScanEditorState
from app.scans.pages.replay_dialog import replay_dialog
from app.scans.pages.scans import job_table
from app.ui import page
from components import button, link_button, notice, page_header, section
from components.inline_edit import confirm_dialog, form_refusal
from components.shell import Crumb


@page(route="/p/[slug]/scans/[scan_id]", title="Scan · Plumbline", on_load=ScanEditorState.load)
def scan_page() -> rx.Component:
    """The page."""
    state: Any = ScanEditorState
    return project_frame(
        page_body(
            state,
            page_header(state.view.title, *_actions(state), note="Rows of a query become events, and their counts become metrics."),
            rx.cond(
                state.view.may_write,
                rx.fragment(),
                notice("Only owners change scans: they run SQL with the instance's credentials."),
            ),
            rx.el.datalist(rx.foreach(state.grid.columns, lambda column: rx.el.option(value=column[0])), id=COLUMN_LIST),
            rx.el.div(
                query_section(state),
                preview_section(state),
                events_section(state),
                metrics_section(state),
                forecast_section(state),
                _save_bar(state),
                custom_attrs={"data-draft": ""},
            ),
            rx.cond(
                state.view.is_new,
                rx.fragment(),
                section("Runs", job_table(state.view.jobs), note="newest first"),
            ),
            replay_dialog(state),
            confirm_dialog(
                title=f"Delete the scan {state.view.title}?",
                text="This deletes with it:",
                consequences=rx.Var.create(["Its runs", "Every count, breakdown and anomaly it collected"]),
                confirm="Delete scan",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
                refusal="",
            ),
            on_retry=state.load,
            what="scan",
            back=link_button("All scans", href=ui_paths.project_scans(slug_var())),
        ),
        active="scans",
        crumbs=[Crumb("Scans", ui_paths.project_scans(slug_var())), Crumb(state.view.title)],
    )


def _actions(state: Any) -> Sequence[rx.Component]:
    is_stored = ~state.view.is_new
    return (
        rx.cond(
            is_stored & state.view.may_run & (state.view.live_job_id == ""),
            button(rx.icon("play", size=14, aria_hidden="true"), "Run now", on_click=state.run_now),
            rx.fragment(),
        ),
        rx.cond(
            is_stored & state.view.may_write,
            rx.fragment(
                rx.cond(
                    state.view.is_schedulable,
                    rx.fragment(
                        button("Replay", on_click=state.set_replaying(True)),
                        button(rx.cond(state.view.is_paused, "Resume", "Pause"), on_click=state.toggle_pause),
                    ),
                    rx.fragment(),
                ),
                button("Delete", kind="quiet", on_click=state.set_deleting(True)),
            ),
            rx.fragment(),
        ),
    )


def _save_bar(state: Any) -> rx.Component:
    return rx.cond(
        state.view.may_write,
        rx.el.div(
            button(rx.cond(state.view.is_new, "Create scan", "Save"), kind="primary", on_click=state.save),
            button(
                rx.cond(state.looking == "dry_run", "Rehearsing…", "Dry run"),
                on_click=state.rehearse,
                disabled=state.looking != "",
            ),
            form_refusal(state.errors.get("", "")),
            rx.cond(state.looked == "dry_run", form_refusal(state.look_problem), rx.fragment()),
            class_name="scan-bar",
        ),
        rx.fragment(),
    )
