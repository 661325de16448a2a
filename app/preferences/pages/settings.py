"""Settings: every setting of this instance, where its value comes from, and a form for those that can be changed here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.assistant import service as assistant
from app.frame import workspace_frame
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import LoadedState, page_body
from app.preferences.mail_probe import send_probe
from app.preferences.pages.settings_parts import settings_list
from app.preferences.pages.settings_view import SCOPES, SettingsView, reset_setting, save_setting, settings_view, take_effect
from app.preferences.shapes import AiSettingsTestRequest
from app.ui import page
from components import page_header, search_input, segmented, toast_done, toast_failed, toolbar
from components.shell import Crumb


class SettingsState(LoadedState):
    """The tree; search words and scope live in the address."""

    view: SettingsView = SettingsView()
    query: str = ""
    scope: str = ""
    open_name: str = ""
    refusal: str = ""
    is_testing: bool = False
    is_test_fine: bool = False
    test_message: str = ""
    is_mailing: bool = False
    is_mail_fine: bool = False
    mail_message: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Rebuild the page from the address."""
        if self._begin("settings"):
            self.view, self.test_message, self.mail_message = SettingsView(), "", ""
            yield
        query = self.router.url.query_parameters
        self.query = str(query.get("q", ""))[:200]
        self.scope = query.get("show", "") if query.get("show", "") in SCOPES else ""
        self.open_name, self.refusal, self.is_testing, self.is_mailing = "", "", False, False
        with self._loading():
            await self._refresh()

    @rx.event
    def search(self, text: str) -> EventSpec:
        """Look for other words."""
        return self._go(q=text.strip())

    @rx.event
    def choose_scope(self, scope: str) -> EventSpec:
        """All, changed or changeable settings."""
        return self._go(show=scope)

    @rx.event
    def show_all(self) -> EventSpec:
        """Drop search and scope."""
        return self._go(q="", show="")

    @rx.event
    def open_form(self, name: str) -> None:
        """Turn one setting into a form; none to close it."""
        self.open_name, self.refusal = name, ""

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Store the open form's value; what does not fit is told beneath it."""
        name = self.open_name
        try:
            await self._call(save_setting, name, str(form.get("value", ""))[:20_000], SYSTEM_CLOCK.now())
        except AppError as refusal:
            self.refusal = refusal.message
            return None
        await self._changed()
        return toast_done(f"{name} is saved. Every process follows within seconds.")

    @rx.event
    async def reset_to_default(self, name: str) -> EventSpec:
        """Give a setting back to environment and default."""
        try:
            await self._call(reset_setting, name)
        except AppError as refusal:
            return toast_failed(refusal.message)
        await self._changed()
        return toast_done(f"{name} follows the environment again")

    @rx.event
    async def test_model(self) -> AsyncIterator[None]:
        """Ask the model something; no transaction is open meanwhile."""
        self.is_testing, self.test_message = True, ""
        yield
        try:
            actor = await self._read(_owner)
            prompt = AiSettingsTestRequest.model_validate({}).prompt
            self.is_test_fine, self.test_message = await asyncio.to_thread(assistant.try_model, actor, prompt)
        except AppError as refusal:
            self.is_test_fine, self.test_message = False, refusal.message
        finally:
            self.is_testing = False

    @rx.event
    async def test_mail(self) -> AsyncIterator[None]:
        """Send the viewer a mail; no transaction is open meanwhile."""
        self.is_mailing, self.mail_message = True, ""
        yield
        try:
            actor = await self._read(_owner)
            self.is_mail_fine, self.mail_message = await asyncio.to_thread(send_probe, actor)
        except AppError as refusal:
            self.is_mail_fine, self.mail_message = False, refusal.message
        finally:
            self.is_mailing = False

    async def _changed(self) -> None:
        self.open_name, self.refusal = "", ""
        await self._read(take_effect)
        await self._refresh()

    async def _refresh(self) -> None:
        self.view = await self._read(settings_view, self.query, self.scope)

    def _go(self, **changed: str) -> EventSpec:
        query = urlencode({key: value for key, value in {"q": self.query, "show": self.scope, **changed}.items() if value})
        return rx.redirect(f"{ui_paths.SETTINGS}?{query}" if query else ui_paths.SETTINGS, replace=True)


def _owner(_session: object, actor: Actor) -> Actor:
    actor.require_owner()
    return actor


@page(route=ui_paths.SETTINGS, title="Settings · Plumbline", on_load=SettingsState.load)
def settings_page() -> rx.Component:
    """The page."""
    state: Any = SettingsState
    return workspace_frame(
        page_header("Settings", note="A value changed here wins over the environment, in every process of this instance."),
        page_body(
            state,
            toolbar(
                search_input(state.query, state.search, label="Search settings"),
                segmented(list(SCOPES.items()), state.scope, state.choose_scope, label="Which settings"),
                rx.el.span(state.view.summary, class_name="muted push", role="status"),
            ),
            settings_list(state),
            on_retry=state.load,
        ),
        active="settings",
        crumbs=[Crumb("Settings")],
    )
