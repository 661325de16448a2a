"""Slack: an incoming webhook that answers `ok` (Slack's documentation, "Sending messages using incoming webhooks")."""

from __future__ import annotations

from typing import Final

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.outbound import Outbound
from jobs.channels.snapshot import cut, message_of

_SECTION: Final = 3000
_HEADER: Final = 150
_MOST_SECTIONS: Final = 40
_FAULTS: Final = {
    "invalid_payload": "Slack did not understand the message",
    "no_text": "Slack found no text in the message",
    "action_prohibited": "Slack's administrators do not allow this webhook to post",
    "no_service": "This webhook was removed in Slack",
    "channel_not_found": "The webhook's channel was removed in Slack",
    "channel_is_archived": "The webhook's channel is archived in Slack",
}


def send(parcel: Parcel, calls: Outbound) -> SendOutcome:
    """Post the message. Raises OutboundFailed."""
    message = message_of(parcel)
    is_marked = message.message_format == "slack_mrkdwn"
    text = message.text if is_marked else escaped(message.text)
    kind = "mrkdwn" if is_marked else "plain_text"
    parts = [message.text[start : start + _SECTION] for start in range(0, len(message.text), _SECTION)][:_MOST_SECTIONS]
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(message.subject or "Plumbline", _HEADER), "emoji": False}},
    ]
    blocks += [{"type": "section", "text": {"type": kind, "text": part}} for part in parts]
    if message.link:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{escaped(message.link)}|Open in Plumbline>"}]})
    # The text stands in notifications, where there are no blocks.
    body = {"text": cut(text or message.subject, 39_000), "blocks": blocks, "unfurl_links": False}
    answer = calls.call("POST", parcel.target.fields.webhook_url or "", json_body=body)
    said = answer.text.strip()[:200]
    if answer.is_success and said == "ok":
        return SendOutcome(True)
    raise answer.failure(_FAULTS.get(said, f"Slack answered with status {answer.status}"))


def escaped(text: str) -> str:
    """The text with the three characters replaced that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
