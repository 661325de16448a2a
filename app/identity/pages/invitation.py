"""Accepting an invitation: the person who was invited chooses a password and is signed in."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from sqlmodel import Session

from app import sign_in_paths, ui_paths
from app.identity import service as identity
from app.identity.contracts import EntryRefusal, InvitationView
from app.identity.pages.credential_form import credential_field, form_message, form_page, provider_button, refusal_message
from app.identity.pages.sign_up import PASSWORD_RULE
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import NotFound
from app.kernel.settings import get_settings
from app.ui import page
from components import loading_state, notice, text_link

MESSAGES = {
    EntryRefusal.EMAIL_TAKEN: "This email address has an account already. Sign in instead.",
    EntryRefusal.INVALID_INPUT: "The password needs 8 to 255 characters.",
    EntryRefusal.INVITATION_OVER: "This invitation is not valid any more.",
    EntryRefusal.RATE_LIMITED: "Too many sign-ups from your address. Try again in an hour.",
}


class InvitationState(rx.State):
    """What the invitation in the address offers."""

    is_loaded: bool = False
    is_valid: bool = False
    offered_email: str = ""
    offered_role: str = ""
    message: str = ""
    token_value: str = ""
    has_passwords: bool = True
    provider_name: str = ""

    @rx.event
    async def load(self) -> None:
        """Look the invitation up."""
        self.message = refusal_message(self.router.url.query_parameters.get("error", ""), MESSAGES)
        self.token_value = str(getattr(self, "invitation_token", "") or "")[:200]
        oidc = get_settings().oidc
        self.has_passwords, self.provider_name = not oidc.is_only_way, oidc.oidc_name if oidc.is_configured else ""
        found = await asyncio.to_thread(_offer, self.token_value)
        self.is_valid, self.is_loaded = found is not None, True
        self.offered_email, self.offered_role = (found.email, found.role.value) if found else ("", "")


def _offer(token: str) -> InvitationView | None:
    def look(session: Session) -> InvitationView | None:
        try:
            return identity.preview_invitation(session, token, SYSTEM_CLOCK.now())
        except NotFound:
            return None

    with session_scope(write=False) as session:
        return look(session)


@page(route="/invite/[invitation_token]", title="Invitation · Plumbline", on_load=InvitationState.load, public=True)
def invitation_page() -> rx.Component:
    """Name and password for the address that was invited."""
    state: Any = InvitationState
    over = rx.fragment(
        notice("This invitation is not valid: it was used, withdrawn, replaced by a later one, or is older than seven days."),
        rx.el.p(
            "Ask who invited you for another link, or ", text_link("sign in", href=sign_in_paths.LOGIN), ".", class_name="muted"
        ),
    )
    return form_page(
        rx.el.h1("Join Plumbline"),
        rx.cond(state.is_loaded, rx.cond(state.is_valid, _form(state), over), loading_state()),
    )


def _form(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.p("You are invited as ", rx.el.strong(state.offered_role), ": ", rx.el.strong(state.offered_email), "."),
        form_message(state.message),
        rx.cond(state.has_passwords, _password_form(state), rx.fragment()),
        provider_button(state.provider_name, sign_in_paths.provider_sign_in(ui_paths.HOME)),
    )


def _password_form(state: Any) -> rx.Component:
    return rx.el.form(
        rx.el.input(type="hidden", name="token", value=state.token_value),
        rx.el.input(
            type="hidden", name="username", value=state.offered_email, auto_complete="username"
        ),  # tells a password manager whose it is
        credential_field("Name (optional)", name="name", kind="text", auto_complete="name", required=False),
        credential_field(
            "Password", name="password", kind="password", auto_complete="new-password", min_length=8, hint=PASSWORD_RULE
        ),
        rx.el.button("Join", type="submit", class_name="btn btn-primary btn-wide"),
        action="/session/accept-invitation",
        method="post",
        on_submit=None,
        class_name="stack",
    )
