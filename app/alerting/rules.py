"""When a rule tells about a candidate. Pure: the same functions run live, in simulations and in explanations (contract 12.3, 12.4).

A candidate passes the gates in the order of `Gate`; the first closed one is the reason why nothing was sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.alerting.contracts import Candidate, RuleFilter, RuleSpec, ScopeKey
from app.alerting.vocabulary import DIRECTION_LABELS, SERIES_SCOPES, AlertDirection, AlertScope, FilterField, FilterOperator

_GROUPS = uuid.UUID("6f0f5f0e-8f3b-5a59-9d7e-0b6c51a0f7d4")
_POSITIVE = frozenset({FilterOperator.EQ, FilterOperator.IN})


class Gate(StrEnum):
    """What can keep a rule silent, in the order in which it is asked."""

    RULE_ENABLED = "rule_enabled"
    DESTINATION_ENABLED = "destination_enabled"
    SCOPE = "scope"
    DIRECTION = "direction"
    EXPECTED_COUNT = "expected_count"
    ABSOLUTE_DELTA = "absolute_delta"
    PERCENT_DELTA = "percent_delta"
    FILTERS = "filters"
    NOT_EXPECTED = "not_expected"
    NOT_MUTED = "not_muted"
    GROUP = "group"
    NOT_UNDER_WAY = "not_under_way"
    NEWER_BUCKET = "newer_bucket"
    COOLDOWN = "cooldown"


@dataclass(frozen=True, slots=True)
class ScopeState:
    """What a rule remembers of one scope. `is_under_way` while a delivery about it has neither arrived nor failed.

    While `waiting_since` is set nobody has answered what was told; `steps` is how often others were told since.
    """

    bucket: datetime
    newest_bucket: datetime
    direction: AlertDirection
    is_active: bool = True
    notified_at: datetime | None = None
    notified_bucket: datetime | None = None
    is_under_way: bool = False
    waiting_since: datetime | None = None
    steps: int = 0

    def notified(self, at: datetime, bucket: datetime) -> ScopeState:
        """After a delivery about `bucket` arrived."""
        return replace(self, notified_at=at, notified_bucket=bucket, is_under_way=False)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else decides, beside the rule and its memory. `waits_from` is when an answer to what is told now is waited for; None
    for a rule that tells nobody else when there is none."""

    now: datetime
    cooldown: timedelta
    is_muted: bool = False
    suppressed_groups: Collection[str] = frozenset()
    scan_config_id: str = ""
    rule_id: str = ""
    waits_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at the candidates does: the new states, what to tell, and which scopes stopped being active."""

    states: dict[ScopeKey, ScopeState]
    firings: list[Candidate]
    closed: list[tuple[ScopeKey, AlertDirection]]


def group_id(scan_config_id: str, rule_id: str, candidate_key: ScopeKey, direction: AlertDirection) -> str:
    """The correlation group of a scope in one rule and scan: always the same, so that decisions outlive deliveries."""
    scope_type, scope_ref = candidate_key
    return str(uuid.uuid5(_GROUPS, "/".join((scan_config_id, rule_id, scope_type.value, scope_ref, direction.value))))


def includes_scope(rule: RuleSpec, scope_type: AlertScope) -> bool:
    """Whether the rule is about this kind of scope."""
    return {
        AlertScope.PROJECT_TOTAL: rule.include_project_total,
        AlertScope.EVENT_TYPE: rule.include_event_types,
        AlertScope.EVENT: rule.include_events,
        AlertScope.SCHEMA: rule.include_schema_drifts,
        AlertScope.DISTRIBUTION: rule.include_distribution_drifts,
        AlertScope.RELEASE_REGRESSION: rule.include_release_regressions,
    }[scope_type]


def includes_direction(rule: RuleSpec, direction: AlertDirection) -> bool:
    """Whether the rule is about this direction."""
    return rule.notify_on_spike if direction is AlertDirection.SPIKE else rule.notify_on_drop


def passes(one: RuleFilter, candidate: Candidate) -> bool:
    """Whether the filter holds; an attribute that the candidate does not have lets it pass."""
    value = {
        FilterField.EVENT_TYPE: candidate.event_type_id,
        FilterField.EVENT: candidate.event_id,
        FilterField.DIRECTION: DIRECTION_LABELS[candidate.direction],
    }[one.field]
    return value is None or (value in one.values) == (one.operator in _POSITIVE)


def first_mismatch(rule: RuleSpec, candidate: Candidate) -> Gate | None:
    """The first gate of matching that is closed; None when the candidate matches."""
    return next((gate for gate, is_open in matching_gates(rule, candidate) if not is_open), None)


def matching_gates(rule: RuleSpec, candidate: Candidate) -> Iterable[tuple[Gate, bool]]:
    """Each gate of matching and whether it is open. Drifts have no counts to compare, so thresholds let them pass."""
    yield Gate.SCOPE, includes_scope(rule, candidate.scope_type)
    yield Gate.DIRECTION, includes_direction(rule, candidate.direction)
    has_counts = candidate.scope_type in SERIES_SCOPES
    delta = candidate.absolute_delta
    is_enough = candidate.percent_delta >= rule.min_percent_delta if candidate.expected > 0 else delta > 0
    yield Gate.EXPECTED_COUNT, not has_counts or candidate.expected >= rule.min_expected_count
    yield Gate.ABSOLUTE_DELTA, not has_counts or delta >= rule.min_absolute_delta
    yield Gate.PERCENT_DELTA, not has_counts or is_enough
    yield Gate.FILTERS, all(passes(one, candidate) for one in rule.filters)
    yield Gate.NOT_EXPECTED, not candidate.expected_because


def sending_gates(state: ScopeState | None, candidate: Candidate, given: Circumstances) -> Iterable[tuple[Gate, bool]]:
    """Each gate between a match and a message, for the state before this look."""
    yield Gate.NOT_MUTED, not given.is_muted
    group = group_id(given.scan_config_id, given.rule_id, candidate.key, candidate.direction) if given.suppressed_groups else ""
    yield Gate.GROUP, group not in given.suppressed_groups
    yield Gate.NOT_UNDER_WAY, state is None or not state.is_under_way
    told = None if state is None else state.notified_bucket
    yield Gate.NEWER_BUCKET, told is None or candidate.bucket > told
    at = None if state is None else state.notified_at
    yield Gate.COOLDOWN, at is None or given.now - at >= given.cooldown


def fires(state: ScopeState | None, candidate: Candidate, given: Circumstances) -> bool:
    """Whether all gates between a match and a message are open; the dearest one, the group, is asked last."""
    if given.is_muted:
        return False
    if state is not None and (
        state.is_under_way
        or (state.notified_bucket is not None and candidate.bucket <= state.notified_bucket)
        or (state.notified_at is not None and given.now - state.notified_at < given.cooldown)
    ):
        return False
    if not given.suppressed_groups:
        return True
    return group_id(given.scan_config_id, given.rule_id, candidate.key, candidate.direction) not in given.suppressed_groups


def first_sight(candidate: Candidate) -> ScopeState:
    """The memory of a scope that was never seen before."""
    return ScopeState(candidate.bucket, candidate.newest_bucket, candidate.direction)


def seen_again(state: ScopeState, candidate: Candidate) -> ScopeState:
    """The memory of a scope after one more candidate; the same object when nothing has changed."""
    newest = candidate.newest_bucket
    if state.direction is not candidate.direction:
        state = answered(state)  # what was waited for is over
    if state.is_active and (state.bucket, state.newest_bucket, state.direction) == (candidate.bucket, newest, candidate.direction):
        return state
    return replace(state, bucket=candidate.bucket, newest_bucket=newest, direction=candidate.direction, is_active=True)


def waiting(state: ScopeState, since: datetime) -> ScopeState:
    """The memory after a message that somebody is to answer; a wait that has begun goes on."""
    return state if state.waiting_since is not None else replace(state, waiting_since=since, steps=0)


def answered(state: ScopeState) -> ScopeState:
    """The memory once nobody's answer is waited for."""
    return replace(state, waiting_since=None, steps=0)


