"""After each collection: what there is to tell goes through the project's rules into the outbox (contract 12.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import rules, views
from app.alerting.contracts import Candidate, RuleSpec, ScopeKey
from app.alerting.matching import CandidateTable
from app.alerting.repository import deliveries, holding, inbox, states
from app.alerting.repository import destinations as rows
from app.alerting.repository.states import Collected
from app.alerting.rules import Circumstances, ScopeState, Step
from app.alerting.schedules import not_before
from app.alerting.service import candidates, outbox
from app.alerting.service.outbox import Telling
from app.alerting.service.routing import Recipient, by_owner, recipient_of
from app.alerting.service.schedules import schedule_of
from app.alerting.vocabulary import SERIES_SCOPES, AlertScope
from app.kernel.ids import new_id
from app.kernel.telemetry import ANOMALIES_PROCESSED
from models.alerting import AlertDelivery, AlertDestination, AlertRule


@dataclass(frozen=True, slots=True)
class _Active:
    """A rule that is asked, with where it tells and when what it tells now leaves."""

    rule: AlertRule
    destination: AlertDestination
    spec: RuleSpec
    leaves: datetime


def waiting_scans(session: Session) -> list[Collected]:
    """Scans with a completed run that no rule has seen, oldest first; for the job that calls `evaluate_scan`."""
    return states.waiting_scans(session)


def evaluate_scan(session: Session, scan: Collected, now: datetime) -> list[str]:
    """Ask the project's rules about the scan's newest run and queue what they tell; ids of the deliveries queued.

    Does nothing when another process has asked already.
    """
    if not states.take_collection(session, scan.scan_config_id, scan.completed_at, now):
        return []
    present = candidates.current(session, scan, now)
    ANOMALIES_PROCESSED.inc(sum(one.scope_type in SERIES_SCOPES for one in present))
    active = _active_rules(session, scan.project_id, now)
    if not active:
        return []
    remembered = _remembered(session, [one.rule.id for one in active], scan.scan_config_id)
    suppressed = inbox.suppressed(session, scan.project_id, now)
    table = CandidateTable(present)
    held = {
        (row.rule_id, row.destination_id): row
        for row in holding.held_deliveries(session, [one.rule.id for one in active], now)
        if row.scan_config_id == scan.scan_config_id
    }
    written: list[dict[str, object]] = []
    ended: list[str] = []
    told: list[tuple[_Active, Recipient, list[Candidate], str]] = []
    for one in active:
        given = Circumstances(
            now=now,
            cooldown=timedelta(minutes=one.spec.cooldown_minutes),
            is_muted=one.rule.muted_until is not None and one.rule.muted_until > now,
            suppressed_groups=suppressed,
            scan_config_id=scan.scan_config_id,
            rule_id=one.rule.id,
            waits_from=one.leaves if one.rule.escalation else None,
        )
        known = remembered.get(one.rule.id, {})
        step = table.look(one.spec, {key: state for key, (state, _) in known.items()}, given)
        messages = [
            (one, recipient, firings, _delivery_id(held, one, recipient))
            for recipient, firings in _recipients(session, scan, one, step.firings).items()
        ]
        # A scope waits for the first message about it; those to further owners say the same.
        under_way = {firing.key: delivery_id for _, _, firings, delivery_id in reversed(messages) for firing in firings}
        written += _changed_states(one.rule.id, scan.scan_config_id, step, known, under_way)
        ended += [rules.group_id(scan.scan_config_id, one.rule.id, key, direction) for key, direction in step.closed]
        told += messages
    states.write_states(session, written)
    if ended:
        inbox.reopen(session, scan.project_id, ended)
    trends = outbox.trends_of(session, scan.scan_config_id, [firing for _, _, firings, _ in told for firing in firings], now)
    page = outbox.page_of(session, scan) if told else None
    for one, recipient, firings, delivery_id in told:
        telling = Telling(scan, one.rule.id, one.spec, recipient, firings, page)
        deliveries.supersede(session, one.rule.id, scan.scan_config_id, recipient.id)
        waiting = held.get((one.rule.id, recipient.id))
        if waiting is not None:
            outbox.add_to(session, telling, waiting, trends)
        else:
            outbox.queue(session, telling, delivery_id, trends, one.leaves, now)
    return [delivery_id for _, _, _, delivery_id in told]


def _active_rules(session: Session, project_id: str, now: datetime) -> list[_Active]:
    pairs = rows.rules_with_destinations(session, project_id)
    return [
        _Active(rule, destination, views.spec_of(rule), not_before(schedule_of(rule), now))
        for rule, destination in pairs
        if rule.enabled and destination.enabled
    ]


def _recipients(session: Session, scan: Collected, one: _Active, firings: list[Candidate]) -> dict[Recipient, list[Candidate]]:
    if not firings:
        return {}
    own = recipient_of(one.destination)
    return by_owner(session, scan.project_id, own, firings) if one.rule.routes_to_owners else {own: firings}


def _delivery_id(held: Mapping[tuple[str, str], AlertDelivery], one: _Active, recipient: Recipient) -> str:
    waiting = held.get((one.rule.id, recipient.id))
    return new_id() if waiting is None else waiting.id


_Known = dict[ScopeKey, tuple[ScopeState, str | None]]


def _remembered(session: Session, rule_ids: Sequence[str], scan_config_id: str) -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    for row in states.states_of_scan(session, rule_ids, scan_config_id):
        key = (AlertScope(row.scope_type), row.scope_ref)
        found.setdefault(row.rule_id, {})[key] = (views.state_of(row), row.delivery_id)
    return found


def _changed_states(
    rule_id: str, scan_config_id: str, step: Step, known: _Known, told: Mapping[ScopeKey, str]
) -> list[dict[str, object]]:
    changed: list[dict[str, object]] = []
    for key, state in step.states.items():
        before, under_way = known.get(key, (None, None))
        if state == before and key not in told:
            continue
        scope_type, scope_ref = key
        changed.append(
            {
                "rule_id": rule_id,
                "scan_config_id": scan_config_id,
                "scope_type": scope_type.value,
                "scope_ref": scope_ref,
                "is_active": state.is_active,
                "bucket": state.bucket,
                "last_seen_bucket": state.newest_bucket,
                "direction": state.direction.value,
                "notified_at": state.notified_at,
                "notified_bucket": state.notified_bucket,
                "delivery_id": told.get(key, under_way),
                "waiting_since": state.waiting_since,
                "escalation_step": state.steps,
            }
        )
    return changed
