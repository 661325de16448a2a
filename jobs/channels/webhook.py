"""Webhooks signed as the Standard Webhooks specification says, so that receivers check them with its libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Final

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.outbound import Outbound
from jobs.channels.snapshot import message_of

_CONTENT: Final = ("project", "destination", "rule", "scan", "matched_count", "items")


def send(parcel: Parcel, calls: Outbound, *, now: datetime | None = None) -> SendOutcome:
    """Post the delivery as JSON (contract 12.5); `webhook-id` stays the same over all attempts. Raises OutboundFailed."""
    moment = int((now or SYSTEM_CLOCK.now()).timestamp())
    payload = {
        "type": _kind(parcel),
        "timestamp": parcel.created_at.isoformat().replace("+00:00", "Z"),
        "delivery_id": parcel.delivery_id,
        **{name: parcel.snapshot.get(name) for name in _CONTENT},
        **({"escalation": parcel.snapshot["escalation"]} if parcel.snapshot.get("escalation") else {}),
        "message": message_of(parcel).text,
    }
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    headers = {"content-type": "application/json", "webhook-id": parcel.delivery_id, "webhook-timestamp": str(moment)}
    if parcel.target.signing_secret:
        headers["webhook-signature"] = signature(parcel.target.signing_secret, parcel.delivery_id, moment, body)
    fields = parcel.target.fields
    if fields.webhook_header_name and fields.webhook_header_value:
        headers[fields.webhook_header_name] = fields.webhook_header_value
    answer = calls.call("POST", fields.target_url or "", headers=headers, content=body)
    if answer.is_success:
        return SendOutcome(True)
    if 300 <= answer.status < 400:
        raise answer.failure(f"The receiver redirects (status {answer.status}); enter the address it redirects to")
    raise answer.failure(f"The receiver answered with status {answer.status}")


def _kind(parcel: Parcel) -> str:
    if parcel.snapshot.get("is_test"):
        return "alert.test"
    return "alert.escalated" if parcel.snapshot.get("escalation") else "alert.fired"


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: HMAC-SHA-256 over id, time and body (Standard Webhooks, "Signature scheme")."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
