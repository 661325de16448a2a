"""Test messages: to a stored destination, or to one that somebody is still writing.

A trial is made in a transaction, sent after it, and noted in another one, since sending takes seconds. What sends is put in place
by the composition root, because channels belong to the jobs, which no area knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.alerting import destination_rules, messages, views
from app.alerting.contracts import Candidate, DestinationFields, RuleSpec
from app.alerting.declarations import DECLARATIONS, FIELDS
from app.alerting.delivery_contracts import Parcel, SendOutcome, Target, TrialResult
from app.alerting.repository import destinations as rows
from app.alerting.service import destinations
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.errors import Unavailable
from app.kernel.ids import new_id
from app.kernel.outbound import outbound
from app.kernel.settings import get_settings
from app.projects import service as projects
from app.projects.contracts import ProjectView

Send = Callable[[Parcel], SendOutcome]
"""Sends a message and tells how it went; never raises."""

MESSAGE: Final = """This is a test message from Plumbline. Nothing has happened.
Alerts of project ${project_name} arrive here as “${destination_name}”. One looks like this:

${items_text}"""
LONGEST_MESSAGE = 1000
ALLOWANCE: Final = identity.Allowance("alert_test", 20, timedelta(minutes=1))
_ADVICE: Final = {
    "dns": "Check the host name.",
    "refused_address": "Only public addresses are called; an operator can name exceptions in PLUMBLINE_OUTBOUND_ALLOW.",
    "connect": "Check host and port, and that no firewall stands in between.",
    "tls": "The receiver needs a certificate that is valid for its name.",
    "timeout": "The receiver must answer within 10 seconds; let it take the message first and work afterwards.",
    "too_large": "The receiver need not answer with more than a status.",
    "not_configured": "An operator can set PLUMBLINE_SMTP_HOST and PLUMBLINE_SMTP_FROM_ADDRESS.",
}
_send: Send | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A test message that is ready to be sent. `destination_id` is set when it tests a destination just as it is stored."""

    parcel: Parcel
    destination_id: str | None


def set_sender(send: Send | None) -> None:
    """Put in place what sends test messages; None for a process that sends none."""
    global _send  # noqa: PLW0603 - one way out per process
    _send = send


def take_trial_turn(session: Session, actor: Actor, now: datetime) -> None:
    """Use one of the caller's tests of this minute; TooManyRequests when none is left.

    Wants a short transaction of its own. Tests reach whoever is written into the form, so nobody sends them in bulk.
    """
    actor.require_editor()
    identity.take_turn(session, ALLOWANCE, actor.user_id or "system", now)


def trial_of_stored(session: Session, actor: Actor, slug: str, destination_id: str, now: datetime) -> Trial:
    """A test of the destination as it is stored. Editors and owners. Errors: NotFound, InvalidInput for an unreadable secret."""
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    row = destinations.find(session, actor, slug, destination_id)
    return Trial(_parcel(project, destinations.opened(row, destinations.secret_box()), row.id, now), row.id)


def trial_of_draft(
    session: Session,
    actor: Actor,
    slug: str,
    kind: DestinationType,
    name: str,
    fields: DestinationFields,
    now: datetime,
    *,
    destination_id: str | None = None,
) -> Trial:
    """A test of what somebody is still writing. Nothing is kept, unless it says what is stored already.

    With a destination, blank secrets come from it and its kind counts. Editors and owners. Errors: NotFound, InvalidInput.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    if destination_id is None:
        given = destination_rules.checked(kind, fields, outbound())
        signing = destinations.new_signing_secret() if kind is DestinationType.WEBHOOK else None
        return Trial(_parcel(project, Target(kind, name.strip(), given, signing), "", now), None)
    row = destinations.find(session, actor, slug, destination_id)
    kind, box = DestinationType(row.type), destinations.secret_box()
    changes = {one: getattr(fields, one) for one in FIELDS[kind]}
    given = destination_rules.checked(kind, destinations.merged_fields(row, changes, box), outbound())
    stored = views.target_of(row, box) if destinations.is_readable(row, box) else None
    target = Target(kind, name.strip() or row.name, given, None if stored is None else stored.signing_secret)
    is_as_stored = stored is not None and stored.fields == given
    return Trial(_parcel(project, target, row.id, now), row.id if is_as_stored else None)


def run_trial(trial: Trial, now: datetime) -> TrialResult:
    """Send the test message; takes seconds and belongs outside every transaction. Errors: Unavailable where nothing sends."""
    if _send is None:
        raise Unavailable("This process sends no messages", retry_after_seconds=60)
    outcome = _send(trial.parcel)
    told = _success(trial.parcel, outcome) if outcome.is_sent else _failure(outcome)
    return TrialResult(outcome.is_sent, told[:LONGEST_MESSAGE], outcome.error_kind, outcome.retry_after_seconds, now)


def record_trial(session: Session, actor: Actor, slug: str, trial: Trial, result: TrialResult) -> None:
    """Note the result at the destination that was tested as it is stored. Editors and owners. Errors: NotFound when it is gone."""
    if trial.destination_id is None:
        return
    actor.require_editor()
    row = destinations.find(session, actor, slug, trial.destination_id)
    rows.note_test(session, row.id, result.tested_at, result.is_sent, result.message)
    details = {"name": row.name, "type": row.type, "succeeded": result.is_sent, "kind": result.kind}
    identity.record_audit(session, actor, "alert_destination.test", "alert_destination", row.id, project_slug=slug, payload=details)


def _parcel(project: ProjectView, target: Target, destination_id: str, now: datetime) -> Parcel:
    context = messages.Context(
        base_url=get_settings().base_url,
        project_name=project.name,
        project_slug=project.slug,
        channel=target.type,
        destination_id=destination_id,
        destination_name=target.name,
        rule_id="",
        rule=RuleSpec(name="Test", message_template=MESSAGE),
        scan_id="",
        scan_name="Test",
        subject_template=target.fields.email_subject_template,
    )
    sample = Candidate(AlertScope.PROJECT_TOTAL, project.id, project.name, now, AlertDirection.DROP, 0, 100)
    item = messages.Item(sample, *messages.paths_of(project.slug, sample))
    snapshot = messages.snapshot_of(context, [item])
    snapshot |= {"subject": f"[{project.name}] Test message", "is_test": True}
    return Parcel(new_id(), target, snapshot, now)


def _success(parcel: Parcel, outcome: SendOutcome) -> str:
    told = f"{DECLARATIONS[parcel.target.type].title} accepted the test message."
    ticket, refused = outcome.notes.get("ticket"), outcome.notes.get("refused_recipients")
    if isinstance(ticket, dict) and ticket.get("key"):
        told = f"{told} It is {ticket['key']}; close it when you have seen it."
    if isinstance(refused, list):
        told = f"{told} Refused recipients: {', '.join(map(str, refused))}."
    if outcome.notes.get("telegram_chat_id"):
        told = f"{told} The group has moved: its id is {outcome.notes['telegram_chat_id']} now."
    return told


def _failure(outcome: SendOutcome) -> str:
    told = (outcome.error_message or "The message was not accepted").rstrip(".") + "."
    if outcome.error_kind == "rate_limited":
        wait = outcome.retry_after_seconds
        return f"{told} Too many messages: try again {'later' if wait is None else f'in {math.ceil(wait)} s'}."
    return f"{told} {_ADVICE.get(outcome.error_kind or '', '')}".rstrip()
