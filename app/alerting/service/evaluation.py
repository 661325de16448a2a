"""After each collection: what there is to tell goes through the project's rules into the outbox (contract 12.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import messages, rules, views
from app.alerting.contracts import Candidate, RuleSpec, ScopeKey
from app.alerting.matching import CandidateTable
from app.alerting.repository import deliveries, holding, inbox, states
from app.alerting.repository import destinations as rows
from app.alerting.repository.states import Collected
from app.alerting.rules import Circumstances, ScopeState, Step
from app.alerting.schedules import not_before
from app.alerting.service import candidates
from app.alerting.service.schedules import schedule_of
from app.alerting.vocabulary import SERIES_SCOPES, AlertDirection, AlertDriftType, AlertScope, DestinationType
from app.kernel.ids import new_id
from app.kernel.settings import get_settings
from app.kernel.telemetry import ANOMALIES_PROCESSED
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertDestination, AlertRule

TREND_BUCKETS = 24
MOST_TRENDS = 50


@dataclass(frozen=True, slots=True)
class _Active:
    """A rule that is asked, with where it tells."""

    rule: AlertRule
    destination: AlertDestination
    spec: RuleSpec


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
    active = _active_rules(session, scan.project_id)
    if not active:
        return []
    remembered = _remembered(session, [one.rule.id for one in active], scan.scan_config_id)
    suppressed = inbox.suppressed(session, scan.project_id, now)
    table = CandidateTable(present)
    waiting = {
        held.rule_id: held
        for held in holding.held_deliveries(session, [one.rule.id for one in active], now)
        if held.scan_config_id == scan.scan_config_id
    }
    queued = []
    written: list[dict[str, object]] = []
    ended: list[str] = []
    told: list[tuple[_Active, list[Candidate], str]] = []
    for one in active:
        given = Circumstances(
            now=now,
            cooldown=timedelta(minutes=one.spec.cooldown_minutes),
            is_muted=one.rule.muted_until is not None and one.rule.muted_until > now,
            suppressed_groups=suppressed,
            scan_config_id=scan.scan_config_id,
            rule_id=one.rule.id,
        )
        known = remembered.get(one.rule.id, {})
        before = {key: state for key, (state, _) in known.items()}
        step = table.look(one.spec, before, given)
        held = waiting.get(one.rule.id)
        delivery_id = (held.id if held else new_id()) if step.firings else None
        written += _changed_states(one.rule.id, scan.scan_config_id, step, known, delivery_id)
        ended += [rules.group_id(scan.scan_config_id, one.rule.id, key, direction) for key, direction in step.closed]
        if delivery_id is not None:
            told.append((one, step.firings, delivery_id))
            queued.append(delivery_id)
    states.write_states(session, written)
    if ended:
        inbox.reopen(session, scan.project_id, ended)
    trends = _trends(session, scan.scan_config_id, [firing for _, firings, _ in told for firing in firings], now)
    for one, firings, delivery_id in told:
        deliveries.supersede(session, one.rule.id, scan.scan_config_id)
        if one.rule.id in waiting:
            _add_to(session, scan, one, firings, waiting[one.rule.id], trends)
        else:
            _queue(session, scan, one, firings, delivery_id, trends, now)
    return queued


def _active_rules(session: Session, project_id: str) -> list[_Active]:
    pairs = rows.rules_with_destinations(session, project_id)
    return [_Active(rule, destination, views.spec_of(rule)) for rule, destination in pairs if rule.enabled and destination.enabled]


_Known = dict[ScopeKey, tuple[ScopeState, str | None]]


def _remembered(session: Session, rule_ids: Sequence[str], scan_config_id: str) -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    for row in states.states_of_scan(session, rule_ids, scan_config_id):
        key = (AlertScope(row.scope_type), row.scope_ref)
        found.setdefault(row.rule_id, {})[key] = (views.state_of(row), row.delivery_id)
    return found


def _changed_states(
    rule_id: str, scan_config_id: str, step: Step, known: _Known, delivery_id: str | None
) -> list[dict[str, object]]:
    firing = {one.key for one in step.firings}
    changed: list[dict[str, object]] = []
    for key, state in step.states.items():
        before, under_way = known.get(key, (None, None))
        if state == before and key not in firing:
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
                "delivery_id": delivery_id if key in firing else under_way,
            }
        )
    return changed


def _trends(session: Session, scan_config_id: str, firings: Sequence[Candidate], now: datetime) -> dict[ScopeKey, str]:
    """The newest counts of the first scopes told about, as rows of bars."""
    distinct = {one.key for one in firings if one.scope_type in SERIES_SCOPES}
    keys = [SeriesKey(scan_config_id, ScopeType(scope.value), ref) for scope, ref in sorted(distinct)[:MOST_TRENDS]]
    if not keys:
        return {}
    loaded = metrics.load_series(session, scan_config_id, keys, now - timedelta(days=8))
    return {
        (AlertScope(one.key.scope_type.value), one.key.ref): messages.sparkline(
            [float(count or 0) for count in one.counts[-TREND_BUCKETS:]]
        )
        for one in loaded
    }


def _queue(
    session: Session,
    scan: Collected,
    one: _Active,
    firings: Sequence[Candidate],
    delivery_id: str,
    trends: dict[ScopeKey, str],
    now: datetime,
) -> None:
    items = _items(scan, one, firings, trends)
    leaves = not_before(schedule_of(one.rule), now)
    delivery = AlertDelivery(
        id=delivery_id,
        project_id=scan.project_id,
        scan_config_id=scan.scan_config_id,
        scan_job_id=scan.job_id,
        destination_id=one.destination.id,
        rule_id=one.rule.id,
        destination_name=one.destination.name,
        rule_name=one.spec.name,
        scan_name=scan.scan_name,
        channel=one.destination.type,
        matched_count=len(items),
        payload_snapshot=messages.snapshot_of(_context(scan, one), items),
        next_attempt_at=leaves,
        held_until=leaves if leaves > now else None,
        created_at=now,
        updated_at=now,
    )
    deliveries.add(session, delivery, [_item_row(delivery_id, item) for item in items])


def _add_to(
    session: Session,
    scan: Collected,
    one: _Active,
    firings: Sequence[Candidate],
    held: AlertDelivery,
    trends: dict[ScopeKey, str],
) -> None:
    """What fires while a message is held back becomes part of it."""
    before = [_item_of(row) for row in holding.items_in_order(session, held.id)]
    added = _items(scan, one, firings, trends)
    held.matched_count = len(before) + len(added)
    held.payload_snapshot = messages.snapshot_of(_context(scan, one), [*before, *added])
    held.scan_job_id = scan.job_id
    deliveries.add(session, held, [_item_row(held.id, item) for item in added])


def _items(scan: Collected, one: _Active, firings: Sequence[Candidate], trends: dict[ScopeKey, str]) -> list[messages.Item]:
    items = []
    for candidate in firings:
        details, monitoring = messages.paths_of(scan.project_slug, candidate)
        group = rules.group_id(scan.scan_config_id, one.rule.id, candidate.key, candidate.direction)
        items.append(messages.Item(candidate, details, monitoring, trends.get(candidate.key, ""), "", group))
    return items


def _item_of(row: AlertDeliveryItem) -> messages.Item:
    candidate = Candidate(
        scope_type=AlertScope(row.scope_type),
        scope_ref=row.scope_ref,
        scope_name=row.scope_name,
        bucket=row.bucket,
        direction=AlertDirection(row.direction),
        actual=row.actual_count,
        expected=row.expected_count,
        event_type_id=row.event_type_id,
        event_id=row.event_id,
        drift_field=row.drift_field,
        drift_type=AlertDriftType(row.drift_type) if row.drift_type else None,
        sample_value=row.sample_value,
    )
    return messages.Item(candidate, row.details_path, row.monitoring_path, "", "", row.correlation_group_id)


def _context(scan: Collected, one: _Active) -> messages.Context:
    return messages.Context(
        base_url=get_settings().base_url,
        project_name=scan.project_name,
        project_slug=scan.project_slug,
        channel=DestinationType(one.destination.type),
        destination_id=one.destination.id,
        destination_name=one.destination.name,
        rule_id=one.rule.id,
        rule=one.spec,
        scan_id=scan.scan_config_id,
        scan_name=scan.scan_name,
        subject_template=one.destination.email_subject_template,
    )


def _item_row(delivery_id: str, item: messages.Item) -> AlertDeliveryItem:
    one = item.candidate
    return AlertDeliveryItem(
        delivery_id=delivery_id,
        scope_type=one.scope_type.value,
        scope_ref=one.scope_ref,
        scope_name=one.scope_name,
        event_type_id=one.event_type_id,
        event_id=one.event_id,
        bucket=one.bucket,
        direction=one.direction.value,
        actual_count=round(one.actual),
        expected_count=round(one.expected),
        absolute_delta=round(one.absolute_delta),
        percent_delta=one.percent_delta,
        details_path=item.details_path,
        monitoring_path=item.monitoring_path,
        drift_field=one.drift_field,
        drift_type=one.drift_type.value if one.drift_type else None,
        sample_value=one.sample_value,
        correlation_group_id=item.group_id,
    )
