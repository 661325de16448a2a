"""Who may use this instance and as what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app import ui_paths
from app.frame import workspace_frame
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole, UserView
from app.identity.pages.invitations import InvitationsState, invitations_section, invite_button
from app.identity.pages.reset_link import ResetLinkState, reset_link_button, reset_link_panel
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.page_states import LoadedState, page_body
from app.presentation import Phase
from app.ui import page
from components.feedback import empty_state, notice, toast_done, toast_failed
from components.format import iso_utc, local_time
from components.forms import button, dialog, dialog_actions, select_input
from components.marks import badge, time_text
from components.shell import Crumb, page_header
from components.table import Column, data_table, email_text

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
    factor: str
    has_reset_link: bool


class Factor(StrEnum):
    """How a member stands to the second factor; `missing` is no factor where everybody has to have one."""

    ON = "on"
    OFF = "off"
    MISSING = "missing"
    AT_PROVIDER = "at the provider"


def members_with_factors(session: Session, actor: Actor) -> tuple[list[UserView], dict[str, Factor], frozenset[str]]:
    """Everyone, and for owners how each stands to the second factor and who may be given a link for another password."""
    users = identity.list_users(session, actor)
    if actor.role is not UserRole.OWNER:
        return users, {}, frozenset()
    on, passwords = identity.second_factor_holders(session, actor), identity.password_holders(session, actor)
    none = Factor.MISSING if identity.is_second_factor_required() else Factor.OFF
    factors = {user.id: Factor.ON if user.id in on else none if user.id in passwords else Factor.AT_PROVIDER for user in users}
    resettable = frozenset() if get_settings().oidc.is_only_way else passwords
    return users, factors, resettable - {actor.user_id}


class MembersState(LoadedState):
    """The list of people."""

    members: list[MemberRow] = []
    refusal: str = ""
    resetting: str = ""
    resetting_email: str = ""
    without_factor: str = ""

    @rx.event
    async def load(self) -> AsyncIterator[Any]:
        """Show everyone, and who is invited."""
        self._begin("members")
        self.refusal = self.resetting = ""
        with self._loading():
            await self._show()
        if self.phase != Phase.READY:
            return
        yield ResetLinkState.forget
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

    @rx.event
    def ask_reset(self, user_id: str) -> None:
        """Ask before a person's second factor goes; an id that is not on the page closes the question."""
        row = next((row for row in self.members if row.id == user_id), None)
        self.resetting, self.resetting_email = (row.id, row.email) if row else ("", "")

    @rx.event
    def set_resetting(self, is_open: bool) -> None:
        """Close the question."""
        if not is_open:
            self.resetting = ""

    @rx.event
    async def reset_second_factor(self) -> EventSpec:
        """Take the second factor from the person; the service refuses callers who are no owners."""
        user_id, self.resetting = self.resetting, ""
        try:
            await self._call(identity.reset_second_factor, user_id)
        except AppError as error:
            await self._show()
            return toast_failed(error.message)
        await self._show()
        return toast_done(f"{self.resetting_email} signs in with the password alone now")

    async def _show(self) -> None:
        users, factors, resettable = await self._read(members_with_factors)
        missing = list(factors.values()).count(Factor.MISSING)
        self.without_factor = (
            f"{missing} of {len(users)} have no second factor yet and set one up when they come next." if missing else ""
        )
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
                factor=factors.get(user.id, Factor.OFF).value,
                has_reset_link=user.id in resettable,
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
            rx.cond(state.without_factor != "", notice(state.without_factor, tone="warn"), rx.fragment()),
            rx.cond(state.refusal != "", refused, rx.fragment()),
            reset_link_panel(),
            data_table(
                [
                    Column("Name", _name),
                    Column("Email", _email),
                    Column("Role", _role),
                    Column("Second factor", _second_factor, secondary=True),
                    Column("Joined", lambda row: time_text(row.joined, row.joined_iso), secondary=True),
                ],
                state.members,
                caption="Members of this instance",
                empty=empty_state("Nobody is here"),
            ),
            invitations_section(),
            _reset_question(state),
            on_retry=state.load,
        ),
        active="members",
        crumbs=[Crumb("Members")],
    )


def _name(row: Any) -> Any:
    return rx.el.span(row.name, rx.cond(row.is_you, badge("you", "accent"), rx.fragment()), class_name="inline")


def _email(row: Any) -> Any:
    return rx.el.span(
        email_text(row.email),
        rx.cond(row.has_reset_link, reset_link_button(row), rx.fragment()),
        class_name="inline",
    )


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


def _second_factor(row: Any) -> Any:
    state: Any = MembersState
    reset = button(
        "Reset",
        small=True,
        on_click=state.ask_reset(row.id),
        custom_attrs={"aria-label": f"Reset the second factor of {row.email}"},
    )
    is_on = rx.el.span(badge("on", "ok", dot=True), rx.cond(row.is_you, rx.fragment(), reset), class_name="inline")
    missing = badge("missing", "warn", dot=True)
    off = badge(row.factor, "neutral", dot=True)
    standing = rx.match(row.factor, (Factor.ON.value, is_on), (Factor.MISSING.value, missing), off)
    unknown = rx.el.span("only owners see this", class_name="muted")
    return rx.cond(state.user_role == UserRole.OWNER.value, standing, unknown)


def _reset_question(state: Any) -> rx.Component:
    return dialog(
        dialog_actions(
            button("Keep it", on_click=state.set_resetting(False)),
            button("Reset second factor", kind="danger", on_click=state.reset_second_factor),
        ),
        title=rx.fragment("Reset the second factor of ", rx.el.strong(state.resetting_email), "?"),
        description="Their password alone signs them in then, and they are signed out everywhere. Be sure that it is they who ask.",
        open_=state.resetting != "",
        on_open_change=state.set_resetting,
    )
