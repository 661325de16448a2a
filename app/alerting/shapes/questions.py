"""Bodies about questions to a rule: how two versions of it differ, and why it was silent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.alerting.contracts import Candidate, Simulation
from app.alerting.rules import Gate
from app.alerting.scoring import Score
from app.alerting.service import Comparison, Explanation
from app.alerting.shapes.rules import AlertRuleUpdate
from app.alerting.vocabulary import AlertDirection, AlertDriftType, AlertScope


class AlertRuleCompareRequest(BaseModel):
    """The changes that make the second version, and over how many days both are played."""

    changes: AlertRuleUpdate
    days: Annotated[int, Field(ge=1, le=90)] = 7


class AlertFinding(BaseModel):
    """Something unusual that a rule can tell about."""

    scope_type: AlertScope
    scope_ref: str
    scope_name: str
    bucket: datetime
    direction: AlertDirection
    actual_count: int
    expected_count: float
    drift_field: str | None
    drift_type: AlertDriftType | None
    expected_because: str | None


class AlertRuleFigures(BaseModel):
    """What one version tells, and how people judged it."""

    firings: int
    held_back_by_cooldown: int
    escalation_steps: int
    true_alarms: int
    false_alarms: int
    missed: int
    unjudged: int


class AlertRuleComparisonResponse(BaseModel):
    """The stored version beside the changed one; what both tell, what only the stored one does, what only the changed one."""

    days: int
    considered: int
    stored: AlertRuleFigures
    changed: AlertRuleFigures
    kept: list[AlertFinding]
    lost: list[AlertFinding]
    gained: list[AlertFinding]


class AlertGateResponse(BaseModel):
    """One gate: what it compared, and whether it lets the bucket through."""

    gate: Gate
    is_open: bool
    detail: str


class AlertRuleExplanationResponse(BaseModel):
    """Every gate for a bucket in order. Without a finding nothing unusual was stored in it; `delivery_id` is what told of it."""

    finding: AlertFinding | None
    would_fire: bool
    first_closed: Gate | None
    gates: list[AlertGateResponse]
    delivery_id: str | None


class AlertCandidate(AlertFinding):
    """A finding with the scan that made it."""

    scan_config_id: str
    scan_name: str


def comparison_response(found: Comparison) -> AlertRuleComparisonResponse:
    """The wire form of a comparison."""
    return AlertRuleComparisonResponse(
        days=found.after.days,
        considered=found.after.considered_count,
        stored=_figures(found.before, found.before_score),
        changed=_figures(found.after, found.after_score),
        kept=[_finding(one) for one in found.kept],
        lost=[_finding(one) for one in found.lost],
        gained=[_finding(one) for one in found.gained],
    )


def explanation_response(found: Explanation) -> AlertRuleExplanationResponse:
    """The wire form of an explanation."""
    closed = found.first_closed
    return AlertRuleExplanationResponse(
        finding=None if found.candidate is None else _finding(found.candidate),
        would_fire=found.would_fire,
        first_closed=None if closed is None else closed.gate,
        gates=[AlertGateResponse(gate=one.gate, is_open=one.is_open, detail=one.detail) for one in found.gates],
        delivery_id=None if found.told is None else found.told.delivery_id,
    )


def candidates_response(found: list[tuple[str, str, Candidate]]) -> list[AlertCandidate]:
    """The wire form of what a rule can be asked about."""
    return [
        AlertCandidate(scan_config_id=scan_id, scan_name=scan_name, **_finding(one).model_dump())
        for scan_id, scan_name, one in found
    ]


def _figures(simulation: Simulation, score: Score) -> AlertRuleFigures:
    return AlertRuleFigures(
        firings=len(simulation.firings),
        held_back_by_cooldown=simulation.saved_count,
        escalation_steps=len(simulation.steps),
        true_alarms=score.true_alarms,
        false_alarms=score.false_alarms,
        missed=score.missed,
        unjudged=score.unjudged,
    )


def _finding(one: Candidate) -> AlertFinding:
    return AlertFinding(
        scope_type=one.scope_type,
        scope_ref=one.scope_ref,
        scope_name=one.scope_name,
        bucket=one.bucket,
        direction=one.direction,
        actual_count=round(one.actual),
        expected_count=one.expected,
        drift_field=one.drift_field,
        drift_type=one.drift_type,
        expected_because=one.expected_because or None,
    )
