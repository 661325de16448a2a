"""Why a rule did or did not tell about a bucket: every gate in order, and the first that was closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from app.alerting import rules, views
from app.alerting.contracts import Candidate, RuleSpec
from app.alerting.repository import candidates as found_rows
from app.alerting.repository import decisions, inbox, states
from app.alerting.repository import destinations as rows
from app.alerting.repository.decisions import Told
from app.alerting.rules import Circumstances, Gate, ScopeState
from app.alerting.service import candidates
from app.alerting.vocabulary import DIRECTION_LABELS, SCOPE_LABELS, AlertScope
from app.identity.contracts import Actor
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NotFound
from app.projects import service as projects
from models.alerting import AlertDestination, AlertRule


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate for one candidate; `detail` has the two values that were compared."""

    gate: Gate
    is_open: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every gate for a bucket of a scope. Without a candidate nothing was found in the bucket, so there was nothing to tell.

    `told` is the delivery that did tell about it.
    """

    candidate: Candidate | None
    gates: list[GateResult]
    told: Told | None = None

    @property
    def first_closed(self) -> GateResult | None:
        """The gate that kept the rule silent; None when all are open."""
        return next((one for one in self.gates if not one.is_open), None)

    @property
    def would_fire(self) -> bool:
        """Whether every gate is open for it."""
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
    draft: RuleSpec | None = None,
    now: datetime | None = None,
) -> Explanation:
    """Put a bucket of a scope to every gate of a rule, or of its `draft`. Anybody signed in. Errors: NotFound.

    The newest bucket is judged by the rule's memory now; an older one by the deliveries before it, in bucket time as in a
    simulation. Mutes and decisions in the inbox are always those of now.
    """
    project = projects.get_project(session, actor, slug)
    found = rows.find_rule(session, project.id, rule_id)
    if found is None:
        raise NotFound("Alert rule not found")
    rule, destination = found
    if scan_config_id not in dict(found_rows.scans_of(session, project.id)):
        raise NotFound("Scan not found")
    at = now or SYSTEM_CLOCK.now()
    spec = draft or views.spec_of(rule)
    known = found_rows.names(session, project.id)
    history = candidates.past(session, project.id, project.name, known, scan_config_id, bucket, bucket, {scope_type})
    candidate = next((one for one in history if one.key == (scope_type, scope_ref) and one.bucket == bucket), None)
    gates = _switches(spec, destination)
    if candidate is None:
        return Explanation(None, gates)
    gates += [
        GateResult(gate, is_open, _compared(gate, spec, candidate)) for gate, is_open in rules.matching_gates(spec, candidate)
    ]
    told = decisions.told_about(session, rule.id, scan_config_id, scope_type.value, scope_ref)
    state, moment = _memory(session, rule, scan_config_id, candidate, told, at)
    given = Circumstances(
        now=moment,
        cooldown=timedelta(minutes=spec.cooldown_minutes),
        is_muted=rule.muted_until is not None and rule.muted_until > at,
        suppressed_groups=inbox.suppressed(session, project.id, at),
        scan_config_id=scan_config_id,
        rule_id=rule.id,
    )
    for gate, is_open in rules.sending_gates(state, candidate, given):
        gates.append(GateResult(gate, is_open, _remembered(gate, rule, spec, state)))
    return Explanation(candidate, gates, next((one for one in reversed(told) if one.bucket == bucket), None))


def _switches(spec: RuleSpec, destination: AlertDestination) -> list[GateResult]:
    is_on = "on" if destination.enabled else "off"
    return [
        GateResult(Gate.RULE_ENABLED, spec.enabled, "the rule is on" if spec.enabled else "the rule is off"),
        GateResult(Gate.DESTINATION_ENABLED, destination.enabled, f"{destination.name} is {is_on}"),
    ]


def _memory(
    session: Session, rule: AlertRule, scan_config_id: str, candidate: Candidate, told: Sequence[Told], now: datetime
) -> tuple[ScopeState | None, datetime]:
    """What the rule remembered when it came to the candidate, and the moment at which it did."""
    scope_type, scope_ref = candidate.key
    wanted = (scan_config_id, scope_type.value, scope_ref)
    of_rule = states.states_of_rules(session, [rule.id])
    state = next((views.state_of(row) for row in of_rule if (row.scan_config_id, row.scope_type, row.scope_ref) == wanted), None)
    is_told = any(one.bucket == candidate.bucket for one in told)
    if not is_told and (state is None or state.bucket <= candidate.bucket):
        return state, now
    before = [one.bucket for one in told if one.bucket < candidate.bucket and one.sent_at is not None]
    first = rules.first_sight(candidate)
    return (replace(first, notified_at=max(before), notified_bucket=max(before)) if before else None), candidate.bucket


def _compared(gate: Gate, spec: RuleSpec, candidate: Candidate) -> str:
    match gate:
        case Gate.SCOPE:
            said = SCOPE_LABELS[candidate.scope_type].lower()
        case Gate.DIRECTION:
            said = DIRECTION_LABELS[candidate.direction]
        case Gate.EXPECTED_COUNT:
            said = f"expected {candidate.expected:.1f}, at least {spec.min_expected_count:g}"
        case Gate.ABSOLUTE_DELTA:
            said = f"delta {candidate.absolute_delta:.1f}, at least {spec.min_absolute_delta:g}"
        case Gate.PERCENT_DELTA:
            said = f"{candidate.percent_delta:.1f} %, at least {spec.min_percent_delta:g} %"
        case Gate.FILTERS:
            failing = sum(not rules.passes(one, candidate) for one in spec.filters)
            said = f"{len(spec.filters) - failing} of {len(spec.filters)} filters hold" if spec.filters else "no filters"
        case _:
            said = candidate.expected_because or "no planned event and no verdict says so"
    return said


def _remembered(gate: Gate, rule: AlertRule, spec: RuleSpec, state: ScopeState | None) -> str:
    match gate:
        case Gate.NOT_MUTED:
            return f"muted until {rule.muted_until:%Y-%m-%d %H:%M} UTC" if rule.muted_until else "not muted"
        case Gate.GROUP:
            return "what people decided in the inbox"
        case Gate.NOT_UNDER_WAY:
            return "a message is under way" if state and state.is_under_way else "no message is under way"
        case Gate.NEWER_BUCKET:
            told = state.notified_bucket if state else None
            return f"last told about {told:%Y-%m-%d %H:%M} UTC" if told else "never told"
        case _:
            last = state.notified_at if state else None
            return f"{spec.cooldown_minutes} minutes after " + (f"{last:%Y-%m-%d %H:%M} UTC" if last else "the first message")
