"""The sign-in page. A plain HTML form posts to `/session/login`, because only an HTTP answer can set an HttpOnly cookie."""

from __future__ import annotations

import reflex as rx
from reflex.event import EventSpec

from app import ui_paths
from app.identity.contracts import EntryRefusal
from app.identity.pages.credential_form import credential_field, form_message, form_page, refusal_message
from app.ui import page, signed_in_caller
from components.forms import text_link

MESSAGES = {
    EntryRefusal.INVALID_CREDENTIALS: "The email address or the password is wrong.",
    EntryRefusal.INVALID_INPUT: "Enter your email address and a password of at least 8 characters.",
    EntryRefusal.RATE_LIMITED: "Too many attempts. Wait a minute and try again.",
}


class SignInState(rx.State):
    """What the form needs to know from the address."""

    message: str = ""
    next_path: str = ui_paths.HOME
    sign_up_href: str = ui_paths.REGISTER

    @rx.event
    async def load(self) -> EventSpec | None:
        """Read the address; go on at once when somebody is signed in already."""
        query = self.router.url.query_parameters
        code = query.get("error", "")
        self.message = refusal_message(code, MESSAGES)
        self.next_path = ui_paths.safe_next(query.get("next", ""))
        self.sign_up_href = ui_paths.register(query.get("next", ""))
        if await signed_in_caller(self) is not None:
            return rx.redirect(self.next_path, replace=True)
        return None


@page(route=ui_paths.LOGIN, title="Sign in · Plumbline", on_load=SignInState.load, public=True)
def sign_in() -> rx.Component:
    """Email and password."""
    return form_page(
        rx.el.h1("Sign in"),
        form_message(SignInState.message),
        rx.el.form(
            rx.el.input(type="hidden", name="next", value=SignInState.next_path),
            credential_field("Email", name="email", kind="email", auto_complete="username"),
            credential_field("Password", name="password", kind="password", auto_complete="current-password", min_length=8),
            rx.el.button("Sign in", type="submit", class_name="btn btn-primary btn-wide"),
            action="/session/login",
            method="post",
            on_submit=None,
            class_name="stack",
        ),
        rx.el.p("No account yet? ", text_link("Sign up", href=SignInState.sign_up_href), class_name="muted"),
    )
