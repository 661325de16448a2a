"""What a language model says about an alert, put under its message (contract 12.6). A model that fails changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.alerting.delivery_contracts import Parcel
from app.alerting.messages import LONGEST_TEXT
from app.alerting.templates import escaper, literal
from app.alerting.vocabulary import MessageFormat
from app.kernel.errors import AppError

LONGEST: Final = 1000
MOST_ITEMS: Final = 20
# Sample values stay here: they are data of people, and a model needs none to explain a count.
_FACTS: Final = ("scope_type", "scope_name", "bucket", "direction", "actual_count", "expected_count", "percent_delta", "drift_type")

Ask = Callable[[Mapping[str, Any]], str]
log = logging.getLogger("plumbline.alerting")


def with_explanation(parcel: Parcel, ask: Ask) -> Parcel:
    """The parcel with the model's words under its message, when its rule asks for them and the model answers."""
    if not parcel.wants_explanation:
        return parcel
    try:
        words = " ".join(ask(_facts(parcel.snapshot)).split())[:LONGEST]
    except AppError as failure:
        log.warning("an alert goes without its explanation: %s", failure.message, extra={"delivery": parcel.delivery_id})
        return parcel
    message = parcel.snapshot.get("rendered_message")
    if not words or not isinstance(message, str):
        return parcel
    message_format = MessageFormat(str(parcel.snapshot.get("message_format") or MessageFormat.PLAIN))
    told = f"{message}\n\n{literal('Explained by the assistant: ', message_format)}{escaper(message_format)(words)}"
    if len(told) > LONGEST_TEXT[parcel.target.type]:
        return parcel
    return replace(parcel, snapshot={**parcel.snapshot, "rendered_message": told, "explanation": words}, wants_explanation=False)


def notes_of(parcel: Parcel) -> dict[str, object]:
    """What a later attempt at the delivery must know, so that it says the same."""
    if "explanation" not in parcel.snapshot:
        return {}
    return {name: parcel.snapshot[name] for name in ("rendered_message", "explanation")}


def _facts(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    items = snapshot.get("items")
    listed = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {
        "project": _name(snapshot, "project"),
        "rule": _name(snapshot, "rule"),
        "scan": _name(snapshot, "scan"),
        "count_of_alerts": snapshot.get("matched_count"),
        "alerts": [{name: item.get(name) for name in _FACTS} for item in listed[:MOST_ITEMS]],
    }


def _name(snapshot: Mapping[str, Any], part: str) -> str:
    found = snapshot.get(part)
    return str(found.get("name", "")) if isinstance(found, dict) else ""
