"""Parts that the sign-in and the sign-up page share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import reflex as rx

from app.identity.contracts import EntryRefusal
from components.forms import form_field, text_input
from components.shell import bare_page


def form_page(*children: Any) -> rx.Component:
    """A page for people who are not signed in."""
    return bare_page(*children)


def refusal_message(code: str, messages: Mapping[EntryRefusal, str]) -> str:
    """The sentence for a code in the address; the code itself, which anybody may put there, is never shown."""
    known = next((text for refusal, text in messages.items() if refusal == code), "")
    return known or ("That did not work. Try again." if code else "")


def form_message(message: Any) -> Any:
    """Why the last attempt failed, above the form."""
    return rx.cond(message != "", rx.el.div(rx.el.p(message), class_name="notice notice-bad", role="alert"), rx.fragment())


def provider_button(name: Any, href: Any) -> Any:
    """The way in through the provider, where one is set: the browser itself goes to another host and comes back."""
    # The router would otherwise look for a page of this address.
    link = rx.el.a(f"Sign in with {name}", href=href, reload_document=True, class_name="btn btn-wide")
    return rx.cond(name != "", link, rx.fragment())


def credential_field(
    label: str,
    *,
    name: str,
    kind: str,
    auto_complete: str,
    required: bool = True,
    min_length: int | None = None,
    hint: str | None = None,
    error: Any = None,
    **more: Any,
) -> rx.Component:
    """A labelled input of the native form; `more` goes to the input."""
    bounds = {} if min_length is None else {"min_length": min_length, "max_length": 255}
    control = text_input(field_id=name, name=name, type=kind, auto_complete=auto_complete, required=required, **bounds, **more)
    return form_field(label, control, field_id=name, hint=hint, error=error)
