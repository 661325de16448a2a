"""Event detail: what the plan says about it, how much of it arrives, and what happened to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.assistant.pages.describe import describe_button, describe_panel
from app.frame import slug_var
from app.identity.contracts import Actor
from app.kernel.errors import AppError, Conflict, InvalidInput
from app.plan import service as plan
from app.plan.pages.event_editing import Clash, clashes, delete_consequences, event_changes, form_problems, latest_change
from app.plan.pages.event_parts import clash_panel, definition_section, history_section, schema_section
from app.plan.pages.event_photos import EventPhotosState, photos_section
from app.plan.pages.event_view import Definition, HistoryRow, definition_of, history_of, schema_text
from app.plan.pages.event_volume import RANGES, VolumeView, chart_and_incidents, figures, volume_view
from app.plan.pages.plan_frame import PlanState, plan_body, plan_frame, plan_link
from app.presentation import Phase
from app.ui import field_errors, page
from components import Crumb, badge, button, link_button, page_header, toast_done
from components.inline_edit import confirm_dialog, tab_links

TABS = {"": "Overview", "photos": "Photos", "schema": "JSON Schema", "history": "History"}


class EventState(PlanState):
    """One event of the open branch. The part that is shown and the range of the chart live in the address."""

    tab: str = ""
    tab_path: str = ""
    days: str = "7"
    definition: Definition = Definition()
    volume: VolumeView = VolumeView()
    history: list[HistoryRow] = []
    schema: str = ""
    is_editing: bool = False
    errors: dict[str, str] = {}
    clash_by: str = ""
    clashes: list[Clash] = []
    is_deleting: bool = False
    consequences: list[str] = []
    form_key: str = ""
    _form: dict[str, Any] = {}
    _expected: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Rebuild the page from the address."""
        slug, event_id = self._slug(), self._route_value("event_id")
        query = self.router.url.query_parameters
        if self._begin(f"event/{slug}/{event_id}/{self._branch()}"):
            self.definition, self.volume, self.history, self.schema = Definition(), VolumeView(), [], ""
            self.is_editing, self.is_deleting, self.clash_by = False, False, ""
            yield
        self.days = query.get("days", "7") if query.get("days", "7") in RANGES else "7"
        self.tab = query.get("tab", "") if query.get("tab", "") in TABS else ""
        self.tab_path = self._here(tab="") + ("&" if self._branch() else "?")
        try:
            await self._enter_plan(ui_paths.project_events(slug))
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self._refused(refusal)
            return
        if self.tab == "photos":
            yield EventPhotosState.load

    @rx.event
    def choose_days(self, days: str) -> EventSpec:
        """Another range; the address keeps it."""
        return rx.redirect(self._here(days=days), replace=True)

    @rx.event
    def set_editing(self, is_open: bool) -> None:
        """Turn the definition into a form, or back without saving."""
        self.is_editing, self.errors, self.clash_by = is_open, {}, ""
        self.form_key = self._expected = self.definition.version

    @rx.event
    async def save(self, form: dict[str, Any]) -> EventSpec | None:
        """Save the form unless somebody else saved since it was opened; then both versions are shown."""
        self._form = form
        self.errors = form_problems(form, self.definition)
        return None if self.errors else await self._save(form)

    @rx.event
    async def keep_mine(self) -> EventSpec | None:
        """Save the form over what was saved meanwhile."""
        self.clash_by = ""
        return await self._save(self._form)

    @rx.event
    async def take_theirs(self) -> None:
        """Drop the form and show what was saved meanwhile."""
        self.is_editing, self.clash_by, self._form = False, "", {}
        await self._show()

    @rx.event
    async def ask_delete(self) -> None:
        """Say what the deletion would take along."""
        self.consequences = await self._read(delete_consequences, *self._place())
        self.is_deleting, self.errors = True, {}

    @rx.event
    def set_deleting(self, is_open: bool) -> None:
        """Close the question."""
        self.is_deleting = is_open

    @rx.event
    async def delete(self) -> EventSpec | None:
        """Delete the event and go back to the list."""
        slug, event_id, branch = self._place()
        try:
            await self._call(plan.delete_event, slug, event_id, branch=branch)
        except AppError as error:
            self.errors = {"": error.message}
            return None
        self.is_deleting = False
        return rx.redirect(self._on_branch(ui_paths.project_events(slug)))

    def _place(self) -> tuple[str, str, str]:
        return self._slug(), self._route_value("event_id"), self._branch()

    def _here(self, **changed: str) -> str:
        now = {"branch": self._branch(), "tab": self.tab, "days": "" if self.days == "7" else self.days, **changed}
        query = urlencode({key: value for key, value in now.items() if value and (key, value) != ("days", "7")})
        path = ui_paths.project_event(self._slug(), self._route_value("event_id"))
        return f"{path}?{query}" if query else path

    async def _save(self, form: dict[str, Any]) -> EventSpec | None:
        slug, event_id, branch = self._place()
        try:
            changes = event_changes(form, self.definition, self._zone())
            since = datetime.fromisoformat(self._expected)
            await self._call(plan.update_event, slug, event_id, changes, branch=branch, expected_updated_at=since)
        except InvalidInput as error:
            self.errors = field_errors(error)
            return None
        except Conflict as error:
            await self._meet_conflict(form, error)
            return None
        except AppError as error:
            self.errors = {"": error.message}
            return None
        self.is_editing, self.errors, self._form = False, {}, {}
        await self._show()
        return toast_done("Event saved")

    async def _meet_conflict(self, form: dict[str, Any], error: Conflict) -> None:
        place = self._place()
        theirs = await self._read(_definition, *place, self._zone())
        if theirs.version == self._expected:
            self.errors = {"name": error.message}
            return
        latest = await self._read(latest_change, *place, self._zone())
        self.clash_by = f"{latest.who} {latest.what}, {latest.when} ({latest.title})." if latest else error.message
        self.clashes = clashes(form, theirs)
        # The form stays as it is typed; only what a save compares with moves on.
        self.definition, self._expected = theirs, theirs.version

    async def _show(self) -> None:
        place = (*self._place(), self._zone())
        self.definition, self.volume = await self._read(event_page_data, *place, int(self.days))
        if self.tab == "history":
            self.history = await self._read(history_of, *place)
        elif self.tab == "schema":
            self.schema = await self._read(schema_text, *self._place())


