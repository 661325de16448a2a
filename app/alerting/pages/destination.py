"""One destination: how it is reached, a test of it, the rules that use it, and the secret of a webhook's signatures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.alerting import service as alerting
from app.alerting.apprise_rules import is_installed
from app.alerting.contracts import DestinationFields
from app.alerting.pages.destination_form import form_section, written_fields
from app.alerting.pages.destination_parts import facts_part, rules_part, signing_part, test_result_part
from app.alerting.pages.destinations_view import (
    DestinationDetail,
    TestView,
    consequences_of,
    destination_detail,
    empty_detail,
    shown_test,
)
from app.alerting.pages.words import test_badge
from app.alerting.vocabulary import DestinationType
from app.frame import project_frame, slug_var
from app.identity.contracts import Actor, UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError, InvalidInput
from app.page_states import LoadedState, page_body
from app.ui import field_errors, page
from components import badge, button, link_button, page_header, toast_done, toast_failed
from components.inline_edit import confirm_dialog
from components.shell import Crumb

SIGNED = DestinationType.WEBHOOK.value


class DestinationState(LoadedState):
    """The destination that the address names, or the form of one to be made."""

    view: DestinationDetail = DestinationDetail()
    kind: str = DestinationType.SLACK.value
    is_new: bool = True
    has_apprise: bool = False
    drawn: int = 0
    errors: dict[str, str] = {}
    is_testing: bool = False
    test: TestView = TestView()
    is_deleting: bool = False
    consequences: list[str] = []
    signing_secret: str = ""
    is_rotating: bool = False
    _intent: str = "save"
    _draft: dict[str, Any] = {}
    _is_made: bool = False

    @rx.event
    async def load(self) -> AsyncIterator[None]:
        """Show the stored destination, or an empty form."""
        slug, destination_id = self._slug(), self._destination_id()
        if self._begin(f"{slug}/{destination_id}"):
            self.view = DestinationDetail()
            yield
        self.errors, self.is_testing, self.is_deleting, self.is_rotating = {}, False, False, False
        self.signing_secret, self.test, self._intent, self._draft = "", TestView(), "save", {}
        self._is_made = False
        self.is_new = destination_id == ui_paths.NEW
        self.has_apprise = is_installed()
        with self._loading():
            await self._enter()
            if self.is_new:
                await self._read(alerting.require_editor_of, slug)
                self.view, self.kind, self.drawn = empty_detail(), DestinationType.SLACK.value, self.drawn + 1
            else:
                await self._show()

    @rx.event
    def choose_kind(self, kind: str) -> None:
        """The form of another channel."""
        if self.is_new and kind in set(DestinationType) and (kind != DestinationType.APPRISE or self.has_apprise):
            self.kind, self.errors, self.test = kind, {}, TestView()

    @rx.event
    def choose_intent(self, intent: str) -> None:
        """Which of the form's buttons was pressed."""
        self._intent = intent if intent in ("save", "test") else "save"

    @rx.event
    async def submit(self, form: dict[str, Any]) -> Any:
        """Store what the form says, or only try it."""
        intent, self._intent = self._intent, "save"
        if self._is_made:
            return None  # the second of two quick presses; the page of what was made is on its way
        self.errors = {}
        if intent == "test":
            self._draft, self.is_testing, self.test = form, True, TestView()
            return DestinationState.send_test
        self.test = self.view.test  # what a test of another draft said is no word on this one
        try:
            return await (self._add(form) if self.is_new else self._change(form))
        except AppError as refusal:
            self.errors = field_errors(refusal)
        return None

    @rx.event(background=True)
    async def send_test(self) -> None:
        """Send a test message to what stands in the form; the page stays usable meanwhile."""
        async with self:
            form, self._draft = self._draft, {}
            slug, kind, zone, about = self._slug(), DestinationType(self.kind), self._zone(), self._shown
            known = None if self.is_new else self.view.id
        name, fields = str(form.get("name", ""))[:255], written_fields(kind, form)
        errors: dict[str, str] = {}
        now = SYSTEM_CLOCK.now()
        try:
            trial = await self._read(alerting.trial_of_draft, slug, kind, name or "Draft", fields, now, destination_id=known)
            await self._call(alerting.take_trial_turn, now)
            result = await asyncio.to_thread(alerting.run_trial, trial, now)
            if trial.destination_id is not None:
                await self._call(alerting.record_trial, slug, trial, result)
            test = shown_test(result, zone)
        except InvalidInput as refusal:
            errors, test = field_errors(refusal), TestView("failed", "Nothing was sent: see the marked field.")
        except AppError as refusal:
            test = TestView("failed", refusal.message)
        async with self:
            if self._shown == about:
                self.errors, self.test, self.is_testing = errors, test, False

    @rx.event
    def ask_delete(self) -> None:
        """Name what goes away with the destination."""
        self.consequences, self.is_deleting = consequences_of(self.view), True

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> list[EventSpec]:
        """Do it."""
        try:
            await self._call(alerting.delete_destination, self._slug(), self.view.id)
        except AppError as refusal:
            return [toast_failed(refusal.message)]
        self.is_deleting = False
        return [rx.redirect(ui_paths.project_destinations(self._slug())), toast_done(f"{self.view.name} is deleted")]

    @rx.event
    async def show_secret(self) -> None:
        """Show what the receiver checks signatures with."""
        secret = await self._read(alerting.signing_secret, self._slug(), self.view.id)
        self.signing_secret = secret or ""

    @rx.event
    def set_rotating(self, is_open: bool) -> None:
        """Ask before the secret is replaced, or close the question."""
        self.is_rotating = is_open

    @rx.event
    async def rotate_secret(self) -> EventSpec:
        """Replace the secret."""
        self.signing_secret = await self._call(alerting.rotate_signing_secret, self._slug(), self.view.id)
        self.is_rotating = False
        return toast_done("The signing secret is replaced")

    def _destination_id(self) -> str:
        return self._route_value("destination_id")

    async def _show(self) -> None:
        self.view = await self._read(destination_detail, self._slug(), self._destination_id(), self._zone())
        self.test, self.kind = self.view.test, self.view.kind
        self.drawn += 1  # a form drawn anew holds no secret that was typed before

    async def _add(self, form: dict[str, Any]) -> list[EventSpec]:
        slug, kind = self._slug(), DestinationType(self.kind)
        fields = written_fields(kind, form)
        await self._read(alerting.require_editor_of, slug)
        await asyncio.to_thread(alerting.check_reach, kind, fields)
        name, is_enabled = str(form.get("name", ""))[:1000], bool(form.get("enabled"))
        made = await self._call(alerting.create_destination, slug, kind, name, fields, enabled=is_enabled)
        self._is_made = True
        path = ui_paths.project_destination(slug, made.id)
        return [rx.redirect(path, replace=True), toast_done(f"{made.name} is added")]

    async def _change(self, form: dict[str, Any]) -> EventSpec:
        slug, kind = self._slug(), DestinationType(self.kind)
        fields = written_fields(kind, form)
        await self._read(alerting.require_editor_of, slug)
        await asyncio.to_thread(alerting.check_reach, kind, fields)
        await self._call(_store, slug, self.view.id, str(form.get("name", ""))[:1000], bool(form.get("enabled")), fields)
        await self._show()
        return toast_done("Saved")


