"""One rule: said in a sentence, edited in a form, and tried on the last days while it is being written."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.alerting.pages.rule_parts import rule_form
from app.alerting.pages.rule_questions import question_side
from app.alerting.pages.rule_routing import routing_section
from app.alerting.pages.rule_schedule import schedule_section
from app.alerting.pages.rule_state import RuleState
from app.frame import project_frame, slug_var
from app.page_states import page_body
from app.ui import page
from components import badge, button, empty_state, link_button, notice, page_header
from components.inline_edit import confirm_dialog, form_refusal
from components.shell import Crumb


@page(route="/p/[slug]/rules/[rule_id]", title="Rule · Plumbline", on_load=RuleState.load)
def rule_page() -> rx.Component:
    """The page."""
    state: Any = RuleState
    view = state.view
    return project_frame(
        page_body(
            state,
            page_header(view.title, _actions(state), beside=rx.cond(view.muted != "", badge(view.muted, "warn"), rx.fragment())),
            rx.cond(
                view.may_write,
                rx.fragment(),
                notice("Editors and owners change rules. You can try changes here without keeping them."),
            ),
            rx.cond(
                view.is_new & (view.destinations.length() == 0),
                empty_state(
                    "There is nobody to tell yet",
                    "A rule belongs to a destination. Add one first, then come back.",
                    link_button("Add a destination", href=ui_paths.project_destination(slug_var(), ui_paths.NEW), kind="primary"),
                ),
                rx.fragment(
                    rx.el.p(state.rehearsal.sentence, class_name="rule-sentence", custom_attrs={"aria-live": "polite"}),
                    form_refusal(state.errors.get("", "")),
                    rx.el.div(
                        rx.el.div(
                            rule_form(state),
                            rx.cond(view.is_new, rx.fragment(), rx.fragment(routing_section(state), schedule_section(state))),
                            custom_attrs={"data-draft": ""},
                        ),
                        question_side(state),
                        class_name="rule-editor",
                    ),
                ),
            ),
            confirm_dialog(
                title=f"Delete {view.title}?",
                text="What it delivered stays in the history. What goes away:",
                consequences=rx.Var.create(["The rule", "What it remembers of every series", "Its monitor"]),
                confirm="Delete rule",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
            ),
            on_retry=state.load,
            what="rule",
            back=link_button("All rules", href=ui_paths.project_rules(slug_var())),
        ),
        active="rules",
        crumbs=[Crumb("Rules", ui_paths.project_rules(slug_var())), Crumb(rx.cond(view.title != "", view.title, "Rule"))],
    )


def _actions(state: Any) -> rx.Component:
    view = state.view
    return rx.cond(
        view.may_write & (view.destinations.length() > 0),
        rx.fragment(
            rx.cond(view.is_new, rx.fragment(), button("Delete", kind="quiet", on_click=state.set_deleting(True))),
            rx.cond(state.is_changed & ~view.is_new, rx.el.span("Not saved yet", class_name="muted"), rx.fragment()),
            button(rx.cond(view.is_new, "Add rule", "Save"), kind="primary", on_click=state.save),
        ),
        rx.fragment(),
    )
