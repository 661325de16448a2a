"""Parts of the page of threat models: the list, the question before one goes, and what a model would have raised."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import security_paths, ui_paths
from app.frame import slug_var
from app.security.pages.threat_models_view import DAYS
from components import (
    Column,
    badge,
    data_table,
    empty_state,
    link_button,
    row_link,
    section,
    segmented,
    time_text,
)
from components.inline_edit import check_box, confirm_dialog, icon_button


def model_table(state: Any) -> rx.Component:
    """The models with their switch."""
    view = state.view

    def name(row: Any) -> rx.Component:
        return rx.el.div(
            rx.cond(view.is_editor & view.is_booked, row_link(row.name, row.href), rx.el.span(row.name)),
            rx.cond(row.description != "", rx.el.span(row.description, class_name="cell-sub"), rx.fragment()),
            rx.cond(row.paused != "", rx.el.span(row.paused, class_name="cell-sub field-error"), rx.fragment()),
        )

    def rule(row: Any) -> rx.Component:
        return rx.el.div(
            rx.el.span(row.rule, class_name="breakable"),
            rx.cond(row.follows != "", rx.el.span(row.follows, class_name="cell-sub breakable"), rx.fragment()),
        )

    def switch(row: Any) -> rx.Component:
        words = rx.cond(row.is_enabled, "On", "Off")
        return rx.cond(
            view.is_editor & view.is_booked,
            rx.el.div(
                check_box(f"{row.name} is on", row.is_enabled, lambda value: state.switch(row.id, value)),
                rx.el.span(words, aria_hidden="true"),
                class_name="switch-cell",
            ),
            badge(words, rx.cond(row.is_enabled, "ok", "neutral"), dot=True),
        )

    def actions(row: Any) -> rx.Component:
        return rx.cond(
            view.is_editor & view.is_booked,
            icon_button("trash-2", f"Remove {row.name}", state.ask_removal(row.id, row.name)),
            rx.fragment(),
        )

    return data_table(
        [
            Column("Model", name),
            Column("Fires on", rule, secondary=True),
            Column("Severity", lambda row: badge(row.severity, row.tone, dot=True), width="110px"),
            Column("Alerts, 30 days", lambda row: row.alerts, numeric=True, width="120px", secondary=True),
            Column("State", switch, width="90px"),
            Column("Changed", lambda row: time_text(row.changed, row.iso), numeric=True, width="150px", secondary=True),
            Column("", actions, width="56px"),
        ],
        view.rows,
        caption="Threat models by name",
        empty=empty_state(
            "No threat models",
            "The built-in rules find brute force, impossible travel, unusual countries and more. A model adds what is special "
            "here, for example ten exports of one person within an hour.",
            rx.cond(
                view.is_editor & view.is_booked,
                link_button("Add model", href=security_paths.project_threat_models(slug_var(), edit=ui_paths.NEW)),
                rx.fragment(),
            ),
        ),
    )


def removal_dialog(state: Any) -> rx.Component:
    """The question before a model goes."""
    return confirm_dialog(
        title="Remove the threat model?",
        text=rx.el.span(state.removed_name, " raises no alert any more. Alerts that it raised stay."),
        consequences=rx.Var.create([]).to(list[str]),
        confirm="Remove model",
        open_=state.is_removing,
        on_open_change=state.set_removing,
        on_confirm=state.remove,
    )


def preview_section(state: Any) -> rx.Component:
    """How many alerts the model would have raised, and the newest of them."""
    preview = state.preview
    return section(
        "On what is stored",
        segmented(list(DAYS.items()), state.days, state.choose_days, label="Period to try the model on"),
        rx.el.div(
            rx.cond(
                preview.problem != "",
                rx.el.p(preview.problem, class_name="field-error"),
                rx.fragment(
                    rx.el.p(rx.el.span(preview.count, class_name="kpi-value num"), " ", preview.words, class_name="preview-count"),
                    rx.el.p(preview.note, class_name="muted"),
                ),
            ),
            role="status",
            class_name="section-body",
        ),
        rx.cond(
            (preview.problem == "") & (preview.examples.length() > 0),
            rx.el.ul(rx.foreach(preview.examples, _example), class_name="lines", aria_label="Newest of these alerts"),
            rx.fragment(),
        ),
        note="Nothing is raised while you try.",
    )


def _example(row: Any) -> rx.Component:
    return rx.el.li(
        rx.icon("siren", size=14, aria_hidden="true", class_name="muted"),
        rx.el.div(
            rx.link(row.title, href=row.href, class_name="row-link", underline="none"),
            " ",
            badge(row.severity, row.tone),
            class_name="line-main",
        ),
        rx.el.div(time_text(row.when, row.iso), class_name="line-end muted"),
        rx.el.div(row.detail, class_name="line-sub breakable"),
        class_name="line",
    )
