"""Asking for a link when the password is forgotten. A plain HTML form like the sign-in's; it says the same for every address."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app import sign_in_paths
from app.identity.contracts import EntryRefusal
from app.identity.pages.credential_form import credential_field, form_message, form_page, refusal_message
from app.kernel import mail
from app.kernel.settings import get_settings
from app.ui import page
from components.feedback import notice
from components.forms import text_link

MESSAGES = {
    EntryRefusal.INVALID_INPUT: "Enter your email address.",
    EntryRefusal.RATE_LIMITED: "Too many attempts. Wait a minute and try again.",
}


class ForgotPasswordState(rx.State):
    """What the form needs to know from the address and the settings."""

    message: str = ""
    is_asked: bool = False
    has_mail: bool = True
    has_passwords: bool = True

    @rx.event
    def load(self) -> None:
        """Read the address."""
        query = self.router.url.query_parameters
        self.message = refusal_message(query.get("error", ""), MESSAGES)
        self.is_asked = query.get("done", "") == "asked"
        settings = get_settings()
        self.has_mail, self.has_passwords = mail.is_configured(settings.email), not settings.oidc.is_only_way


@page(route=sign_in_paths.FORGOT_PASSWORD, title="Forgot your password? · Plumbline", on_load=ForgotPasswordState.load, public=True)
def forgot_password() -> rx.Component:
    """The form, what happens after it, or whom to ask where no mail can be sent."""
    state: Any = ForgotPasswordState
    return form_page(
        rx.el.h1("Forgot your password?"),
        form_message(state.message),
        rx.cond(
            state.has_passwords,
            rx.cond(state.has_mail, rx.cond(state.is_asked, _asked(), _form()), _no_mail()),
            notice("Passwords are switched off here. Sign in through the provider."),
        ),
        rx.el.p(text_link("Back to sign-in", href=sign_in_paths.LOGIN), class_name="muted"),
    )


def _form() -> rx.Component:
    return rx.el.form(
        credential_field(
            "Email",
            name="email",
            kind="email",
            auto_complete="username",
            hint="We mail you a link with which you choose another password.",
            max_length=320,
        ),
        rx.el.button("Mail me a link", type="submit", class_name="btn btn-primary btn-wide"),
        action="/session/password-reset/request",
        method="post",
        on_submit=None,
        class_name="stack",
    )


def _asked() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.p("If the address has an account with a password, a link is on its way."),
            class_name="notice notice-accent",
            role="status",
        ),
        rx.el.p(
            "It works once, within 60 minutes. Nothing there? Look among unwanted mail, then ask an owner of this instance: "
            "an account that enters through the sign-in provider has no password, and gets no link.",
            class_name="muted",
        ),
    )


def _no_mail() -> rx.Component:
    return rx.fragment(
        notice("This instance sends no mail, so it cannot send you a link."),
        rx.el.p("Ask an owner for a link, or run this on the server:"),
        rx.el.code("plumbline user reset-password EMAIL", class_name="token", tab_index=0),
    )
