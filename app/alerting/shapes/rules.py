"""Bodies about rules and their simulations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.alerting.contracts import RuleFilter, RuleSpec, RuleView, Simulation
from app.alerting.vocabulary import (
    AlertDirection,
    AlertDriftType,
    AlertScope,
    FilterField,
    FilterOperator,
    MessageFormat,
)
from app.kernel.text import PlainText

Threshold = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=1)]


class AlertRuleFilterPayload(BaseModel):
    """A condition as it is sent."""

    field: FilterField
    operator: FilterOperator
    values: list[PlainText] = Field(min_length=1)


class AlertRuleFilterResponse(BaseModel):
    """A condition as it is stored."""

    field: FilterField
    operator: FilterOperator
    values: list[str]
    id: str


class AlertRuleCreate(BaseModel):
    """A rule to add."""

    name: PlainText
    enabled: bool = True
    include_project_total: bool = True
    include_event_types: bool = True
    include_events: bool = True
    include_schema_drifts: bool = False
    include_distribution_drifts: bool = False
    include_release_regressions: bool = False
    notify_on_spike: bool = True
    notify_on_drop: bool = True
    ai_explanation_enabled: bool = False
    min_percent_delta: Threshold = 0
    min_absolute_delta: Threshold = 0
    min_expected_count: Threshold = 0
    cooldown_minutes: Minutes = 1440
    message_template: PlainText | None = None
    items_template: PlainText | None = None
    message_format: MessageFormat = MessageFormat.PLAIN
    filters: list[AlertRuleFilterPayload] = []

    def spec(self) -> RuleSpec:
        """The rule as the service takes it."""
        plain = {name: getattr(self, name) for name in type(self).model_fields if name != "filters"}
        return RuleSpec(**plain, filters=filters_of(self.filters))


class AlertRuleUpdate(BaseModel):
    """What to change of a rule."""

    name: PlainText | None = None
    enabled: bool | None = None
    include_project_total: bool | None = None
    include_event_types: bool | None = None
    include_events: bool | None = None
    include_schema_drifts: bool | None = None
    include_distribution_drifts: bool | None = None
    include_release_regressions: bool | None = None
    notify_on_spike: bool | None = None
    notify_on_drop: bool | None = None
    ai_explanation_enabled: bool | None = None
    min_percent_delta: Threshold | None = None
    min_absolute_delta: Threshold | None = None
    min_expected_count: Threshold | None = None
    cooldown_minutes: Minutes | None = None
    message_template: PlainText | None = None
    items_template: PlainText | None = None
    message_format: MessageFormat | None = None
    filters: list[AlertRuleFilterPayload] | None = None

    def changes(self) -> dict[str, object]:
        """The keys that were sent."""
        sent: dict[str, object] = {name: getattr(self, name) for name in self.model_fields_set}
        if self.filters is not None:
            sent["filters"] = filters_of(self.filters)
        return sent


def filters_of(payloads: list[AlertRuleFilterPayload]) -> tuple[RuleFilter, ...]:
    """Conditions as the service takes them."""
    return tuple(RuleFilter(one.field, one.operator, tuple(one.values)) for one in payloads)


class AlertRuleResponse(BaseModel):
    """A rule."""

    id: str
    destination_id: str
    name: str
    enabled: bool
    include_project_total: bool
    include_event_types: bool
    include_events: bool
    include_schema_drifts: bool
    include_distribution_drifts: bool
    include_release_regressions: bool
    notify_on_spike: bool
    notify_on_drop: bool
    ai_explanation_enabled: bool
    min_percent_delta: float
    min_absolute_delta: float
    min_expected_count: float
    cooldown_minutes: int
    message_template: str | None
    items_template: str | None
    message_format: MessageFormat
    filters: list[AlertRuleFilterResponse]
    created_at: datetime
    updated_at: datetime


_SPEC_FIELDS = tuple(name for name in AlertRuleResponse.model_fields if name in RuleSpec.__dataclass_fields__ and name != "filters")


def rule_response(view: RuleView) -> AlertRuleResponse:
    """The wire form of a rule."""
    return AlertRuleResponse(
        id=view.id,
        destination_id=view.destination_id,
        filters=[
            AlertRuleFilterResponse(field=one.field, operator=one.operator, values=list(one.values), id=one.id)
            for one in view.spec.filters
        ],
        created_at=view.created_at,
        updated_at=view.updated_at,
        **{name: getattr(view.spec, name) for name in _SPEC_FIELDS},
    )


class SimulatedRuleFiring(BaseModel):
    """Something a simulated rule would have told about."""

    anomaly_id: str
    scope_type: AlertScope
    scope_ref: str
    scope_name: str
    event_type_id: str | None
    event_id: str | None
    drift_field: str | None
    drift_type: AlertDriftType | None
    sample_value: str | None
    bucket: datetime
    direction: AlertDirection
    actual_count: int
    expected_count: float
    absolute_delta: float
    percent_delta: float
    rendered_item: str | None


class AlertRuleSimulateResponse(BaseModel):
    """What a rule would have done."""

    rule_id: str
    rule_name: str
    days: int
    window_from: datetime
    window_to: datetime
    anomalies_considered: int
    matched_before_cooldown: int
    firings: list[SimulatedRuleFiring]
    noisy: bool
    cooldown_minutes_used: int
    cooldown_minutes_saved: int
    rendered_message: str | None


def simulation_response(found: Simulation) -> AlertRuleSimulateResponse:
    """The wire form of a simulation."""
    firings = [
        SimulatedRuleFiring(
            anomaly_id=one.id,
            scope_type=one.scope_type,
            scope_ref=one.scope_ref,
            scope_name=one.scope_name,
            event_type_id=one.event_type_id,
            event_id=one.event_id,
            drift_field=one.drift_field,
            drift_type=one.drift_type,
            sample_value=one.sample_value,
            bucket=one.bucket,
            direction=one.direction,
            actual_count=round(one.actual),
            expected_count=one.expected,
            absolute_delta=one.absolute_delta,
            percent_delta=one.percent_delta,
            rendered_item=firing.rendered_item,
        )
        for firing in found.firings
        for one in (firing.candidate,)
    ]
    return AlertRuleSimulateResponse(
        rule_id=found.rule_id,
        rule_name=found.rule_name,
        days=found.days,
        window_from=found.window_from,
        window_to=found.window_to,
        anomalies_considered=found.considered_count,
        matched_before_cooldown=found.matched_count,
        firings=firings,
        noisy=found.is_noisy,
        cooldown_minutes_used=found.cooldown_minutes_used,
        cooldown_minutes_saved=found.saved_count,
        rendered_message=found.rendered_message,
    )
