"""Keys that send events into one project, with a command to try them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import project_frame, slug_var
from app.identity import service as identity
from app.identity.contracts import IngestKind, IngestScope, UserRole
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
from app.projects import onboarding
from app.ui import field_errors, page
from components.feedback import empty_state, notice, toast_done
from components.format import ago
from components.forms import button, dialog, dialog_actions, form_field, link_button, select_input, text_input
from components.marks import badge, code_block
from components.shell import Crumb, page_header, section
from components.table import Column, data_table
from components.token_panel import token_panel

Choice = TypeVar("Choice", bound=StrEnum)

KINDS = [("events", "Product events"), ("logs", "Logs"), ("security", "Security events"), ("audit", "Audit records")]
SCOPES = [("append", "Send"), ("read", "Read"), ("admin", "Send, read and administer")]
PLACEHOLDER = "$PLUMBLINE_KEY"


@dataclass(frozen=True)
class IngestKeyRow:
    """One key as the page shows it."""

    id: str
    name: str
    prefix: str
    kind: str
    scope: str
    standing: str
    last_used: str
    expires: str


class IngestKeysState(LoadedState):
    """The project's keys and the two dialogs."""

    keys: list[IngestKeyRow] = []
    is_creating: bool = False
    errors: dict[str, str] = {}
    new_token: str = ""
    example: str = ""
    revoking_id: str = ""
    revoking_name: str = ""
    revoking_consequence: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the project's keys; whatever a dialog held before is gone."""
        self._begin(f"keys/{self._slug()}")
        self.is_creating, self.new_token, self.revoking_id = False, "", ""
        self.example = first_event_command(self._origin(), PLACEHOLDER)
        with self._loading():
            await self._enter()
            await self._show()

    @rx.event
    def set_creating(self, is_open: bool) -> None:
        """Open or close the form."""
        self.is_creating, self.errors = is_open, {}

    @rx.event
    async def create(self, form: dict[str, Any]) -> None:
        """Make a key from the form, show its token once and put it into the command."""
        if not self.is_creating:
            return  # the second of two quick presses
        try:
            days = parse_expiry(str(form.get("expires_in_days", "")))
            _, token = await self._call(
                onboarding.create_ingest_key,
                self._slug(),
                kind=_chosen(IngestKind, form, "kind"),
                scope=_chosen(IngestScope, form, "scope"),
                name=str(form.get("name", "")),
                expires_in_days=days,
                now=SYSTEM_CLOCK.now(),
            )
        except InvalidInput as error:
            self.errors = field_errors(error)
            return
        self.is_creating, self.errors, self.new_token = False, {}, token
        self.example = first_event_command(self._origin(), token)
        await self._show()

    @rx.event
    def forget_token(self) -> None:
        """The person has copied it."""
        self.new_token = ""
        self.example = first_event_command(self._origin(), PLACEHOLDER)

    @rx.event
    def ask_revoke(self, key_id: str) -> None:
        """Name what stops working before it does."""
        row = next((row for row in self.keys if row.id == key_id), None)
        if row is not None:
            self.revoking_id, self.revoking_name = row.id, row.name
            self.revoking_consequence = (
                f"Every sender that uses {row.prefix}… is refused from now on (401) and its events are lost. "
                f"Last used: {row.last_used}. A revoked key cannot be brought back."
            )

    @rx.event
    def set_revoking(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.revoking_id = ""

    @rx.event
    async def revoke(self) -> EventSpec:
        """Do it."""
        await self._call(identity.revoke_ingest_key, self._slug(), self.revoking_id, SYSTEM_CLOCK.now())
        name, self.revoking_id = self.revoking_name, ""
        await self._show()
        return toast_done(f"{name} is revoked")

    async def _show(self) -> None:
        now = SYSTEM_CLOCK.now()
        self.keys = [
            IngestKeyRow(
                id=key.id,
                name=key.name,
                prefix=key.key_prefix,
                kind=str(key.kind),
                scope=str(key.scope),
                standing=key_standing(key.revoked_at, key.expires_at, now),
                last_used=ago(key.last_used_at, now),
                expires=ago(key.expires_at, now),
            )
            for key in await self._read(identity.list_ingest_keys, self._slug())
        ]

    def _origin(self) -> str:
        return str(self.router.url.origin)


def _chosen(kind: type[Choice], form: dict[str, Any], name: str) -> Choice:
    try:
        return kind(str(form.get(name, "")))
    except ValueError:
        raise InvalidInput("Choose one of those offered", field=name) from None


def first_event_command(origin: str, token: str) -> str:
    """A command for a terminal that sends one event to this server."""
    event = '{"events": [{"service": "checkout", "operation": "first_event", "custom_attributes": {"from": "terminal"}}]}'
    first = "export PLUMBLINE_KEY=...   # an ingest key of this project\n\n" if token == PLACEHOLDER else ""
    return (
        f"{first}curl -X POST {origin}/v1/events \\\n"
        f'  -H "Authorization: Bearer {token}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{event}'"
    )


@page(route="/p/[slug]/keys", title="Ingest keys · Plumbline", on_load=IngestKeysState.load)
def ingest_keys() -> rx.Component:
    """The table of keys and the command."""
    state: Any = IngestKeysState
    may_edit = state.user_role != UserRole.VIEWER.value
    create = button(rx.icon("plus", size=14), "Create key", kind="primary", on_click=state.set_creating(True))
    first = button("Create the first key", kind="primary", on_click=state.set_creating(True))
    return project_frame(
        page_body(
            state,
            page_header(
                "Ingest keys",
                rx.cond(may_edit & (state.keys.length() > 0), create, rx.fragment()),
                note="A sender shows one of these to put events into this project.",
            ),
            rx.cond(may_edit, rx.fragment(), notice("You see which keys exist. Editors and owners create and revoke them.")),
            token_panel(state.new_token, "The new key", on_done=state.forget_token),
            data_table(
                [
                    Column("Name", key_name),
                    Column("Opens", lambda row: badge(row.kind)),
                    Column("Scope", lambda row: badge(row.scope), secondary=True),
                    Column("State", lambda row: standing_badge(row.standing)),
                    Column("Last used", lambda row: row.last_used, secondary=True),
                    Column("Expires", lambda row: row.expires, secondary=True),
                    Column("", _revoke_button),
                ],
                state.keys,
                caption="Ingest keys of this project",
                empty=empty_state(
                    "No sender can reach this project yet",
                    rx.cond(may_edit, "Create a key and send a first event with it.", "There is no key yet."),
                    rx.cond(may_edit, first, rx.fragment()),
                ),
            ),
            rx.cond(state.keys.length() > 0, _first_event(state), rx.fragment()),
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
        active="keys",
        crumbs=[Crumb("Ingest keys")],
    )


def _first_event(state: Any) -> rx.Component:
    slug = slug_var()
    return section(
        "Send a first event",
        code_block(state.example, label="Command that sends one event"),
        rx.el.div(
            link_button("See it arrive", href=ui_paths.project_live(slug), kind="primary"),
            link_button("Other ways to send", href=ui_paths.project_developer(slug)),
            class_name="toolbar",
        ),
        note="Run this in a terminal. The answer counts what was accepted.",
    )


def _revoke_button(row: Any) -> Any:
    state: Any = IngestKeysState
    revoke = button(
        "Revoke",
        small=True,
        on_click=state.ask_revoke(row.id),
        custom_attrs={"aria-label": f"Revoke {row.name}"},
    )
    may_revoke = (row.standing == "active") & (state.user_role != UserRole.VIEWER.value)
    return rx.cond(may_revoke, revoke, rx.fragment())


def _create_dialog() -> rx.Component:
    state: Any = IngestKeysState
    return dialog(
        rx.form(
            form_field(
                "Name",
                text_input(field_id="name", name="name", required=True, max_length=100, auto_focus=True),
                field_id="name",
                hint="Which sender will use it, for example “web shop”.",
                error=state.errors.get("name", ""),
            ),
            form_field(
                "Opens",
                select_input(KINDS, field_id="kind", name="kind"),
                field_id="kind",
                hint="OpenTelemetry, Segment and PostHog clients take a key for product events.",
                error=state.errors.get("kind", ""),
            ),
            form_field(
                "Scope",
                select_input(SCOPES, field_id="scope", name="scope"),
                field_id="scope",
                hint="What its holder may do. Sending is enough for a sender.",
                error=state.errors.get("scope", ""),
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
        title="Create an ingest key",
        description="It works for this project and nothing else.",
        open_=state.is_creating,
        on_open_change=state.set_creating,
    )
