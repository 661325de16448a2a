"""The panel of a signal that ranks explanations when somebody asks why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app.detection.pages.signal_view import parse_signal_id
from app.detection.pages.why_view import WhyView, why_view
from app.frame import ProjectState
from app.kernel.errors import AppError
from components import badge, button, empty_state, section, text_link, toast_failed


class WhyState(ProjectState):
    """The explanations of the incident that was asked about last; another incident shows none of them."""

    answer: WhyView = WhyView()
    about: str = ""
    is_looking: bool = False

    @rx.event
    async def explain(self, incident: str, started_at: str) -> AsyncIterator[EventSpec | None]:
        """Rank what explains the incident of the signal in the address that began then."""
        self.is_looking, self.answer = True, WhyView()
        yield None
        try:
            key = parse_signal_id(self._route_value("signal_id"))
            bucket = datetime.fromisoformat(started_at) if started_at else None
            self.answer = await self._read(why_view, self._slug(), key, bucket)
            self.about = incident
        except (AppError, ValueError) as refusal:
            yield toast_failed(refusal.message if isinstance(refusal, AppError) else "There is no such incident")
        finally:
            self.is_looking = False


def why_panel(incident: Any) -> rx.Component:
    """The question about a SignalRow, and once asked its answer: explanations with their evidence, or why it is unknown."""
    state: Any = WhyState
    is_this_one = state.answer.is_answered & (state.about == incident.key)
    return section(
        "Why",
        rx.cond(
            is_this_one,
            rx.cond(
                state.answer.rows.length() > 0,
                rx.el.ol(rx.foreach(state.answer.rows, _line), class_name="lines", aria_label="Explanations"),
                empty_state("Unknown", state.answer.reason),
            ),
            rx.el.p(
                "Looks at breakdowns, releases, plan changes, notes, drifts, the source and error lines around its start.",
                class_name="muted",
            ),
        ),
        actions=[
            button(
                rx.cond(is_this_one, "Look again", "Why did this happen?"),
                small=True,
                disabled=state.is_looking,
                on_click=state.explain(incident.key, incident.iso),
            )
        ],
    )


def _line(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.rank, class_name="num muted"),
            rx.el.div(text_link(row.title, href=row.href), " ", badge(row.cause), class_name="line-main"),
            rx.el.div(rx.el.span(row.strength, class_name="muted"), class_name="line-end"),
            rx.el.p(row.sentence, class_name="line-sub"),
            class_name="line",
        ),
    )