def event_page_data(
    session: Session, actor: Actor, slug: str, event_id: str, branch: str, zone: ZoneInfo, days: int
) -> tuple[Definition, VolumeView]:
    """Definition and volume in one read; what is on a working branch is not counted."""
    event = plan.get_event_detail(session, actor, slug, event_id, branch=branch)
    volume = VolumeView() if branch else volume_view(session, actor, slug, event, days, zone)
    return definition_of(session, actor, slug, event, branch, zone), volume


def _definition(session: Session, actor: Actor, slug: str, event_id: str, branch: str, zone: ZoneInfo) -> Definition:
    event = plan.get_event_detail(session, actor, slug, event_id, branch=branch)
    return definition_of(session, actor, slug, event, branch, zone)


@page(route="/p/[slug]/events/[event_id]", title="Event · Plumbline", on_load=EventState.load)
def event_page() -> rx.Component:
    """The page."""
    state: Any = EventState
    view = state.definition
    edit = button("Edit", kind="primary", on_click=state.set_editing(True), custom_attrs={"data-key": "e"})
    remove = button("Delete", on_click=state.ask_delete)
    overview = rx.fragment(
        rx.cond(state.is_main & ~state.is_editing, figures(state.volume), rx.fragment()),
        clash_panel(state),
        rx.cond(state.is_editing, rx.fragment(), describe_panel(rx.State.event_id, on_taken=state.load)),  # type: ignore[attr-defined]
        definition_section(state),
        rx.cond(state.is_main & ~state.is_editing, chart_and_incidents(state.volume, state.days, state.choose_days), rx.fragment()),
    )
    return plan_frame(
        plan_body(
            state,
            page_header(
                view.name,
                rx.cond(
                    state.may_edit & (state.tab == "") & ~state.is_editing,
                    rx.fragment(describe_button(), remove, edit),
                    rx.fragment(),
                ),
                beside=badge(view.status_word, view.status_tone),
                note=rx.cond(view.description != "", view.description, "No description yet."),
            ),
            tab_links(
                [(key, text, state.tab_path + (f"tab={key}" if key else "")) for key, text in TABS.items()],
                state.tab,
                label="Parts of the event",
            ),
            rx.match(
                state.tab,
                ("schema", schema_section(state)),
                ("history", history_section(state)),
                ("photos", photos_section()),
                overview,
            ),
            confirm_dialog(
                title=f"Delete the event {view.name}?",
                text="This deletes with it:",
                consequences=state.consequences,
                confirm="Delete event",
                open_=state.is_deleting,
                on_open_change=state.set_deleting,
                on_confirm=state.delete,
                refusal=state.errors.get("", ""),
            ),
            on_retry=state.load,
            what="event",
            back=link_button("All events", href=plan_link(ui_paths.project_events(slug_var()))),
        ),
        active="events",
        crumbs=[Crumb("Events", plan_link(ui_paths.project_events(slug_var()))), Crumb(view.name)],
    )
