"""Jira Cloud: an issue by REST version 3, its description as an Atlassian document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.outbound import Answer, Outbound, OutboundFailed, OutboundKind
from jobs.channels.snapshot import cut, message_of

_LONGEST_SUMMARY = 255
_LONGEST_TEXT = 32_000


def send(parcel: Parcel, calls: Outbound) -> SendOutcome:
    """Create the issue; its key is noted. Raises OutboundFailed."""
    fields, message = parcel.target.fields, message_of(parcel)
    body = {
        "fields": {
            "project": {"key": fields.jira_project_key},
            "issuetype": {"name": fields.jira_issue_type or "Task"},
            "summary": cut(" ".join(message.subject.split()) or "Alert", _LONGEST_SUMMARY),
            "description": document(cut(message.text, _LONGEST_TEXT), message.link),
            "labels": ["plumbline"],
        }
    }
    url = f"{fields.jira_base_url}/rest/api/3/issue"
    answer = calls.call("POST", url, json_body=body, auth=(fields.jira_auth_email or "", fields.jira_api_token or ""))
    said = answer.json()
    if answer.status == 201 and isinstance(said, dict) and isinstance(said.get("key"), str):
        return SendOutcome(True, notes={"ticket": {"key": said["key"], "url": f"{fields.jira_base_url}/browse/{said['key']}"}})
    raise _failure(answer, SYSTEM_CLOCK.now())


def document(text: str, link: str) -> dict[str, Any]:
    """Plain lines as paragraphs; nothing in the text is markup there."""
    paragraphs: list[dict[str, Any]] = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in text.split("\n")
    ]
    if link:
        marks = [{"type": "link", "attrs": {"href": link}}]
        paragraphs.append({"type": "paragraph", "content": [{"type": "text", "text": "Open in Plumbline", "marks": marks}]})
    return {"type": "doc", "version": 1, "content": paragraphs}


def _failure(answer: Answer, now: datetime) -> OutboundFailed:
    if answer.status in (401, 403):
        return answer.failure("Jira did not accept the account and its token, or it may not create issues in this project")
    failure = answer.failure(f"Jira refused the issue: {_reason(answer)}")
    if answer.status in (429, 503):
        failure.kind = OutboundKind.RATE_LIMITED
        if failure.retry_after_seconds is None:
            failure.retry_after_seconds = _until(answer.headers.get("x-ratelimit-reset", ""), now)
    return failure


def _reason(answer: Answer) -> str:
    said = answer.json()
    if not isinstance(said, dict):
        return f"status {answer.status}"
    general = said.get("errorMessages")
    named = said.get("errors")
    faults = [str(one) for one in general] if isinstance(general, list) else []
    faults += [f"{name}: {fault}" for name, fault in named.items()] if isinstance(named, dict) else []
    return cut("; ".join(faults), 300) or f"status {answer.status}"


def _until(text: str, now: datetime) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
