"""Anomaly settings: how counts are judged, with a preview that follows every slider before anything is saved."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.detection import feedback, planned
from app.detection import service as detection
from app.detection.contracts import DetectionSettings
from app.detection.pages import settings_parts as parts
from app.detection.pages.settings_view import PreviewView, SettingsView, key_of, preview_view, settings_view
from app.frame import project_frame, slug_var
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.ui import page
from components import button, dialog, dialog_actions, notice, page_header, toast_done, toast_failed
from components.shell import Crumb

WHOLE = ("min_expected_count", "baseline_window_buckets", "min_history_buckets")
SWITCHES = ("anomaly_detection_enabled", "detect_project_total", "detect_event_types", "detect_events")


class AnomalySettingsState(LoadedState):
    """What is stored, what stands on the page, and what that would have found."""

    view: SettingsView = SettingsView()
    draft: dict[str, bool] = {}
    numbers: dict[str, str] = {}
    preview: PreviewView = PreviewView()
    stored_alarms: int = 0
    drawn: str = ""
    fault: str = ""
    is_changed: bool = False
    is_waiting: bool = False
    is_asking: bool = False
    errors: dict[str, str] = {}
    planned_drawn: int = 0

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Show what is stored."""
        if self._begin(self._slug()):
            self.view, self.preview, self.drawn, self.errors = SettingsView(), PreviewView(), "", {}
            yield
        with self._loading():
            await self._enter()
            await self._show_stored()

    async def _show_stored(self) -> None:
        self.view = await self._read(settings_view, self._slug(), self._zone())
        values = asdict(self.view.settings)
        self.draft = {name: bool(values[name]) for name in SWITCHES}
        self.numbers = {name: f"{values[name]:.10g}" for name in (*WHOLE, "sigma_threshold")}
        await self._look()
        self.stored_alarms = self.preview.alarms

    @rx.event
    async def set_number(self, name: str, text: str) -> AsyncIterator[None]:
        """Move a slider or type a number."""
        if name not in self.numbers or self.numbers[name] == str(text):
            return
        self.numbers = {**self.numbers, name: str(text)[:20]}
        self.is_waiting = True
        yield
        await self._look()

    @rx.event
    async def set_switch(self, name: str, checked: bool) -> AsyncIterator[None]:
        """Turn one kind of series, or detection, on or off on the page."""
        if name not in self.draft:
            return
        self.draft = {**self.draft, name: bool(checked)}
        self.is_waiting = True
        yield
        await self._look()

    @rx.event
    async def draw(self, choice: str) -> None:
        """Draw another series."""
        self.drawn = choice[:120]
        await self._look()

    @rx.event
    async def discard(self) -> None:
        """Back to what is stored."""
        await self._show_stored()

    @rx.event
    async def save(self) -> EventSpec | None:
        """Store what stands on the page; asks first when that turns detection off."""
        wanted = self._wanted()
        if wanted is None:
            return toast_failed(self.fault)
        if self.view.settings.anomaly_detection_enabled and not wanted.anomaly_detection_enabled and not self.is_asking:
            self.is_asking = True
            return None
        self.is_asking = False
        return await self._change(
            "Saved. It counts from the next collection on.", detection.update_settings, self._slug(), asdict(wanted)
        )

    @rx.event
    def stop_asking(self) -> None:
        """Keep detection on."""
        self.is_asking = False

    @rx.event
    async def reset_scope(self, choice: str) -> EventSpec:
        """Judge a series as the project says."""
        key = key_of(choice)
        if key is None:
            return toast_failed("There is no such series")
        return await self._change("The series is judged as the project says", feedback.tune_scope, self._slug(), key)

    @rx.event
    async def plan(self, form: dict[str, Any]) -> EventSpec | None:
        """Explain a window, given in the viewer's zone; a refused one stays in the form."""
        moments = {name: self._moment(form, name) for name in ("starts", "ends")}
        name, begins, ends = str(form.get("name", "")).strip(), moments["starts"], moments["ends"]
        self.errors = {one: "Choose a date and a time" for one, moment in moments.items() if moment is None}
        if not name:
            self.errors["name"] = "Say what is planned"
        if begins is None or ends is None or self.errors:
            return None
        if ends <= begins:
            self.errors = {"ends": "The end must come after the start"}
            return None
        self.planned_drawn += 1
        return await self._change("Planned", planned.plan_window, self._slug(), name, begins, ends)

    @rx.event
    async def drop(self, planned_event_id: str) -> EventSpec:
        """Take a planned event back."""
        return await self._change("Removed", planned.drop_window, self._slug(), planned_event_id)

    def _moment(self, form: dict[str, Any], name: str) -> datetime | None:
        try:
            local = datetime.fromisoformat(str(form.get(name, "")))
        except ValueError:
            return None
        return local.replace(tzinfo=self._zone()).astimezone(UTC)

    async def _change(self, done: str, fn: Callable[..., Any], *args: Any) -> EventSpec:
        try:
            await self._call(fn, *args)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._show_stored()
        return toast_done(done)

    def _wanted(self) -> DetectionSettings | None:
        """What stands on the page; None, with `fault` saying why, when a number is none."""
        try:
            numbers: dict[str, Any] = {name: int(self.numbers[name]) for name in WHOLE}
            numbers["sigma_threshold"] = float(self.numbers["sigma_threshold"])
            if not math.isfinite(numbers["sigma_threshold"]) or numbers["sigma_threshold"] < 0.1:
                raise ValueError
            if any(numbers[name] > dial.most for dial in parts.DIALS for name in (dial.name,)):
                raise ValueError
        except ValueError:
            self.fault = "Give whole numbers for counts and buckets, and at least 0.1 for the sigma threshold"
            return None
        return replace(self.view.settings, **self.draft, **numbers)

    async def _look(self) -> None:
        self.fault = ""
        wanted = self._wanted()
        if wanted is not None:
            try:
                self.preview = await self._read(preview_view, self._slug(), wanted, self.drawn, self._zone())
            except InvalidInput as refusal:
                self.fault = f"{(refusal.field or 'A value').replace('_', ' ').capitalize()} {refusal.message}"
        self.is_changed = wanted != self.view.settings
        self.is_waiting = False


