"""The part of the members page that invites: a form, the link that is shown once, and invitations that wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from pydantic import ValidationError
from reflex.event import EventSpec
from sqlmodel import Session

from app import sign_in_paths
from app.identity import entrance
from app.identity import service as identity
from app.identity.contracts import Actor, UserRole
from app.identity.shapes import InvitationCreate
from app.kernel import mail
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import AppError
from app.kernel.settings import get_settings
from app.ui import AppState
from components import (
    Column,
    badge,
    button,
    copy_button,
    data_table,
    dialog,
    dialog_actions,
    email_text,
    empty_state,
    form_field,
    section,
    select_input,
    text_input,
    time_text,
    toast_done,
    toast_failed,
)
from components.format import iso_utc, local_time
from components.inline_edit import form_refusal

ROLES = [(role.value, role.value.capitalize()) for role in (UserRole.VIEWER, UserRole.EDITOR, UserRole.OWNER)]
"""The least right first: it is what the form offers."""


@dataclass(frozen=True)
class InvitationRow:
    """An invitation that waits."""

    id: str
    email: str
    role: str
    invited_by: str
    expires: str
    expires_iso: str


def invitation_rows(session: Session, actor: Actor, zone: ZoneInfo, now: datetime) -> list[InvitationRow]:
    """Invitations that wait, in words; none for people who are no owners."""
    if actor.role is not UserRole.OWNER:
        return []
    return [
        InvitationRow(
            view.id,
            view.email,
            view.role.value,
            view.invited_by,
            local_time(view.expires_at, zone, now=now),
            iso_utc(view.expires_at),
        )
        for view in identity.list_invitations(session, actor, now)
    ]


def _caller(_session: Session, actor: Actor) -> Actor:
    return actor


class InvitationsState(AppState):
    """The invitations, the form, and the link of the newest one until it is put away."""

    rows: list[InvitationRow] = []
    is_inviting: bool = False
    refusal: str = ""
    link: str = ""
    invited: str = ""
    is_mailed: bool = False

    @rx.event
    async def load(self) -> None:
        """Show what waits; whatever the form held before is gone."""
        self.is_inviting, self.refusal, self.link = False, "", ""
        await self._show()

    @rx.event
    def set_inviting(self, is_open: bool) -> None:
        """Open or close the form."""
        self.is_inviting, self.refusal = is_open, ""

    @rx.event
    async def invite(self, form: dict[str, Any]) -> None:
        """Make the invitation of the form and show its link once."""
        if not self.is_inviting:
            return  # the second of two quick presses
        try:
            wanted = InvitationCreate.model_validate({"email": str(form.get("email", "")).strip(), "role": form.get("role")})
        except ValidationError:
            self.refusal = "Enter an email address and choose a role."
            return
        actor = await self._read(_caller)
        try:
            view, token = await asyncio.to_thread(entrance.invite, actor, wanted.email, wanted.role, clock=SYSTEM_CLOCK)
        except AppError as error:
            self.refusal = error.message
            return
        origin = get_settings().runtime.public_url.rstrip("/") or str(self.router.url.origin)
        self.is_inviting, self.refusal = False, ""
        self.link, self.invited = origin + sign_in_paths.invitation(token), view.email
        self.is_mailed = mail.is_configured(get_settings().email)
        await self._show()

    @rx.event
    def forget_link(self) -> None:
        """The person has copied it."""
        self.link = ""

    @rx.event
    async def withdraw(self, invitation_id: str) -> EventSpec:
        """Make an invitation void."""
        try:
            await self._call(identity.revoke_invitation, invitation_id)
        except AppError as error:
            await self._show()
            return toast_failed(error.message)
        self.link = ""
        await self._show()
        return toast_done("The invitation is withdrawn")

    async def _show(self) -> None:
        self.rows = await self._read(invitation_rows, self._zone(), SYSTEM_CLOCK.now())


def invite_button() -> rx.Component:
    """Opens the form, for owners."""
    state: Any = InvitationsState
    return rx.cond(
        state.user_role == UserRole.OWNER.value,
        button(rx.icon("user-plus", size=14), "Invite", kind="primary", on_click=state.set_inviting(True)),
        rx.fragment(),
    )


def invitations_section() -> rx.Component:
    """Link, form and waiting invitations, for owners."""
    state: Any = InvitationsState
    return rx.cond(
        state.user_role == UserRole.OWNER.value,
        rx.fragment(
            _link(state),
            section(
                "Invitations",
                data_table(
                    [
                        Column("Email", lambda row: email_text(row.email)),
                        Column("Role", lambda row: badge(row.role)),
                        Column("Invited by", lambda row: row.invited_by, secondary=True),
                        Column("Valid until", lambda row: time_text(row.expires, row.expires_iso), secondary=True),
                        Column(
                            "",
                            lambda row: button(
                                "Withdraw",
                                small=True,
                                on_click=state.withdraw(row.id),
                                custom_attrs={"aria-label": f"Withdraw the invitation of {row.email}"},
                            ),
                        ),
                    ],
                    state.rows,
                    caption="Invitations that wait for an answer",
                    empty=empty_state(
                        "Nobody is invited", "An invitation is a link that opens an account, also where sign-up is closed."
                    ),
                ),
                note="A link works once and for seven days.",
            ),
            _form(state),
        ),
        rx.fragment(),
    )


def _link(state: Any) -> rx.Component:
    return rx.cond(
        state.link != "",
        rx.el.section(
            rx.el.h2("Invitation of ", state.invited, class_name="state-title"),
            rx.el.p(
                rx.cond(
                    state.is_mailed,
                    "A mail with this link is on its way. Hand it over yourself should it not arrive.",
                    "Send this link yourself; no mail was sent.",
                ),
                " It is stored as a hash only and cannot be shown again.",
            ),
            rx.el.div(
                rx.el.code(state.link, id="invitation-link", class_name="token", tab_index=0),
                copy_button(state.link, "Copy link"),
                class_name="token-line",
            ),
            rx.el.div(button("I have copied it", on_click=state.forget_link), class_name="state-actions"),
            class_name="token-panel",
            role="status",
        ),
        rx.fragment(),
    )


def _form(state: Any) -> rx.Component:
    return dialog(
        rx.form(
            form_field(
                "Email",
                text_input(
                    field_id="invited-email", name="email", type="email", required=True, auto_complete="off", auto_focus=True
                ),
                field_id="invited-email",
            ),
            form_field("Role", select_input(ROLES, field_id="invited-role", name="role"), field_id="invited-role"),
            form_refusal(state.refusal),
            dialog_actions(
                button("Cancel", on_click=state.set_inviting(False)), button("Make the link", kind="primary", type="submit")
            ),
            on_submit=state.invite,
            reset_on_submit=False,
        ),
        title="Invite somebody",
        open_=state.is_inviting,
        on_open_change=state.set_inviting,
    )
