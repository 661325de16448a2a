"""Before a message leaves that had to wait: what people have settled meanwhile is left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from app.alerting import messages, views
from app.alerting.contracts import RuleSpec
from app.alerting.repository import deliveries, holding, states
from app.alerting.repository import destinations as rows
from app.alerting.repository.states import Collected
from app.alerting.service import outbox
from app.alerting.service.answers import answers
from app.alerting.service.escalation import escalation_of, step_spec
from app.alerting.service.outbox import Telling
from app.alerting.service.routing import Recipient
from app.alerting.templates import escaper, literal
from app.alerting.vocabulary import DestinationType
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertRule

DROPPED = "dropped"
LONGEST_REASON = 500
MOST_NAMED = 5


def heed(session: Session, row: AlertDelivery, now: datetime) -> str:
    """Leave out of a delivery what was settled since it was made; why nothing is left of it, or an empty text.

    Only deliveries that heed decisions are looked at: those that waited for a schedule, and steps of escalations.
    """
    if not row.heeds_decisions:
        return ""
    items = holding.items_in_order(session, row.id)
    is_step = row.kind == deliveries.ESCALATION
    slug = _project(row)[1]
    settled = answers(session, row.project_id, slug, row.scan_config_id, items, row.created_at, now, any_verdict=is_step)
    if not settled:
        return ""
    for item in items:
        if item.id in settled:
            item.dropped_because = settled[item.id][:LONGEST_REASON]
    left = [item for item in items if item.id not in settled]
    session.flush()
    if not is_step:
        states.settle_scopes(session, row)
    if not left:
        return _sentence(items)
    _say_less(session, row, left, [item for item in items if item.id in settled])
    return ""


def _say_less(session: Session, row: AlertDelivery, left: Sequence[AlertDeliveryItem], gone: Sequence[AlertDeliveryItem]) -> None:
    found = rows.find_rule(session, row.project_id, row.rule_id)
    spec = None if found is None else _spec(row, found[0])
    if spec is None:
        return
    place = rows.find_destination(session, row.project_id, row.destination_id)
    recipient = Recipient(
        row.destination_id, row.destination_name, DestinationType(row.channel), place.email_subject_template if place else None
    )
    name, slug = _project(row)
    scan = Collected(row.scan_config_id, row.scan_name, row.scan_job_id or "", row.created_at, row.project_id, slug, name)
    context = outbox.context_of(Telling(scan, row.rule_id, spec, recipient, []))
    before = row.payload_snapshot or {}
    snapshot = messages.snapshot_of(context, [outbox.item_of(item) for item in left])
    text = f"{snapshot['rendered_message']}\n\n{_note(context, gone)}"
    if len(text) <= messages.LONGEST_TEXT[recipient.channel]:
        snapshot["rendered_message"] = text
    if row.kind == deliveries.ESCALATION:
        snapshot |= {key: before[key] for key in ("subject", "link", "escalation") if key in before}
    row.payload_snapshot, row.matched_count = snapshot, len(left)
    session.flush()


def _spec(row: AlertDelivery, rule: AlertRule) -> RuleSpec | None:
    if row.kind != deliveries.ESCALATION:
        return views.spec_of(rule)
    escalation, step = escalation_of(rule), (row.payload_snapshot or {}).get("escalation")
    number = step.get("step") if isinstance(step, dict) else None
    return step_spec(rule.name, escalation, number) if escalation is not None and isinstance(number, int) else None


def _note(context: messages.Context, gone: Sequence[AlertDeliveryItem]) -> str:
    message_format = context.rule.message_format
    named = ", ".join(f"{item.scope_name} ({item.dropped_because})" for item in gone[:MOST_NAMED])
    more = f" and {len(gone) - MOST_NAMED} more" if len(gone) > MOST_NAMED else ""
    return literal("Left out, because it is settled: ", message_format) + escaper(message_format)(f"{named}{more}")


def _sentence(items: Sequence[AlertDeliveryItem]) -> str:
    reasons = list(dict.fromkeys(item.dropped_because or "" for item in items))
    return f"Not sent, because everything in it was settled before it left: {', '.join(reasons)}"


def _project(row: AlertDelivery) -> tuple[str, str]:
    """Name and slug of the delivery's project."""
    stored = (row.payload_snapshot or {}).get("project")
    found = stored if isinstance(stored, dict) else {}
    return str(found.get("name", "")), str(found.get("slug", ""))
