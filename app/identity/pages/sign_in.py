"""The sign-in page. A plain HTML form posts to `/session/login`, because only an HTTP answer can set an HttpOnly cookie."""

from __future__ import annotations

import asyncio

import reflex as rx
from reflex.event import EventSpec

from app import sign_in_paths, ui_paths
from app.identity import service as identity
from app.identity.contracts import EntryRefusal
from app.identity.pages.credential_form import credential_field, form_message, form_page, provider_button, refusal_message
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.ui import page, signed_in_caller
from components.forms import text_link

MESSAGES = {
    EntryRefusal.INVALID_CREDENTIALS: "The email address or the password is wrong.",
    EntryRefusal.INVALID_INPUT: "Enter your email address and a password of at least 8 characters.",
    EntryRefusal.RATE_LIMITED: "Too many attempts. Wait a minute and try again.",
    EntryRefusal.REGISTRATION_CLOSED: "Passwords are switched off here. Sign in through the provider.",
    EntryRefusal.SIGN_IN_OVER: "This sign-in took too long. Start again.",
    EntryRefusal.SSO_UNAVAILABLE: "The sign-in provider cannot be reached or is not set up right. Try again, or tell an owner.",
    EntryRefusal.SSO_CANCELLED: "The sign-in was ended at the provider.",
    EntryRefusal.SSO_OVER: "This sign-in took too long, or was begun in another window. Start again.",
    EntryRefusal.SSO_UNTRUSTED: "The provider's answer did not hold. Start again; if it stays so, tell an owner.",
    EntryRefusal.SSO_UNVERIFIED_EMAIL: "The provider does not vouch for your email address. Confirm it there, then sign in again.",
    EntryRefusal.SSO_FOREIGN_DOMAIN: "People with your email address may not enter here.",
    EntryRefusal.SSO_NO_ACCOUNT: "There is no account for your email address here. Ask an owner for an invitation.",
    EntryRefusal.SSO_TAKEN: "Your email address belongs to an account that somebody else at the provider enters. Tell an owner.",
}

DONE = {"password": "Your password is changed. Sign in with it."}


class SignInState(rx.State):
    """What the form needs to know from the address."""

    message: str = ""
    next_path: str = ui_paths.HOME
    sign_up_href: str = sign_in_paths.REGISTER
    done: str = ""
    has_passwords: bool = True
    provider_name: str = ""
    provider_href: str = ""

    @rx.event
    async def load(self) -> EventSpec | None:
        """Read the address; go on when somebody is signed in already, and to the sign-up page when nobody ever was."""
        query = self.router.url.query_parameters
        code = query.get("error", "")
        self.message = refusal_message(code, MESSAGES)
        self.done = DONE.get(query.get("done", ""), "")
        self.next_path = sign_in_paths.safe_next(query.get("next", ""))
        self.sign_up_href = sign_in_paths.register(query.get("next", ""))
        oidc = get_settings().oidc
        self.has_passwords = not oidc.is_only_way
        self.provider_name = oidc.oidc_name if oidc.is_configured else ""
        self.provider_href = sign_in_paths.provider_sign_in(self.next_path)
        if await signed_in_caller(self) is not None:
            return rx.redirect(self.next_path, replace=True)
        if not code and not oidc.is_configured and await asyncio.to_thread(_is_ownerless):
            return rx.redirect(self.sign_up_href, replace=True)
        return None


def _is_ownerless() -> bool:
    with session_scope(write=False) as session:
        return not identity.has_owner(session)


@page(route=sign_in_paths.LOGIN, title="Sign in · Plumbline", on_load=SignInState.load, public=True)
def sign_in() -> rx.Component:
    """Email and password, and the provider where one is set."""
    return form_page(
        rx.el.h1("Sign in"),
        form_message(SignInState.message),
        rx.cond(
            SignInState.done != "",
            rx.el.div(rx.el.p(SignInState.done), class_name="notice notice-accent", role="status"),
            rx.fragment(),
        ),
        rx.cond(SignInState.has_passwords, _password_form(), rx.fragment()),
        provider_button(SignInState.provider_name, SignInState.provider_href),
        rx.cond(
            SignInState.has_passwords,
            rx.fragment(
                rx.el.p(text_link("Forgot your password?", href=sign_in_paths.FORGOT_PASSWORD), class_name="muted"),
                rx.el.p("No account yet? ", text_link("Sign up", href=SignInState.sign_up_href), class_name="muted"),
            ),
            rx.fragment(),
        ),
    )


def _password_form() -> rx.Component:
    return rx.el.form(
        rx.el.input(type="hidden", name="next", value=SignInState.next_path),
        credential_field("Email", name="email", kind="email", auto_complete="username"),
        credential_field("Password", name="password", kind="password", auto_complete="current-password", min_length=8),
        rx.el.button("Sign in", type="submit", class_name="btn btn-primary btn-wide"),
        action="/session/login",
        method="post",
        on_submit=None,
        class_name="stack",
    )
