"""What a project without data shows: the three steps to the first event."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import ui_paths
from components import code_block, link_button, notice, text_link


def first_event_panel(origin: Any, slug: Any, has_records: Any) -> rx.Component:
    """How to send the first event to this very instance; with records already there, when figures will appear."""
    command = rx.Var.create(
        "export PLUMBLINE_KEY=...   # the key of step 1\n\n"
        f"curl -X POST {origin}/v1/events \\\n"
        '  -H "Authorization: Bearer $PLUMBLINE_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        '  -d \'{"service": "shop", "operation": "order_placed", "custom_attributes": {"total": 42.5}}\''
    )
    return rx.el.div(
        rx.cond(
            has_records,
            notice(
                "Events are arriving. The next scan, within the hour, makes a plan of them; each hour is counted once it is over.",
                rx.el.span(
                    text_link("Run the scan now", href=ui_paths.project_scans(slug)),
                    " or ",
                    text_link("see them live", href=ui_paths.project_live(slug)),
                ),
                tone="accent",
            ),
            rx.fragment(),
        ),
        rx.el.ol(
            _step(
                "Create an ingest key",
                "A key sends into this project and nothing else. It is shown once.",
                link_button("Ingest keys", href=ui_paths.project_keys(slug), kind="primary"),
            ),
            _step(
                "Send an event",
                "Any HTTP client will do. service and operation name the event; the rest is yours.",
                rx.fragment(
                    code_block(command, label="Command that sends one event"),
                    rx.el.p(
                        text_link("Other ways", href=ui_paths.project_developer(slug)),
                        ": Python, JavaScript, OpenTelemetry, Segment and PostHog.",
                        class_name="muted",
                    ),
                ),
            ),
            _step(
                "See it arrive",
                "Live events shows it at once. The hourly scan adds it to the plan and starts counting.",
                link_button("Live events", href=ui_paths.project_live(slug)),
            ),
            class_name="steps",
        ),
    )


def _step(title: str, text: str, action: rx.Component) -> rx.Component:
    return rx.el.li(rx.el.h2(title), rx.el.p(text, class_name="muted"), rx.el.div(action, class_name="step-action"))
