"""Stored rows as the rest of the area sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

from app.alerting.contracts import DestinationFields, DestinationView, RuleFilter, RuleSpec, RuleView
from app.alerting.declarations import FIELDS, SECRETS
from app.alerting.delivery_contracts import DeliveryItemView, DeliveryView, Target
from app.alerting.rules import ScopeState
from app.alerting.vocabulary import (
    AlertDirection,
    AlertDriftType,
    AlertScope,
    DeliveryStatus,
    DestinationType,
    FilterField,
    FilterOperator,
    MessageFormat,
)
from app.kernel.crypto import SecretBox
from app.kernel.ids import new_id
from models.alerting import AlertDelivery, AlertDeliveryItem, AlertDestination, AlertRule, AlertRuleState

_PLAIN_RULE_FIELDS = tuple(one.name for one in fields(RuleSpec) if one.name not in ("filters", "message_format"))
_ITEM_FIELDS = ("id", "delivery_id", "scope_ref", "scope_name", "event_type_id", "event_id", "bucket", "actual_count",
                "expected_count", "absolute_delta", "percent_delta", "details_path", "monitoring_path", "drift_field",
                "sample_value", "correlation_group_id", "dropped_because")  # fmt: skip
_DELIVERY_FIELDS = ("id", "project_id", "scan_config_id", "scan_job_id", "destination_id", "rule_id", "destination_name",
                    "rule_name", "scan_name", "matched_count", "payload_snapshot", "error_message", "created_at", "updated_at",
                    "sent_at", "attempt_count", "next_attempt_at", "error_kind", "kind", "held_until")  # fmt: skip


def spec_of(row: AlertRule) -> RuleSpec:
    """The rule as people wrote it."""
    plain = {name: getattr(row, name) for name in _PLAIN_RULE_FIELDS}
    return RuleSpec(**plain, message_format=MessageFormat(row.message_format), filters=tuple(map(_filter, row.filters)))


def write_spec(row: AlertRule, spec: RuleSpec) -> None:
    """Make the row hold the rule; filters without an id get one."""
    for name in _PLAIN_RULE_FIELDS:
        setattr(row, name, getattr(spec, name))
    row.message_format = spec.message_format.value
    row.filters = [
        {"id": one.id or new_id(), "field": one.field.value, "operator": one.operator.value, "values": list(one.values)}
        for one in spec.filters
    ]


def _filter(stored: Mapping[str, object]) -> RuleFilter:
    values = stored["values"]
    assert isinstance(values, list)
    return RuleFilter(
        FilterField(str(stored["field"])), FilterOperator(str(stored["operator"])), tuple(map(str, values)), str(stored["id"])
    )


def rule_view(row: AlertRule) -> RuleView:
    """A rule with its identity."""
    return RuleView(row.id, row.destination_id, spec_of(row), row.muted_until, row.created_at, row.updated_at)


def destination_view(row: AlertDestination, rules: Iterable[AlertRule]) -> DestinationView:
    """A destination without its secrets, its rules newest first."""
    shown = {name: getattr(row, name) for names in FIELDS.values() for name in names if name not in SECRETS}
    return DestinationView(
        id=row.id,
        project_id=row.project_id,
        type=DestinationType(row.type),
        name=row.name,
        enabled=row.enabled,
        webhook_set=row.sealed_webhook_url is not None,
        bot_token_set=row.sealed_bot_token is not None,
        target_url_set=row.sealed_target_url is not None,
        jira_api_token_set=row.sealed_jira_api_token is not None,
        linear_api_key_set=row.sealed_linear_api_key is not None,
        apprise_url_set=row.sealed_apprise_url is not None,
        webhook_header_value_set=row.sealed_webhook_header_value is not None,
        last_test_at=row.last_test_at,
        last_test_status=row.last_test_status,
        last_test_message=row.last_test_message,
        rules=[rule_view(rule) for rule in rules],
        created_at=row.created_at,
        updated_at=row.updated_at,
        **shown,
    )


def write_fields(row: AlertDestination, given: DestinationFields, box: SecretBox) -> None:
    """Make the row hold the checked fields of its channel, secrets sealed."""
    for name in FIELDS[DestinationType(row.type)]:
        value = getattr(given, name)
        if name in SECRETS:
            setattr(row, f"sealed_{name}", None if value is None else box.seal(value))
        else:
            setattr(row, name, value)


def opened_fields(row: AlertDestination, box: SecretBox) -> DestinationFields:
    """The fields of the destination's channel with secrets in the clear. ValueError when one was sealed with another key."""
    opened: dict[str, str | None] = {}
    for name in FIELDS[DestinationType(row.type)]:
        if name in SECRETS:
            sealed = getattr(row, f"sealed_{name}")
            opened[name] = None if sealed is None else box.open(sealed)
        else:
            opened[name] = getattr(row, name)
    return DestinationFields(**opened)


def target_of(row: AlertDestination, box: SecretBox) -> Target:
    """What a channel needs. ValueError when a secret was sealed with another key."""
    signing = box.open(row.sealed_signing_secret) if row.sealed_signing_secret else None
    return Target(DestinationType(row.type), row.name, opened_fields(row, box), signing)


def state_of(row: AlertRuleState) -> ScopeState:
    """What a rule remembers of a scope."""
    return ScopeState(
        bucket=row.bucket,
        newest_bucket=row.last_seen_bucket,
        direction=AlertDirection(row.direction),
        is_active=row.is_active,
        notified_at=row.notified_at,
        notified_bucket=row.notified_bucket,
        is_under_way=row.delivery_id is not None,
        waiting_since=row.waiting_since,
        steps=row.escalation_step,
    )


def item_view(row: AlertDeliveryItem) -> DeliveryItemView:
    """One scope in a delivery."""
    return DeliveryItemView(
        scope_type=AlertScope(row.scope_type),
        direction=AlertDirection(row.direction),
        drift_type=AlertDriftType(row.drift_type) if row.drift_type else None,
        **{name: getattr(row, name) for name in _ITEM_FIELDS},
    )


def delivery_view(row: AlertDelivery, items: Iterable[AlertDeliveryItem] = ()) -> DeliveryView:
    """A delivery, with its items when they are given."""
    return DeliveryView(
        status=DeliveryStatus(row.status),
        channel=DestinationType(row.channel),
        items=[item_view(item) for item in items],
        **{name: getattr(row, name) for name in _DELIVERY_FIELDS},
    )
