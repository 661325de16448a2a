"""When nobody answers what a rule told: the job takes the steps that are due, people set who is told in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlmodel import Session

from app import ui_paths
from app.alerting import escalation as steps
from app.alerting import messages, views
from app.alerting.contracts import RuleSpec
from app.alerting.escalation import Escalation
from app.alerting.repository import deliveries
from app.alerting.repository import destinations as rows
from app.alerting.repository import escalations as waiting_rows
from app.alerting.repository.escalations import Waiting
from app.alerting.service import outbox
from app.alerting.service.answers import answers
from app.alerting.service.outbox import Telling
from app.alerting.service.routing import Recipient, recipient_of
from app.alerting.service.schedules import schedule_of
from app.identity import service as identity
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.settings import get_settings
from app.projects import service as projects
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertRule

LONGEST_WAIT = timedelta(days=7)
MOST_STEPS = 10
MOST_DESTINATIONS = 5
_STEPS = UUID("0f4a2a68-4a64-5b0e-93b7-0f8f6e1d6c11")
_TEXT = (
    "Escalation, step {step} of {most}: nobody has answered this for {minutes} minutes.\n"
    "Project: ${{project_name}}\nRule: ${{rule_name}}\n\n${{items_text}}\n\n"
    "Acknowledge it in the inbox, and nobody else is told."
)


@dataclass(frozen=True, slots=True)
class Routing:
    """Whom a rule tells beside its destination: the owners of what fired, and others when nobody answers."""

    to_owners: bool = False
    escalation: Escalation | None = None


def has_due_steps(session: Session, now: datetime) -> bool:
    """Whether a step is due; reads only."""
    return any(_due_at(one, now) is not None for one in waiting_rows.waiting(session, now))


def escalate(session: Session, now: datetime) -> list[str]:
    """Take every step that is due and queue its messages; ids of the deliveries.

    What people have answered meanwhile is not waited for any more. One message tells a destination all that a rule's scan has due
    in the same step; its id follows from what it tells, so that a step is taken once.
    """
    due: dict[tuple[str, str, int], list[Waiting]] = {}
    for one in waiting_rows.waiting(session, now, lock=True):
        if _due_at(one, now) is not None:
            due.setdefault((one.rule.id, one.scan.scan_config_id, one.state.escalation_step + 1), []).append(one)
    queued: list[str] = []
    for (_, _, number), found in due.items():
        queued += _take(session, number, found, now)
    session.flush()
    return queued


def _due_at(one: Waiting, now: datetime) -> datetime | None:
    found = escalation_of(one.rule)
    if found is None:
        return None
    at = steps.next_step_at(views.state_of(one.state), found, schedule_of(one.rule))
    return at if at is not None and at <= now else None


def _take(session: Session, number: int, found: Sequence[Waiting], now: datetime) -> list[str]:
    rule, scan, escalation = found[0].rule, found[0].scan, escalation_of(found[0].rule)
    assert escalation is not None
    by_scope = {(one.state.scope_type, one.state.scope_ref): one for one in found}
    items = waiting_rows.newest_items(session, rule.id, scan.scan_config_id, set(by_scope))
    settled = answers(session, scan.project_id, scan.project_slug, scan.scan_config_id, items, None, now, any_verdict=True)
    open_items: list[AlertDeliveryItem] = []
    for item in items:
        state = by_scope[item.scope_type, item.scope_ref].state
        if item.id in settled:
            state.waiting_since, state.escalation_step = None, 0
        else:
            open_items.append(item)
    identity_of_step = [f"{one.state.scope_type}/{one.state.scope_ref}/{one.state.waiting_since}" for one in found]
    for one in found:
        if one.state.waiting_since is not None:
            one.state.waiting_since, one.state.escalation_step = now, number
    if not open_items:
        return []
    told = [row for one in escalation.destination_ids if (row := rows.find_destination(session, scan.project_id, one)) is not None]
    return [
        delivery_id
        for row in told
        if row.enabled
        and (delivery_id := _queue(session, found[0], escalation, number, open_items, recipient_of(row), identity_of_step, now))
    ]


def _queue(
    session: Session,
    one: Waiting,
    escalation: Escalation,
    number: int,
    items: Sequence[AlertDeliveryItem],
    recipient: Recipient,
    parts: Sequence[str],
    now: datetime,
) -> str | None:
    """The step's row in the outbox; None when it is there already."""
    scan = one.scan
    delivery_id = str(uuid5(_STEPS, "|".join([one.rule.id, scan.scan_config_id, str(number), recipient.id, *sorted(parts)])))
    if deliveries.find(session, scan.project_id, delivery_id) is not None:
        return None
    found = [outbox.item_of(item) for item in items]
    telling = Telling(scan, one.rule.id, step_spec(one.rule.name, escalation, number), recipient, [])
    snapshot = messages.snapshot_of(outbox.context_of(telling), found)
    snapshot |= {
        "subject": f"[{scan.project_name}] Escalation {number} of {escalation.most_steps}: {one.rule.name}",
        "link": get_settings().base_url + ui_paths.project_inbox(scan.project_slug),
        "escalation": {"step": number, "most_steps": escalation.most_steps},
    }
    delivery = AlertDelivery(
        id=delivery_id, project_id=scan.project_id, scan_config_id=scan.scan_config_id, destination_id=recipient.id,
        rule_id=one.rule.id, destination_name=recipient.name, rule_name=one.rule.name, scan_name=scan.scan_name,
        channel=recipient.channel, matched_count=len(found), payload_snapshot=snapshot, next_attempt_at=now,
        kind=deliveries.ESCALATION, heeds_decisions=True, created_at=now, updated_at=now,
    )  # fmt: skip
    deliveries.add(session, delivery, [outbox.item_row(delivery_id, item) for item in found])
    return delivery_id


