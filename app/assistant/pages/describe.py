"""A button and a panel for pages of the plan: the model suggests descriptions, an editor takes them one by one."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.assistant import service as assistant
from app.assistant.pages.describe_view import SuggestionRow, present_of, suggestion_rows, take_suggestion
from app.frame import ProjectState
from app.identity.contracts import Actor
from app.kernel.errors import AppError
from components import button, toast_done, toast_failed
from components.inline_edit import form_refusal

OFF = "The assistant is off. An owner of this instance can turn it on in the settings."


class DescribeState(ProjectState):
    """Suggestions for the event or event type in the address; `about` is its id."""

    about: str = ""
    is_asking: bool = False
    refusal: str = ""
    rows: list[SuggestionRow] = []

    @rx.event
    def start(self) -> EventSpec:
        """Ask for suggestions about what the page shows."""
        self.about = self._route_value("event_id") or self._route_value("event_type_id")
        self.is_asking, self.refusal, self.rows = True, "", []
        return DescribeState.suggest

    @rx.event
    def close(self) -> None:
        """Put the suggestions away."""
        self.about, self.is_asking = "", False

    @rx.event(background=True)
    async def suggest(self) -> None:
        """Ask the model while the page stays usable; no transaction is open meanwhile."""
        async with self:
            about, slug, place = self.about, self._slug(), self._place()
            actor, is_event = await self._read(_caller), bool(place["event_id"])
        rows: list[SuggestionRow] = []
        refusal = ""
        try:
            if not assistant.is_enabled():
                refusal = OFF
            else:
                ask = assistant.describe_event if is_event else assistant.describe_event_type
                found = await asyncio.to_thread(ask, actor, slug, about, branch=place["branch"] or None)
                async with self:
                    rows = suggestion_rows(found, await self._read(present_of, slug, **place))
                refusal = "" if rows else "The model suggests nothing that the plan does not say already."
        except AppError as error:
            refusal = error.message
        async with self:
            if self.about == about:
                self.is_asking, self.rows, self.refusal = False, rows, refusal

    @rx.event
    async def take(self, key: str) -> EventSpec | None:
        """Write one suggestion into the plan."""
        row = next((row for row in self.rows if row.key == key), None)
        if row is None:
            return None
        try:
            await self._call(take_suggestion, self._slug(), row, **self._place())
        except AppError as error:
            return toast_failed(error.message)
        self._drop(key)
        return toast_done(f"{row.label}: the description is saved")

    @rx.event
    def decline(self, key: str) -> None:
        """Leave the plan's own words."""
        self._drop(key)

    def _drop(self, key: str) -> None:
        self.rows = [row for row in self.rows if row.key != key]
        if not self.rows:
            self.about = ""

    def _place(self) -> dict[str, str]:
        return {
            "event_id": self._route_value("event_id"),
            "event_type_id": self._route_value("event_type_id"),
            "branch": self._branch(),
        }


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


def describe_button() -> rx.Component:
    """For editors: begins. Its page shows `describe_panel` too."""
    state: Any = DescribeState
    return button(rx.icon("sparkles", size=14, aria_hidden="true"), "Suggest descriptions", on_click=state.start)


def describe_panel(about: Any, *, on_taken: Any) -> rx.Component:
    """The suggestions for what the page shows, whose id is `about`; `on_taken` loads the page again."""
    state: Any = DescribeState
    return rx.cond(
        (state.about != "") & (state.about == about),
        rx.el.section(
            rx.el.div(
                rx.el.h2("Suggested descriptions"),
                rx.el.div(button("Close", small=True, on_click=state.close), class_name="section-actions"),
                class_name="section-head",
            ),
            rx.el.p(
                rx.cond(
                    state.is_asking, "Asking the model…", rx.cond(state.refusal == "", "Nothing is saved before you take it.", "")
                ),
                role="status",
                class_name="muted suggestion-note",
            ),
            form_refusal(state.refusal),
            rx.foreach(state.rows, lambda row: _suggestion(state, row, on_taken)),
            aria_label="Suggested descriptions",
            class_name="section",
        ),
        rx.fragment(),
    )


def _suggestion(state: Any, row: Any, on_taken: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.p(row.label, class_name="setting-title"),
            rx.el.p(row.suggested),
            rx.cond(row.present != "", rx.el.p("Now: ", row.present, class_name="cell-sub"), rx.fragment()),
        ),
        rx.el.div(
            button(
                "Take it",
                small=True,
                on_click=[state.take(row.key), on_taken],
                custom_attrs={"aria-label": f"Take the description of {row.label}"},
            ),
            button(
                "Leave it",
                small=True,
                kind="quiet",
                on_click=state.decline(row.key),
                custom_attrs={"aria-label": f"Leave the description of {row.label}"},
            ),
            class_name="suggestion-actions",
        ),
        key=row.key,
        class_name="suggestion",
    )
