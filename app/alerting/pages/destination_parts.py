"""Parts of the page of a destination."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from app.alerting.pages.words import test_badge
from app.frame import slug_var
from app.identity.contracts import UserRole
from components import Column, badge, button, code_block, data_table, empty_state, link_button, row_link, section, time_text
from components.inline_edit import confirm_dialog


def test_result_part(state: Any) -> rx.Component:
    """How the last test went, announced when it ends."""
    told = rx.el.p(
        test_badge(state.test.status),
        rx.el.span(state.test.message),
        rx.cond(state.test.when != "", rx.el.span(time_text(state.test.when, state.test.iso), class_name="muted"), rx.fragment()),
        class_name="inline",
        style={"gap": "10px", "flex_wrap": "wrap"},
    )
    sending = rx.el.p("Sending a test message…", class_name="muted")
    return rx.el.div(
        rx.cond(state.is_testing, sending, rx.cond(state.test.status != "", told, rx.fragment())),
        role="status",
        aria_label="Last test",
        style={"min_height": "24px", "margin_top": "14px"},
    )


def facts_part(state: Any) -> rx.Component:
    """The destination for those who may only read."""
    return section(
        "Where it is",
        rx.el.dl(
            rx.foreach(state.view.facts, lambda fact: rx.el.div(rx.el.dt(fact[0]), rx.el.dd(fact[1]))),
            class_name="facts",
        ),
        rx.el.p("Editors and owners change and test destinations.", class_name="rule-verdicts"),
    )


def signing_part(state: Any) -> rx.Component:
    """The secret of a webhook's signatures, shown when asked for."""
    return section(
        "Signature",
        rx.cond(
            state.signing_secret != "",
            rx.fragment(
                code_block(state.signing_secret, label="Signing secret"),
                rx.el.div(button("Replace secret", small=True, on_click=state.set_rotating(True)), style={"margin_top": "10px"}),
            ),
            button("Show signing secret", on_click=state.show_secret),
        ),
        confirm_dialog(
            title="Replace the signing secret?",
            text="Receivers that check signatures with the present one refuse every message until they know the new one.",
            consequences=rx.Var.create([]).to(list[str]),
            confirm="Replace secret",
            open_=state.is_rotating,
            on_open_change=state.set_rotating,
            on_confirm=state.rotate_secret,
        ),
        note="Every message carries webhook-id, webhook-timestamp and webhook-signature. Libraries of Standard Webhooks check them "
        "with this secret; a message that is sent again keeps its webhook-id.",
    )


def rules_part(state: Any) -> rx.Component:
    """Which rules tell the destination something."""
    return section(
        "Rules",
        data_table(
            [
                Column("Rule", lambda row: row_link(row.name, row.href)),
                Column("State", lambda row: badge(row.state, rx.cond(row.state == "on", "ok", "neutral"), dot=True), width="120px"),
            ],
            state.view.rules,
            caption="Rules that tell this destination",
            empty=empty_state(
                "No rule tells it anything",
                "It receives test messages until a rule uses it.",
                rx.cond(
                    state.user_role != UserRole.VIEWER.value,
                    link_button("Make a rule", href=ui_paths.project_rule(slug_var(), ui_paths.NEW)),
                    rx.fragment(),
                ),
            ),
        ),
    )
