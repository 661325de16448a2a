"""Parts that the pages of both kinds of key share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import reflex as rx

from app.kernel.errors import InvalidInput
from components.forms import button, dialog, dialog_actions
from components.marks import badge

EXPIRY_CHOICES = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]


def parse_expiry(text: str) -> int | None:
    """Days from the form's choice; None for never."""
    if text not in dict(EXPIRY_CHOICES):
        raise InvalidInput("Choose one of the offered times", field="expires_in_days")
    return int(text) if text else None


def key_standing(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    """One word for whether the key works."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at is not None and expires_at <= now else "active"


def key_name(row: Any) -> rx.Component:
    """The name of a key over its first characters, by which its holder knows it."""
    return rx.fragment(rx.el.span(row.name, class_name="breakable"), rx.el.code(row.prefix, "…", class_name="cell-sub"))


def standing_badge(standing: Any) -> Any:
    """The word in its colour."""
    return rx.match(
        standing,
        ("active", badge("active", "ok", dot=True)),
        ("expired", badge("expired", "warn", dot=True)),
        badge("revoked", "neutral", dot=True),
    )


def revoke_dialog(name: Any, consequence: Any, *, open_: Any, on_open_change: Any, on_confirm: Any) -> rx.Component:
    """Asks before a key stops working, and says what stops with it."""
    return dialog(
        dialog_actions(
            button("Keep it", on_click=on_open_change(False)),
            button("Revoke key", kind="danger", on_click=on_confirm),
        ),
        title=rx.fragment("Revoke ", rx.el.strong(name), "?"),
        description=consequence,
        open_=open_,
        on_open_change=on_open_change,
    )
