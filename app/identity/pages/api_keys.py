"""The caller's own keys to the tracking-plan API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import workspace_frame
from app.identity import service as identity
from app.identity.contracts import Actor, ApiKeyScope, ApiKeyView
from app.identity.pages.key_parts import (
    EXPIRY_CHOICES,
    key_name,
    key_standing,
    parse_expiry,
    revoke_dialog,
    standing_badge,
)
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput
from app.page_states import LoadedState, page_body
from app.projects import service as projects
from app.projects.contracts import ProjectView
from app.ui import field_errors, page
from components.feedback import empty_state, toast_done
from components.format import ago
from components.forms import button, dialog, dialog_actions, form_field, select_input, text_input
from components.marks import badge
from components.shell import Crumb, page_header
from components.table import Column, data_table
from components.token_panel import token_panel

SCOPES = [("read", "Read: look at everything you see"), ("write", "Write: change what you may change")]


@dataclass(frozen=True)
class ApiKeyRow:
    """One key as the page shows it."""

    id: str
    name: str
    prefix: str
    scope: str
    project: str
    standing: str
    last_used: str
    expires: str


class ApiKeysState(LoadedState):
    """The list of keys and the two dialogs."""

    keys: list[ApiKeyRow] = []
    project_options: list[list[str]] = []
    is_creating: bool = False
    errors: dict[str, str] = {}
    new_token: str = ""
    revoking_id: str = ""
    revoking_name: str = ""
    revoking_consequence: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the caller's keys; whatever a dialog held before is gone."""
        self._begin("api keys")
        self.is_creating, self.new_token, self.revoking_id = False, "", ""
        with self._loading():
            await self._show()

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open or close the form."""
        self.is_creating, self.errors = is_open, {}

    @rx.event
    async def create(self, form: dict[str, Any]) -> None:
        """Make a key from the form and show its token once."""
        if not self.is_creating:
            return  # the second of two quick presses
        try:
            days = parse_expiry(str(form.get("expires_in_days", "")))
            _, token = await self._call(
                identity.create_api_key,
                name=str(form.get("name", "")),
                scope=ApiKeyScope(str(form.get("scope", "read"))),
                project_slug=str(form.get("project_slug", "")) or None,
                expires_in_days=days,
                now=SYSTEM_CLOCK.now(),
            )
        except InvalidInput as error:
            self.errors = field_errors(error)
            return
        self.is_creating, self.errors, self.new_token = False, {}, token
        await self._show()

    @rx.event
    def forget_token(self) -> None:
        """The person has copied it."""
        self.new_token = ""

    @rx.event
    def ask_revoke(self, key_id: str) -> None:
        """Name what stops working before it does."""
        row = next((row for row in self.keys if row.id == key_id), None)
        if row is not None:
            self.revoking_id, self.revoking_name = row.id, row.name
            self.revoking_consequence = (
                f"Every program that uses {row.prefix}… is refused from now on (401). Last used: {row.last_used}. "
                "A revoked key cannot be brought back."
            )

    @rx.event
    def set_revoking(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.revoking_id = ""

    @rx.event
    async def revoke(self) -> EventSpec:
        """Do it."""
        await self._call(identity.revoke_api_key, self.revoking_id, SYSTEM_CLOCK.now())
        name, self.revoking_id = self.revoking_name, ""
        await self._show()
        return toast_done(f"{name} is revoked")

    async def _show(self) -> None:
        keys, listed = await self._read(_keys_and_projects)
        names = {entry.id: entry.name for entry in listed}
        now = SYSTEM_CLOCK.now()
        self.keys = [
            ApiKeyRow(
                id=key.id,
                name=key.name,
                prefix=key.key_prefix,
                scope=str(key.scope),
                project=names.get(key.project_id, "one") if key.project_id else "all",
                standing=key_standing(key.revoked_at, key.expires_at, now),
                last_used=ago(key.last_used_at, now),
                expires=ago(key.expires_at, now),
            )
            for key in keys
        ]
        self.project_options = [["", "All projects"], *[[entry.slug, entry.name] for entry in listed]]


def _keys_and_projects(session: Session, actor: Actor) -> tuple[list[ApiKeyView], list[ProjectView]]:
    return identity.list_api_keys(session, actor), projects.list_projects(session, actor)


@page(route=ui_paths.API_KEYS, title="API keys · Plumbline", on_load=ApiKeysState.load)
def api_keys() -> rx.Component:
    """The table of keys."""
    state: Any = ApiKeysState
    create = button(rx.icon("plus", size=14), "Create key", kind="primary", on_click=state.set_creating(True))
    first = button("Create your first key", kind="primary", on_click=state.set_creating(True))
    return workspace_frame(
        page_body(
            state,
            page_header(
                "API keys",
                rx.cond(state.keys.length() > 0, create, rx.fragment()),
                note="They act as you on the tracking-plan API. Nobody else sees them.",
            ),
            token_panel(state.new_token, "Your key", on_done=state.forget_token),
            data_table(
                [
                    Column("Name", key_name),
                    Column("Scope", lambda row: badge(row.scope)),
                    Column("Project", lambda row: row.project, secondary=True),
                    Column("State", lambda row: standing_badge(row.standing)),
                    Column("Last used", lambda row: row.last_used, secondary=True),
                    Column("Expires", lambda row: row.expires, secondary=True),
                    Column("", _revoke_button),
                ],
                state.keys,
                caption="Your API keys",
                empty=empty_state("You have no keys", "A key lets a program use the API in your name.", first),
            ),
            _create_dialog(),
            revoke_dialog(
                state.revoking_name,
                state.revoking_consequence,
                open_=state.revoking_id != "",
                on_open_change=state.set_revoking,
                on_confirm=state.revoke,
            ),
            on_retry=state.load,
        ),
        active="api-keys",
        crumbs=[Crumb("API keys")],
    )


def _revoke_button(row: Any) -> Any:
    state: Any = ApiKeysState
    revoke = button(
        "Revoke",
        small=True,
        on_click=state.ask_revoke(row.id),
        custom_attrs={"aria-label": f"Revoke {row.name}"},
    )
    return rx.cond(row.standing == "active", revoke, rx.fragment())


def _create_dialog() -> rx.Component:
    state: Any = ApiKeysState
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, max_length=100, auto_focus=True),
                field_id="name",
                hint="What will use it, for example “Nightly export”.",
                error=state.errors.get("name", ""),
            ),
            form_field("Scope", select_input(SCOPES, field_id="scope", name="scope"), field_id="scope"),
            form_field(
                "Project",
                select_input(state.project_options, field_id="project_slug", name="project_slug"),
                field_id="project_slug",
                error=state.errors.get("project_slug", ""),
            ),
            form_field(
                "Expires",
                select_input(EXPIRY_CHOICES, field_id="expires_in_days", name="expires_in_days"),
                field_id="expires_in_days",
            ),
            dialog_actions(
                button("Cancel", on_click=state.set_creating(False)),
                button("Create key", kind="primary", type="submit"),
            ),
            on_submit=state.create,
            reset_on_submit=False,
        ),
        title="Create an API key",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
