"""From what fired to rows of the outbox: one per recipient, with its items and the message as it will read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app import ui_paths
from app.alerting import messages, rules
from app.alerting.contracts import Candidate, RuleSpec, ScopeKey
from app.alerting.repository import deliveries, drills, holding
from app.alerting.repository.states import Collected
from app.alerting.service.routing import Recipient
from app.alerting.vocabulary import (
    FORMATS,
    SERIES_SCOPES,
    AlertDirection,
    AlertDriftType,
    AlertScope,
    DestinationType,
    MessageFormat,
)
from app.kernel.settings import get_settings
from app.metrics import service as metrics
from app.metrics.contracts import ScopeType, SeriesKey
from models.alerting import AlertDelivery, AlertDeliveryItem

TREND_BUCKETS = 24
MOST_TRENDS = 50


@dataclass(frozen=True, slots=True)
class Telling:
    """What a rule tells one recipient about its scan. `page` is where every link of a fire drill leads; others have none."""

    scan: Collected
    rule_id: str
    spec: RuleSpec
    recipient: Recipient
    firings: Sequence[Candidate]
    page: str | None = None


def queue(session: Session, one: Telling, delivery_id: str, trends: dict[ScopeKey, str], leaves: datetime, now: datetime) -> None:
    """Put the message into the outbox; one that leaves later takes in what fires meanwhile and heeds what people decide."""
    items = items_of(one, trends)
    delivery = AlertDelivery(
        id=delivery_id,
        project_id=one.scan.project_id,
        scan_config_id=one.scan.scan_config_id,
        scan_job_id=one.scan.job_id,
        destination_id=one.recipient.id,
        recipient_id=one.recipient.user_id,
        rule_id=one.rule_id,
        destination_name=one.recipient.name,
        rule_name=one.spec.name,
        scan_name=one.scan.scan_name,
        channel=one.recipient.channel,
        matched_count=len(items),
        payload_snapshot=messages.snapshot_of(context_of(one), items),
        next_attempt_at=leaves,
        held_until=leaves if leaves > now else None,
        heeds_decisions=leaves > now,
        created_at=now,
        updated_at=now,
    )
    deliveries.add(session, delivery, [item_row(delivery_id, item) for item in items])


def add_to(session: Session, one: Telling, held: AlertDelivery, trends: dict[ScopeKey, str]) -> None:
    """What fires while a message is held back becomes part of it."""
    before = [item_of(row) for row in holding.items_in_order(session, held.id)]
    added = items_of(one, trends)
    held.matched_count = len(before) + len(added)
    held.payload_snapshot = messages.snapshot_of(context_of(one), [*before, *added])
    held.scan_job_id = one.scan.job_id
    deliveries.add(session, held, [item_row(held.id, item) for item in added])


def fitted(spec: RuleSpec, channel: DestinationType) -> RuleSpec:
    """The rule as this channel can show it: markup of another channel gives way to plain text."""
    if spec.message_format in FORMATS.get(channel, (MessageFormat.PLAIN,)):
        return spec
    return replace(spec, message_format=MessageFormat.PLAIN, message_template=None, items_template=None)


def trends_of(session: Session, scan_config_id: str, firings: Sequence[Candidate], now: datetime) -> dict[ScopeKey, str]:
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


def page_of(session: Session, scan: Collected) -> str | None:
    """The page that shows a fire drill, when the scan is a canary's; a canary's project has no pages of its own."""
    slug = drills.slug_of_canary(session, scan.project_id) if ":" in scan.project_slug else None
    return None if slug is None else ui_paths.project_fire_drill(slug)


def items_of(one: Telling, trends: dict[ScopeKey, str]) -> list[messages.Item]:
    """What the message tells."""
    items = []
    for candidate in one.firings:
        details, monitoring = (one.page, one.page) if one.page else messages.paths_of(one.scan.project_slug, candidate)
        group = rules.group_id(one.scan.scan_config_id, one.rule_id, candidate.key, candidate.direction)
        items.append(messages.Item(candidate, details, monitoring, trends.get(candidate.key, ""), "", group))
    return items


def context_of(one: Telling) -> messages.Context:
    """What the message is about, beside its items."""
    return messages.Context(
        base_url=get_settings().base_url,
        project_name=one.scan.project_name,
        project_slug=one.scan.project_slug,
        channel=one.recipient.channel,
        destination_id=one.recipient.id,
        destination_name=one.recipient.name,
        rule_id=one.rule_id,
        rule=fitted(one.spec, one.recipient.channel),
        scan_id=one.scan.scan_config_id,
        scan_name=one.scan.scan_name,
        subject_template=one.recipient.subject_template,
    )


def candidate_of(row: AlertDeliveryItem) -> Candidate:
    """What a stored item told."""
    return Candidate(
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


def item_of(row: AlertDeliveryItem) -> messages.Item:
    """A stored item as a message shows it; trends are those of the first look and not kept."""
    return messages.Item(candidate_of(row), row.details_path, row.monitoring_path, "", "", row.correlation_group_id)


def item_row(delivery_id: str, item: messages.Item) -> AlertDeliveryItem:
    """An item as it is stored."""
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
