"""Linear: an issue by GraphQL. The issue takes the delivery's id, so that a second attempt cannot make a second issue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.outbound import Answer, Outbound, OutboundFailed, OutboundKind
from jobs.channels.snapshot import cut, message_of

API: Final = "https://api.linear.app/graphql"
_CREATE: Final = "mutation Create($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { id identifier url } } }"
_LONGEST_TITLE: Final = 255


def send(parcel: Parcel, calls: Outbound, *, api: str = API) -> SendOutcome:
    """Create the issue; its identifier is noted. Raises OutboundFailed."""
    fields, message = parcel.target.fields, message_of(parcel)
    text = fenced(message.text)
    issue: dict[str, Any] = {
        "id": parcel.delivery_id,
        "teamId": fields.linear_team_id,
        "title": cut(" ".join(message.subject.split()) or "Alert", _LONGEST_TITLE),
        "description": f"{text}\n\n[Open in Plumbline]({message.link})" if message.link else text,
    }
    if fields.linear_state_id:
        issue["stateId"] = fields.linear_state_id
    labels = [part.strip() for part in (fields.linear_label_ids or "").split(",") if part.strip()]
    if labels:
        issue["labelIds"] = labels
    headers = {"authorization": fields.linear_api_key or ""}
    answer = calls.call("POST", api, headers=headers, json_body={"query": _CREATE, "variables": {"input": issue}})
    said = answer.json()
    created = _created(said)
    if answer.is_success and created is not None:
        return SendOutcome(True, notes={"ticket": {"key": created.get("identifier"), "url": created.get("url")}})
    raise _failure(answer, said, SYSTEM_CLOCK.now())


def fenced(text: str) -> str:
    """The text as a block that Markdown leaves alone, however many backticks it holds."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _created(said: Any) -> dict[str, Any] | None:
    try:
        found = said["data"]["issueCreate"]
        return found["issue"] if found["success"] is True else None
    except (KeyError, TypeError):
        return None


def _failure(answer: Answer, said: Any, now: datetime) -> OutboundFailed:
    errors = said.get("errors") if isinstance(said, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    message = first.get("message") if isinstance(first.get("message"), str) else f"status {answer.status}"
    failure = answer.failure(f"Linear refused the issue: {cut(str(message), 300)}")
    extensions = first.get("extensions")
    if isinstance(extensions, dict) and extensions.get("code") == "RATELIMITED":
        failure.kind = OutboundKind.RATE_LIMITED
        reset = answer.headers.get("x-ratelimit-requests-reset", "")
        if reset.isdigit():
            failure.retry_after_seconds = max(0.0, int(reset) / 1000 - now.timestamp())
    return failure
