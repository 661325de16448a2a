"""Choosing another password with the link that was mailed or handed over. Looking at the page does not use the link up."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx

from app import sign_in_paths
from app.identity import service as identity
from app.identity.contracts import EntryRefusal, ResetHolder
from app.identity.pages.credential_form import credential_field, form_message, form_page, refusal_message
from app.identity.pages.sign_up import PASSWORD_RULE
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest
from app.kernel.settings import get_settings
from app.ui import page
from components import loading_state, notice, text_link

MESSAGES = {
    EntryRefusal.INVALID_INPUT: "The password needs 8 to 255 characters.",
    EntryRefusal.RATE_LIMITED: "Too many attempts. Wait a minute and try again.",
}


class ResetPasswordState(rx.State):
    """Whose password the link in the address resets."""

    is_loaded: bool = False
    is_valid: bool = False
    message: str = ""
    token_value: str = ""
    account_email: str = ""
    has_second_factor: bool = False

    @rx.event
    async def load(self) -> None:
        """Look the link up."""
        query = self.router.url.query_parameters
        self.message = refusal_message(query.get("error", ""), MESSAGES)
        self.token_value = str(query.get("token", ""))[:200]
        holder = None if get_settings().oidc.is_only_way else await asyncio.to_thread(_holder, self.token_value)
        self.is_valid, self.is_loaded = holder is not None, True
        self.account_email, self.has_second_factor = (holder.email, holder.has_second_factor) if holder else ("", False)


def _holder(token: str) -> ResetHolder | None:
    with session_scope(write=False) as session:
        try:
            return identity.reset_holder(session, token, SYSTEM_CLOCK.now())
        except BadRequest:
            return None


@page(route=sign_in_paths.RESET_PASSWORD, title="Choose a password · Plumbline", on_load=ResetPasswordState.load, public=True)
def reset_password() -> rx.Component:
    """One field, or why there is none."""
    state: Any = ResetPasswordState
    over = rx.fragment(
        notice("This link is not valid: it was used, is older than an hour, or the password was changed since."),
        rx.el.p(
            text_link("Ask for another link", href=sign_in_paths.FORGOT_PASSWORD),
            ", or ",
            text_link("sign in", href=sign_in_paths.LOGIN),
            ".",
            class_name="muted",
        ),
    )
    return form_page(
        rx.el.h1("Choose a password"),
        rx.cond(state.is_loaded, rx.cond(state.is_valid, _form(state), over), loading_state()),
    )


def _form(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.p("For ", rx.el.strong(state.account_email), ". You are signed out everywhere afterwards."),
        form_message(state.message),
        rx.el.form(
            rx.el.input(type="hidden", name="token", value=state.token_value),
            rx.el.input(
                type="hidden", name="username", value=state.account_email, auto_complete="username"
            ),  # tells a password manager whose it is
            credential_field(
                "Password", name="password", kind="password", auto_complete="new-password", min_length=8, hint=PASSWORD_RULE
            ),
            rx.el.button("Change password", type="submit", class_name="btn btn-primary btn-wide"),
            action="/session/password-reset/confirm",
            method="post",
            on_submit=None,
            class_name="stack",
        ),
        rx.cond(
            state.has_second_factor,
            rx.el.p("Your second factor stays on: you are asked for its code when you sign in.", class_name="muted"),
            rx.fragment(),
        ),
    )
