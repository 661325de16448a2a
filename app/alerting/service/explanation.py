"""Why a rule did or did not tell about a bucket: every gate in order, and the first that was closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import rules, views
from app.alerting.contracts import Candidate, RuleSpec
from app.alerting.repository import candidates as found_rows
from app.alerting.repository import destinations as rows
from app.alerting.repository import inbox, states
from app.alerting.rules import Circumstances, Gate
from app.alerting.vocabulary import AlertScope
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.projects import service as projects


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate for one candidate; `detail` has the two values that were compared."""

    gate: Gate
    is_open: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every gate for a bucket of a scope. Without an anomaly in the bucket there was nothing to tell."""

    candidate: Candidate | None
    gates: list[GateResult]

    @property
    def first_closed(self) -> GateResult | None:
        """The gate that kept the rule silent; None when all are open."""
        return next((one for one in self.gates if not one.is_open), None)

    @property
    def would_fire(self) -> bool:
        """Whether the rule would tell about it now."""
        return self.candidate is not None and self.first_closed is None


def explain(
    session: Session,
    actor: Actor,
    slug: str,
    rule_id: str,
    scan_config_id: str,
    scope_type: AlertScope,
    scope_ref: str,
    bucket: datetime,
    *,
    now: datetime | None = None,
) -> Explanation:
    """Put a bucket of a scope to every gate of a rule as things stand now. Anybody signed in. Errors: NotFound."""
    project = projects.get_project(session, actor, slug)
    found = rows.find_rule(session, project.id, rule_id)
    if found is None:
        raise NotFound("Alert rule not found")
    rule, destination = found
    at = now or SYSTEM_CLOCK.now()
    if scope_type is AlertScope.SCHEMA:
        history = found_rows.drifts(session, project.id, now=at, since=bucket, scan_config_id=scan_config_id)
    else:
        known = found_rows.names(session, project.id)
        history = found_rows.anomalies(
            session, project.id, project.name, known, since=bucket, until=bucket, scan_config_id=scan_config_id
        )
    candidate = next((one for one in history if one.key == (scope_type, scope_ref) and one.bucket == bucket), None)
    spec = views.spec_of(rule)
    gates = [
        GateResult(Gate.RULE_ENABLED, rule.enabled, "the rule is on" if rule.enabled else "the rule is off"),
        GateResult(
            Gate.DESTINATION_ENABLED, destination.enabled, f"{destination.name} is {'on' if destination.enabled else 'off'}"
        ),
    ]
    if candidate is None:
        return Explanation(None, gates)
    given = Circumstances(
        now=at,
        cooldown=timedelta(minutes=spec.cooldown_minutes),
        is_muted=rule.muted_until is not None and rule.muted_until > at,
        suppressed_groups=inbox.suppressed(session, project.id, at),
        scan_config_id=scan_config_id,
        rule_id=rule.id,
    )
    wanted = (scan_config_id, scope_type.value, scope_ref)
    rows_of_rule = states.states_of_rules(session, [rule.id])
    remembered = [views.state_of(row) for row in rows_of_rule if (row.scan_config_id, row.scope_type, row.scope_ref) == wanted]
    state = remembered[0] if remembered else None
    gates += [
        GateResult(gate, is_open, _compared(gate, spec, candidate)) for gate, is_open in rules.matching_gates(spec, candidate)
    ]
    for gate, is_open in rules.sending_gates(state, candidate, given):
        gates.append(GateResult(gate, is_open, _remembered(gate, spec, state)))
    return Explanation(candidate, gates)


def _compared(gate: Gate, spec: RuleSpec, candidate: Candidate) -> str:
    match gate:
        case Gate.SCOPE:
            return candidate.scope_type.value
        case Gate.DIRECTION:
            return candidate.direction.value
        case Gate.EXPECTED_COUNT:
            return f"expected {candidate.expected:.1f}, at least {spec.min_expected_count:g}"
        case Gate.ABSOLUTE_DELTA:
            return f"delta {candidate.absolute_delta:.1f}, at least {spec.min_absolute_delta:g}"
        case Gate.PERCENT_DELTA:
            return f"{candidate.percent_delta:.1f} %, at least {spec.min_percent_delta:g} %"
        case _:
            return f"{len(spec.filters)} filters"


def _remembered(gate: Gate, spec: RuleSpec, state: rules.ScopeState | None) -> str:
    match gate:
        case Gate.NEWER_BUCKET:
            told = state.notified_bucket if state else None
            return f"last told about {told:%Y-%m-%d %H:%M} UTC" if told else "never told"
        case Gate.COOLDOWN:
            last = state.notified_at if state else None
            return f"{spec.cooldown_minutes} minutes after " + (f"{last:%Y-%m-%d %H:%M} UTC" if last else "the first message")
        case _:
            return ""
