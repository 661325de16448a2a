"""Who may use this instance and as what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.frame import workspace_frame
from app.identity import service as identity
from app.identity.contracts import UserRole
from app.identity.pages.invitations import InvitationsState, invitations_section, invite_button
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.page_states import page_body
from app.presentation import Phase, phase_of
from app.ui import AppState, page
from components.feedback import empty_state, notice, toast_done
from components.format import iso_utc, local_time
from components.forms import select_input
from components.marks import badge, time_text
from components.shell import Crumb, page_header
from components.table import Column, data_table

ROLES = [(role.value, role.value.capitalize()) for role in (UserRole.OWNER, UserRole.EDITOR, UserRole.VIEWER)]
ROLE_NOTE = "Owners manage people, keys and data sources. Editors change plans and projects. Viewers look."


@dataclass(frozen=True)
class MemberRow:
    """One person as the page shows them."""

    id: str
    name: str
    email: str
    role: str
    joined: str
    joined_iso: str
    is_you: bool


class MembersState(AppState):
    """The list of people."""

    phase: str = Phase.LOADING.value
    problem: str = ""
    members: list[MemberRow] = []
    refusal: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Show everyone, and who is invited."""
        self.refusal = ""
        try:
            await self._show()
            self.phase = Phase.READY.value
        except AppError as refusal:
            self.phase, self.problem = phase_of(refusal).value, refusal.message
            return
        yield InvitationsState.load

    @rx.event
    async def change_role(self, user_id: str, role: str) -> EventSpec | None:
        """Give a person another role; the service refuses the last owner's demotion and callers who are no owners."""
        self.refusal = ""
        try:
            changed = await self._call(identity.update_role, user_id, UserRole(role))
        except AppError as error:
            self.refusal = error.message
            await self._show()
            return None
        await self._show()
        return toast_done(f"{changed.email} is now {changed.role}")

    async def _show(self) -> None:
        users = await self._read(identity.list_users)
        zone, now = self._zone(), SYSTEM_CLOCK.now()
        self.members = [
            MemberRow(
                id=user.id,
                name=user.name or user.email,
                email=user.email,
                role=user.role,
                joined=local_time(user.created_at, zone, now=now),
                joined_iso=iso_utc(user.created_at),
                is_you=user.email == self.user_email,
            )
            for user in users
        ]


@page(route=ui_paths.MEMBERS, title="Members · Plumbline", on_load=MembersState.load)
def members() -> rx.Component:
    """The table of people; owners get a choice of roles."""
    state: Any = MembersState
    is_owner = state.user_role == UserRole.OWNER.value
    refused = rx.el.div(rx.el.p(state.refusal), class_name="notice notice-bad", role="alert")
    return workspace_frame(
        page_body(
            state,
            page_header("Members", invite_button(), note=ROLE_NOTE),
            rx.cond(
                is_owner,
                notice("Changing a role signs that person out everywhere."),
                notice("You see who is here. Only owners change roles."),
            ),
            rx.cond(state.refusal != "", refused, rx.fragment()),
            data_table(
                [
                    Column("Name", _name),
                    Column("Email", lambda row: row.email),
                    Column("Role", _role, width="160px"),
                    Column("Joined", lambda row: time_text(row.joined, row.joined_iso), secondary=True),
                ],
                state.members,
                caption="Members of this instance",
                empty=empty_state("Nobody is here"),
            ),
            invitations_section(),
            on_retry=state.load,
        ),
        active="members",
        crumbs=[Crumb("Members")],
    )


def _name(row: Any) -> Any:
    return rx.el.span(row.name, rx.cond(row.is_you, badge("you", "accent"), rx.fragment()), class_name="inline")


def _role(row: Any) -> Any:
    state: Any = MembersState
    choice = select_input(
        ROLES,
        field_id="",
        custom_attrs={"aria-label": f"Role of {row.email}"},
        value=row.role,
        on_change=lambda role: state.change_role(row.id, role),
    )
    return rx.cond(state.user_role == UserRole.OWNER.value, choice, badge(row.role))
