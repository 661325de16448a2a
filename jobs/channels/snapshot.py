"""The stored snapshot of a delivery as channels read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.alerting.delivery_contracts import Parcel


@dataclass(frozen=True, slots=True)
class Message:
    """The text in the rule's format, a one-line title, and where a person reads more."""

    text: str
    message_format: str
    subject: str
    link: str


def message_of(parcel: Parcel) -> Message:
    """The message of the parcel; missing parts are empty."""
    found = parcel.snapshot

    def text(name: str) -> str:
        value: Any = found.get(name)
        return value if isinstance(value, str) else ""

    return Message(text("rendered_message"), text("message_format") or "plain", text("subject"), text("link"))


def cut(text: str, most: int) -> str:
    """The text, shortened with an ellipsis when it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
