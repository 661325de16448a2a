"""What people decide in the inbox, one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.vocabulary import GroupAction
from app.detection import feedback
from app.detection.contracts import Incident
from app.detection.feedback import VerdictKind
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.metrics.contracts import SeriesKey

MUTED_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class SentMessage:
    """A message as it was sent. `problem` is why it did not arrive; empty when it did or is on its way."""

    subject: str = ""
    text: str = ""
    destination: str = ""
    rule: str = ""
    status: str = ""
    problem: str = ""


def decide(session: Session, actor: Actor, slug: str, incidents: Sequence[Incident], kind: VerdictKind) -> None:
    """Give all of the incidents one verdict. Editors and owners. Errors: Forbidden, NotFound."""
    for incident in incidents:
        key = SeriesKey(incident.scan_config_id, incident.scope_type, incident.scope_ref)
        feedback.record_verdict(session, actor, slug, key, incident.direction, incident.started_at, incident.ended_at, kind)


def take_back(session: Session, actor: Actor, slug: str, verdict_ids: Sequence[str]) -> None:
    """Undo the verdicts. Editors and owners. Errors: Forbidden, NotFound."""
    for verdict_id in verdict_ids:
        feedback.undo_verdict(session, actor, slug, verdict_id)


def act_on_group(session: Session, actor: Actor, slug: str, group_id: str, action: GroupAction, note: str | None = None) -> None:
    """Decide about what was delivered; a mute lasts a day. Editors and owners. Errors: Forbidden, NotFound, InvalidInput."""
    until = SYSTEM_CLOCK.now() + MUTED_FOR if action is GroupAction.MUTE else None
    alerting.apply_action(session, actor, slug, group_id, action, note=note, muted_until=until)


def take_group(session: Session, actor: Actor, slug: str, group_id: str) -> None:
    """Make what was delivered the caller's own, acknowledged if it is open. Editors and owners. Errors: Forbidden, NotFound."""
    alerting.take(session, actor, slug, group_id)


def hand_over(session: Session, actor: Actor, slug: str, group_id: str, user_id: str) -> None:
    """Hand what was delivered to a member; an empty id to nobody. Editors and owners. Errors: Forbidden, NotFound, InvalidInput."""
    alerting.assign(session, actor, slug, group_id, user_id or None)


def sent_message(session: Session, actor: Actor, slug: str, delivery_id: str) -> SentMessage:
    """The stored message of a delivery. Errors: NotFound."""
    delivery = alerting.get_delivery(session, actor, slug, delivery_id)
    snapshot = delivery.payload_snapshot or {}
    return SentMessage(
        subject=str(snapshot.get("subject", "")),
        text=str(snapshot.get("rendered_message", "")),
        destination=delivery.destination_name,
        rule=delivery.rule_name,
        status=delivery.status.value.capitalize(),
        problem=delivery.error_message or "",
    )