@page(route="/p/[slug]/anomaly-settings", title="Anomaly settings · Plumbline", on_load=AnomalySettingsState.load)
def anomaly_settings_page() -> rx.Component:
    """The page."""
    state: Any = AnomalySettingsState
    return project_frame(
        page_header("Anomaly settings", note="What counts as unusual, for every series of the project."),
        page_body(
            state,
            rx.cond(
                state.user_role == "viewer",
                notice("You may look at these settings; an editor can change them."),
                rx.fragment(),
            ),
            rx.el.div(
                rx.el.div(parts.dials(state), _save_bar(state)),
                rx.el.div(parts.preview_panel(state)),
                class_name="tuning",
            ),
            parts.overrides(state),
            parts.planned_events(state),
            _turn_off(state),
            on_retry=state.load,
        ),
        active="inbox",
        crumbs=[Crumb("Inbox", ui_paths.project_inbox(slug_var())), Crumb("Anomaly settings")],
    )


def _save_bar(state: Any) -> rx.Component:
    bar = rx.el.div(
        button("Save", kind="primary", disabled=~state.is_changed | (state.fault != ""), on_click=state.save),
        button("Discard", kind="quiet", disabled=~state.is_changed, on_click=state.discard),
        rx.cond(state.fault != "", rx.el.p(state.fault, role="alert", class_name="field-error"), rx.fragment()),
        class_name="save-bar",
    )
    return rx.cond(state.user_role != "viewer", bar, rx.fragment())


def _turn_off(state: Any) -> rx.Component:
    return dialog(
        dialog_actions(
            button("Keep it on", on_click=state.stop_asking),
            button("Turn off and delete", kind="danger", on_click=state.save),
        ),
        title="Turn detection off?",
        description="Every anomaly found so far is deleted, and nothing is judged until somebody turns it on again.",
        open_=state.is_asking,
        on_open_change=lambda _is_open: state.stop_asking(),
    )
