"""Telegram: the Bot API's sendMessage. The token stands in the address and is never part of a message of ours."""

from __future__ import annotations

import re
from typing import Any, Final

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.outbound import Answer, Outbound, OutboundFailed, OutboundKind
from jobs.channels.snapshot import cut, message_of

API: Final = "https://api.telegram.org"
_LONGEST: Final = 4096
_ESCAPE: Final = re.compile(r"\\([_*\[\]()~`>#+\-=|{}.!\\])")
_PARSE_MODES: Final = {"telegram_html": "HTML", "telegram_markdownv2": "MarkdownV2"}


def send(parcel: Parcel, calls: Outbound, *, api: str = API) -> SendOutcome:
    """Send the message; once more to the new chat when a group has become a supergroup. Raises OutboundFailed."""
    message = message_of(parcel)
    body: dict[str, Any] = {
        "chat_id": parcel.target.fields.chat_id,
        "text": cut(message.text or message.subject, _LONGEST),
        "link_preview_options": {"is_disabled": True},
    }
    if message.message_format in _PARSE_MODES:
        body["parse_mode"] = _PARSE_MODES[message.message_format]
    url = f"{api}/bot{parcel.target.fields.bot_token}/sendMessage"
    answer = calls.call("POST", url, json_body=body)
    moved_to = _parameters(answer).get("migrate_to_chat_id")
    if not answer.is_success and moved_to:
        answer = calls.call("POST", url, json_body={**body, "chat_id": moved_to})
        body["chat_id"] = moved_to
    notes: dict[str, object] = {"telegram_chat_id": str(moved_to)} if moved_to else {}
    if _is_unreadable_markup(answer) and body.pop("parse_mode", "") == "MarkdownV2":
        # Better a message that shows its markup than none.
        answer = calls.call("POST", url, json_body={**body, "text": _ESCAPE.sub(r"\1", body["text"])})
        notes["fallback_reason"] = "telegram_markdown_parse_error"
    said = answer.json()
    if answer.is_success and isinstance(said, dict) and said.get("ok") is True:
        return SendOutcome(True, notes=notes)
    raise _failure(answer)


def _is_unreadable_markup(answer: Answer) -> bool:
    said = answer.json()
    description = said.get("description") if isinstance(said, dict) else None
    return answer.status == 400 and isinstance(description, str) and "can't parse entities" in description


def _parameters(answer: Answer) -> dict[str, Any]:
    said = answer.json()
    found = said.get("parameters") if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}


def _failure(answer: Answer) -> OutboundFailed:
    said = answer.json()
    description = said.get("description") if isinstance(said, dict) else None
    text = description[:200] if isinstance(description, str) else f"status {answer.status}"
    failure = answer.failure(f"Telegram refused the message: {text}")
    wait = _parameters(answer).get("retry_after")
    if answer.status == 429 and isinstance(wait, int | float):
        failure.kind, failure.retry_after_seconds = OutboundKind.RATE_LIMITED, float(wait)
    return failure