def closed(state: ScopeState) -> ScopeState:
    """The memory of a scope that gives nothing more to tell."""
    return replace(answered(state), is_active=False)


def advance(state: ScopeState | None, candidate: Candidate, given: Circumstances) -> tuple[ScopeState, bool]:
    """The state after a matching candidate was seen, and whether to tell about it."""
    seen = first_sight(candidate) if state is None else seen_again(state, candidate)
    is_told = fires(state, candidate, given)
    return waiting(seen, given.waits_from) if is_told and given.waits_from is not None else seen, is_told


def look(states: Mapping[ScopeKey, ScopeState], matching: Sequence[Candidate], given: Circumstances) -> Step:
    """One look at everything that matches now: scopes that are missing from it stop being active."""
    after: dict[ScopeKey, ScopeState] = {}
    firings = []
    for candidate in matching:
        after[candidate.key], is_told = advance(after.get(candidate.key, states.get(candidate.key)), candidate, given)
        if is_told:
            firings.append(candidate)
    return step_of(states, after, firings)


def step_of(states: Mapping[ScopeKey, ScopeState], after: dict[ScopeKey, ScopeState], firings: list[Candidate]) -> Step:
    """The step from `states`: scopes that are not in `after` stop being active there."""
    ended = []
    for key, state in states.items():
        if key not in after:
            after[key] = closed(state) if state.is_active else state
            if state.is_active:
                ended.append((key, state.direction))
    return Step(after, firings, ended)


def replay(matching: Iterable[Candidate], cooldown: timedelta) -> list[Candidate]:
    """What a rule would have told about, one candidate after the other in the order of their buckets.

    Time passes with the buckets and every message arrives at once.
    """
    states: dict[ScopeKey, ScopeState] = {}
    firings = []
    for candidate in matching:
        given = Circumstances(candidate.bucket, cooldown)
        seen, is_told = advance(states.get(candidate.key), candidate, given)
        if is_told:
            firings.append(candidate)
            seen = seen.notified(candidate.bucket, candidate.bucket)
        states[candidate.key] = seen
    return firings
