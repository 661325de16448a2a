"""Words and tones that the pages of alerting share."""

from __future__ import annotations

from typing import Any, Final

import reflex as rx

from app.alerting.declarations import DECLARATIONS
from app.alerting.delivery_contracts import DeliveryView
from app.alerting.service import KEPT_BACK
from app.alerting.vocabulary import DeliveryStatus, DestinationType
from components.marks import badge

STATES: Final = {"pending": "Pending", "sent": "Sent", "failed": "Failed", "dead": "Dead", "dropped": "Dropped"}
"""States of a delivery as people see them: a failed one is tried again by itself, a dead one only when somebody asks. A dropped one
was not to be sent any more."""
_KINDS: Final = {"escalation": "Escalation", "drill": "Fire drill"}


def kind_of(kind: str, rule_name: str) -> str:
    """What a delivery of this kind is marked as; nothing where the name of its rule says the same."""
    word = _KINDS.get(kind, "")
    return "" if word == rule_name else word


def channel_title(kind: DestinationType) -> str:
    """The channel's name."""
    return DECLARATIONS[kind].title


def delivery_state(delivery: DeliveryView) -> str:
    """Which of STATES the delivery is in."""
    if delivery.status is DeliveryStatus.FAILED and delivery.error_kind in KEPT_BACK:
        return "dropped"
    if delivery.status is DeliveryStatus.FAILED and delivery.next_attempt_at is None:
        return "dead"
    return delivery.status.value


def state_badge(state: Any) -> rx.Component:
    """The state of a delivery; the word says it, the colour repeats it."""
    return rx.match(
        state,
        ("sent", badge("Sent", "ok", dot=True)),
        ("pending", badge("Pending", "accent", dot=True)),
        ("failed", badge("Failed", "warn", dot=True)),
        ("dead", badge("Dead", "bad", dot=True)),
        ("dropped", badge("Dropped", "unknown", dot=True)),
        rx.el.span("–", class_name="muted"),
    )


def kind_badge(kind: Any) -> rx.Component:
    """What a delivery is beside an alert; nothing for an alert."""
    return rx.cond(kind != "", badge(kind, "unknown"), rx.fragment())


def test_badge(status: Any) -> rx.Component:
    """How the last test of a destination ended."""
    return rx.match(
        status,
        ("success", badge("Works", "ok", dot=True)),
        ("failed", badge("Failed", "bad", dot=True)),
        badge("Not tested", "unknown", dot=True),
    )