def _store(
    session: Session, actor: Actor, slug: str, destination_id: str, name: str, is_enabled: bool, fields: DestinationFields
) -> None:
    written = {key: value for key in DestinationFields.__slots__ if (value := getattr(fields, key)) is not None}
    alerting.update_destination(session, actor, slug, destination_id, {"name": name, "enabled": is_enabled, **written})


@page(route="/p/[slug]/destinations/[destination_id]", title="Destination · Plumbline", on_load=DestinationState.load)
def destination_page() -> rx.Component:
    """The page."""
    state: Any = DestinationState
    view, may_edit = state.view, state.user_role != UserRole.VIEWER.value
    actions = rx.cond(
        state.is_new,
        rx.fragment(),
        rx.fragment(
            link_button("Deliveries", href=view.deliveries_href),
            rx.cond(may_edit, button("Delete", kind="danger", on_click=state.ask_delete), rx.fragment()),
        ),
    )
    marks = rx.cond(
        state.is_new,
        rx.fragment(),
        rx.fragment(
            badge(view.channel), test_badge(state.test.status), rx.cond(view.is_enabled, rx.fragment(), badge("off", "warn"))
        ),
    )
    return project_frame(
        page_body(
            state,
            page_header(view.name, actions, beside=marks),
            rx.cond(
                may_edit,
                rx.el.div(form_section(state, test_result_part(state)), custom_attrs={"data-draft": ""}),
                rx.fragment(facts_part(state), test_result_part(state)),
            ),
            rx.cond(~state.is_new & (state.kind == SIGNED) & may_edit, signing_part(state), rx.fragment()),
            rx.cond(state.is_new, rx.fragment(), rules_part(state)),
            confirm_dialog(
                title=f"Delete {view.name}?",
                text="What was delivered stays in the history. What goes away:",
                consequences=state.consequences,
                confirm="Delete destination",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
            ),
            on_retry=state.load,
            what="destination",
            back=link_button("All destinations", href=ui_paths.project_destinations(slug_var())),
        ),
        active="destinations",
        crumbs=[
            Crumb("Destinations", ui_paths.project_destinations(slug_var())),
            Crumb(rx.cond(view.name != "", view.name, "Destination")),
        ],
    )
