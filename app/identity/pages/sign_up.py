"""The sign-up page; the first person to use it owns the instance."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from app import sign_in_paths, ui_paths
from app.identity import service as identity
from app.identity.contracts import EntryRefusal
from app.identity.pages.credential_form import credential_field, form_message, form_page, refusal_message
from app.kernel.database import session_scope
from app.ui import page, signed_in_caller
from components.feedback import notice
from components.forms import text_link

PASSWORD_RULE = "8 to 255 characters. A few words you remember beat one word with digits."  # noqa: S105
MESSAGES = {
    EntryRefusal.EMAIL_TAKEN: "This email address has an account already. Sign in instead.",
    EntryRefusal.INVALID_INPUT: "Check the email address; the password needs 8 to 255 characters.",
    EntryRefusal.REGISTRATION_CLOSED: "Signing up is closed on this instance. Ask an owner.",
    EntryRefusal.RATE_LIMITED: "Too many sign-ups from your address. Try again in an hour.",
}


class SignUpState(rx.State):
    """What the form needs to know from the address and the instance."""

    message: str = ""
    is_email_taken: bool = False
    next_path: str = ui_paths.HOME
    sign_in_href: str = sign_in_paths.LOGIN
    is_first: bool = False
    is_closed: bool = False

    @rx.event
    async def load(self) -> EventSpec | None:
        """Read the address; tell the first person what they become."""
        query = self.router.url.query_parameters
        code = query.get("error", "")
        self.message = refusal_message(code, MESSAGES)
        self.is_email_taken = code == EntryRefusal.EMAIL_TAKEN
        self.next_path = sign_in_paths.safe_next(query.get("next", ""))
        self.sign_in_href = sign_in_paths.login(query.get("next", ""))
        if await signed_in_caller(self) is not None:
            return rx.redirect(self.next_path, replace=True)
        self.is_first, self.is_closed = await asyncio.to_thread(_standing)
        return None


def _standing() -> tuple[bool, bool]:
    with session_scope(write=False) as session:
        return not identity.has_owner(session), not identity.is_registration_open(session)


@page(route=sign_in_paths.REGISTER, title="Sign up · Plumbline", on_load=SignUpState.load, public=True)
def sign_up() -> rx.Component:
    """Name, email and password."""
    state: Any = SignUpState
    return form_page(
        rx.el.h1("Sign up"),
        rx.cond(
            state.is_first,
            notice("You are the first person here, so you become the owner: you manage members, keys and data sources."),
            rx.fragment(),
        ),
        rx.cond(
            state.is_closed,
            notice("Signing up is closed on this instance. Ask an owner."),
            _form(),
        ),
        rx.cond(
            state.is_first,
            rx.fragment(),
            rx.el.p("You have an account? ", text_link("Sign in", href=state.sign_in_href), class_name="muted"),
        ),
    )


def _form() -> rx.Component:
    state: Any = SignUpState
    taken = rx.cond(state.is_email_taken, state.message, "")
    return rx.fragment(
        rx.cond(state.is_email_taken, rx.fragment(), form_message(state.message)),
        rx.el.form(
            rx.el.input(type="hidden", name="next", value=state.next_path),
            credential_field("Name (optional)", name="name", kind="text", auto_complete="name", required=False),
            credential_field("Email", name="email", kind="email", auto_complete="username", error=taken),
            credential_field(
                "Password",
                name="password",
                kind="password",
                auto_complete="new-password",
                min_length=8,
                hint=PASSWORD_RULE,
            ),
            rx.el.button("Sign up", type="submit", class_name="btn btn-primary btn-wide"),
            action="/session/register",
            method="post",
            on_submit=None,
            class_name="stack",
        ),
    )