def step_spec(rule_name: str, escalation: Escalation, number: int) -> RuleSpec:
    """How the message of a step reads."""
    minutes = int(number * escalation.after.total_seconds() // 60)
    return RuleSpec(name=rule_name, message_template=_TEXT.format(step=number, most=escalation.most_steps, minutes=minutes))


def escalation_of(rule: AlertRule) -> Escalation | None:
    """Who is told when nobody answers the rule; None when nobody is."""
    if not rule.escalation:
        return None
    stored = cast("Mapping[str, Any]", rule.escalation)
    return Escalation(
        timedelta(minutes=int(stored["after_minutes"])),
        int(stored["most_steps"]),
        tuple(map(str, stored["destination_ids"])),
        bool(stored["ignores_quiet_hours"]),
    )


def get_routing(session: Session, actor: Actor, slug: str, rule_id: str) -> Routing:
    """Whom the rule tells beside its destination. Anybody signed in. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    rule = _find(session, project.id, rule_id)
    return Routing(rule.routes_to_owners, escalation_of(rule))


def set_routing(session: Session, actor: Actor, slug: str, rule_id: str, wanted: Routing) -> Routing:
    """Choose whom the rule tells beside its destination. Editors and owners.

    An alert that waits for an answer already goes on by the new steps; without steps nothing is waited for. Errors: NotFound,
    InvalidInput for a wait outside 1 minute to 7 days, other than 1 to 10 steps or 1 to 5 destinations of the project.
    """
    actor.require_editor()
    project = projects.get_project(session, actor, slug)
    rule = _find(session, project.id, rule_id, lock=True)
    escalation = wanted.escalation
    if escalation is not None:
        escalation = replace(escalation, destination_ids=tuple(dict.fromkeys(escalation.destination_ids)))
        _check(session, project.id, escalation)
    rule.routes_to_owners = wanted.to_owners
    rule.escalation = None if escalation is None else {
        "after_minutes": int(escalation.after.total_seconds() // 60),
        "most_steps": escalation.most_steps,
        "destination_ids": list(escalation.destination_ids),
        "ignores_quiet_hours": escalation.ignores_quiet_hours,
    }  # fmt: skip
    rows.save(session, rule)
    if escalation is None:
        waiting_rows.forget(session, rule.id)
    payload = {"name": rule.name, "routes_to_owners": rule.routes_to_owners, "escalation": rule.escalation}
    identity.record_audit(session, actor, "alert_rule.route", "alert_rule", rule.id, project_slug=slug, payload=payload)
    return Routing(rule.routes_to_owners, escalation)


def note_answer(session: Session, project_id: str, group_id: str, *, is_open: bool, now: datetime | None = None) -> None:
    """Somebody has decided about a group: nobody else is told of it, or the wait begins anew because it is open again."""
    since = (now or SYSTEM_CLOCK.now()) if is_open else None
    waiting_rows.set_wait(session, project_id, group_id, since)


def _check(session: Session, project_id: str, escalation: Escalation) -> None:
    if not timedelta(minutes=1) <= escalation.after <= LONGEST_WAIT:
        raise InvalidInput("must lie between 1 minute and 7 days", field="after_minutes")
    if not 1 <= escalation.most_steps <= MOST_STEPS:
        raise InvalidInput(f"must lie between 1 and {MOST_STEPS}", field="most_steps")
    if not 1 <= len(escalation.destination_ids) <= MOST_DESTINATIONS:
        raise InvalidInput(f"Choose between 1 and {MOST_DESTINATIONS} destinations", field="destination_ids")
    if any(rows.find_destination(session, project_id, one) is None for one in escalation.destination_ids):
        raise InvalidInput("This destination does not exist in the project", field="destination_ids")


def _find(session: Session, project_id: str, rule_id: str, *, lock: bool = False) -> AlertRule:
    found = rows.find_rule(session, project_id, rule_id, lock=lock)
    if found is None:
        raise NotFound("Alert rule not found")
    return found[0]
