"""The outbox: workers claim a delivery by lease, send it outside any transaction and note how it ended (contract 12.5).

A worker that dies between sending and noting leaves a delivery that is sent once more under the same id.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import views
from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import Parcel, SendOutcome, Target
from app.alerting.repository import deliveries as rows
from app.alerting.repository import destinations, escalations, routing, states
from app.alerting.service.deliveries import MAKES_TICKETS
from app.alerting.service.destinations import UNREADABLE, secret_box
from app.alerting.service.heeding import DROPPED, heed
from app.alerting.vocabulary import DeliveryStatus, DestinationType
from models.alerting import AlertDelivery

LEASE = timedelta(minutes=2)
"""How long a worker may take for one delivery before another one takes over; a call ends long before."""

MOST_ATTEMPTS = 5
BACK_OFF = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
RETRY_FOR = timedelta(hours=6)
"""After this no attempt is made by itself."""


def has_due(session: Session, now: datetime) -> bool:
    """Whether a delivery waits for a worker; reads only."""
    return rows.has_due(session, now)


def claim_parcel(session: Session, holder: str, now: datetime) -> Parcel | None:
    """Take the delivery that has waited longest; None when there is none. Send it after the transaction, then `record`.

    Deliveries that cannot be sent at all (destination gone, secret unreadable, too many attempts) end here, and so do those that
    waited until people had settled all they tell.
    """
    while (row := rows.claim(session, holder, now, now + LEASE)) is not None:
        if row.attempt_count > MOST_ATTEMPTS:
            _end(session, row, _refusal("Given up: the sending process ended before it noted how this went", "interrupted"), now)
            continue
        reason = heed(session, row, now)
        if reason:
            _drop(session, row, reason)
            continue
        try:
            target = _target(session, row)
        except ValueError:
            _end(session, row, _refusal(UNREADABLE, "secret_unreadable"), now)
            continue
        if target is None:
            _end(session, row, _refusal("The destination does not exist any more", "destination_gone"), now)
            continue
        snapshot = dict(row.payload_snapshot or {})
        rule = destinations.find_rule(session, row.project_id, row.rule_id)
        wants_explanation = rule is not None and rule[0].ai_explanation_enabled and "explanation" not in snapshot
        return Parcel(row.id, target, snapshot, row.created_at, wants_explanation)
    return None


def _target(session: Session, row: AlertDelivery) -> Target | None:
    """Where the delivery goes: a destination, or an owner's mailbox. ValueError for an unreadable secret."""
    if row.recipient_id is not None:
        contact = routing.contact_of(session, row.project_id, row.recipient_id)
        fields = None if contact is None or not contact.email else DestinationFields(email_recipients=contact.email)
        return None if fields is None else Target(DestinationType.EMAIL, row.destination_name, fields)
    destination = destinations.find_destination(session, row.project_id, row.destination_id)
    return None if destination is None else views.target_of(destination, secret_box())


def _drop(session: Session, row: AlertDelivery, reason: str) -> None:
    """End a delivery that has nothing to tell any more; nothing was tried."""
    row.attempt_count -= 1
    row.status, row.error_kind, row.error_message = DeliveryStatus.FAILED.value, DROPPED, reason[:1000]
    row.claimed_by = row.claimed_until = row.next_attempt_at = None
    session.add(row)
    session.flush()
    if row.kind == rows.ALERT:
        escalations.move_wait(session, row.id, None)
    states.release_scopes(session, row, arrived_at=None)


def record(session: Session, holder: str, delivery_id: str, outcome: SendOutcome, now: datetime) -> bool:
    """Note how an attempt ended; False when the lease had run out and another worker has the delivery."""
    row = rows.claimed(session, delivery_id, holder)
    if row is None or row.status != DeliveryStatus.PENDING:
        return False
    _end(session, row, outcome, now)
    return True


def _end(session: Session, row: AlertDelivery, outcome: SendOutcome, now: datetime) -> None:
    row.claimed_by = row.claimed_until = None
    if outcome.notes:
        row.payload_snapshot = {**(row.payload_snapshot or {}), **outcome.notes}
    if outcome.is_sent:
        row.status, row.sent_at, row.next_attempt_at = DeliveryStatus.SENT.value, now, None
        row.error_message = row.error_kind = None
    else:
        row.status = DeliveryStatus.FAILED.value
        row.error_message = (outcome.error_message or "The message was not accepted")[:1000]
        row.error_kind = outcome.error_kind
        row.next_attempt_at = next_attempt(row, outcome, now)
    session.add(row)
    session.flush()
    states.release_scopes(session, row, arrived_at=now if outcome.is_sent else None)


def next_attempt(row: AlertDelivery, outcome: SendOutcome, now: datetime) -> datetime | None:
    """When a failed delivery is tried again by itself; None for never, and always so where a second try makes a second ticket."""
    if not outcome.is_temporary or row.attempt_count >= MOST_ATTEMPTS or row.channel in MAKES_TICKETS:
        return None
    wait = BACK_OFF[min(row.attempt_count, len(BACK_OFF)) - 1]
    if outcome.retry_after_seconds is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after_seconds))
    at = now + wait
    return at if at <= (row.held_until or row.created_at) + RETRY_FOR else None


def _refusal(message: str, kind: str) -> SendOutcome:
    return SendOutcome(False, message, kind)
