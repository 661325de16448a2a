"""The second page of signing in: the code. Like the first a plain HTML form; what it goes on with is in a cookie of its own."""

from __future__ import annotations

import reflex as rx

from app import sign_in_paths, ui_paths
from app.identity.contracts import EntryRefusal
from app.identity.pages.credential_form import credential_field, form_message, form_page, refusal_message
from app.ui import page
from components.forms import text_link

MESSAGES = {
    EntryRefusal.CODE_REFUSED: "This code is wrong or was used already. Wait for the next one.",
    EntryRefusal.RATE_LIMITED: "Too many wrong codes. Wait a minute and try again.",
}


class SignInCodeState(rx.State):
    """What the form needs to know from the address."""

    message: str = ""
    next_path: str = ui_paths.HOME
    start_href: str = sign_in_paths.LOGIN

    @rx.event
    def load(self) -> None:
        """Read the address."""
        query = self.router.url.query_parameters
        self.message = refusal_message(query.get("error", ""), MESSAGES)
        self.next_path = sign_in_paths.safe_next(query.get("next", ""))
        self.start_href = sign_in_paths.login(query.get("next", ""))


@page(route=sign_in_paths.LOGIN_CODE, title="Enter your code · Plumbline", on_load=SignInCodeState.load, public=True)
def sign_in_code() -> rx.Component:
    """One field."""
    return form_page(
        rx.el.h1("Enter your code"),
        form_message(SignInCodeState.message),
        rx.el.form(
            rx.el.input(type="hidden", name="next", value=SignInCodeState.next_path),
            credential_field(
                "Code",
                name="totp",
                kind="text",
                auto_complete="one-time-code",
                hint="The six digits that your authenticator app shows now, or one of your recovery codes.",
                auto_focus=True,
                spell_check=False,
                auto_capitalize="none",
                max_length=64,
            ),
            rx.el.button("Sign in", type="submit", class_name="btn btn-primary btn-wide"),
            action="/session/code",
            method="post",
            on_submit=None,
            class_name="stack",
        ),
        rx.el.p(
            "Lost both? An owner can reset your second factor. ",
            text_link("Start again", href=SignInCodeState.start_href),
            class_name="muted",
        ),
    )
