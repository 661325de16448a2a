"""Many rules asked at once: the table answers what the plain functions answer for each rule and candidate alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerting import rules
from app.alerting.contracts import Candidate, RuleFilter, RuleSpec
from app.alerting.matching import CandidateTable
from app.alerting.rules import Circumstances, Gate, ScopeState
from app.alerting.vocabulary import DIRECTION_LABELS, AlertDirection, AlertScope, FilterField, FilterOperator

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
REFS = ("paid", "seen", "left")
TYPES = ("shop", "web")

CANDIDATES = st.builds(
    lambda scope, ref, kind, hour, lasts, way, actual, expected: Candidate(
        scope_type=scope,
        scope_ref=ref,
        scope_name=ref,
        bucket=START + hour * HOUR,
        direction=way,
        actual=float(actual),
        expected=float(expected),
        last_bucket=START + (hour + lasts) * HOUR if lasts else None,
        event_type_id=None if scope is AlertScope.PROJECT_TOTAL else kind,
        event_id=ref if scope is AlertScope.EVENT else None,
    ),
    st.sampled_from(AlertScope),
    st.sampled_from(REFS),
    st.sampled_from(TYPES),
    st.integers(0, 3),
    st.integers(0, 1),
    st.sampled_from(AlertDirection),
    st.sampled_from([0, 40, 90, 200]),
    st.sampled_from([0, 40, 100]),
)
FILTERS = st.one_of(
    st.builds(
        RuleFilter, st.just(FilterField.EVENT), st.sampled_from(FilterOperator), st.sampled_from(REFS).map(lambda one: (one,))
    ),
    st.builds(
        RuleFilter, st.just(FilterField.EVENT_TYPE), st.sampled_from(FilterOperator), st.sampled_from([("shop",), ("web", "none")])
    ),
    st.builds(
        RuleFilter,
        st.just(FilterField.DIRECTION),
        st.sampled_from(FilterOperator),
        st.sampled_from(sorted(DIRECTION_LABELS.values())).map(lambda one: (one,)),
    ),
)
SPECS = st.builds(
    RuleSpec,
    name=st.just("r"),
    include_project_total=st.booleans(),
    include_event_types=st.booleans(),
    include_events=st.booleans(),
    include_schema_drifts=st.booleans(),
    include_distribution_drifts=st.booleans(),
    include_release_regressions=st.booleans(),
    notify_on_spike=st.booleans(),
    notify_on_drop=st.booleans(),
    min_percent_delta=st.sampled_from([0.0, 25.0, 90.0]),
    min_absolute_delta=st.sampled_from([0.0, 30.0]),
    min_expected_count=st.sampled_from([0.0, 50.0]),
    filters=st.lists(FILTERS, max_size=2).map(tuple),
)
MOMENTS = st.integers(0, 3).map(lambda hour: START + hour * HOUR)
STATES = st.dictionaries(
    st.tuples(st.sampled_from(AlertScope), st.sampled_from(REFS)),
    st.builds(
        ScopeState,
        MOMENTS,
        MOMENTS,
        st.sampled_from(AlertDirection),
        is_active=st.booleans(),
        notified_at=st.none() | MOMENTS,
        notified_bucket=st.none() | MOMENTS,
        is_under_way=st.booleans(),
    ),
)
ANY_GROUPS = [rules.group_id("scan", "rule", (AlertScope.EVENT, ref), way) for ref in REFS for way in AlertDirection]
AROUND = st.builds(
    Circumstances,
    MOMENTS,
    st.sampled_from([timedelta(0), HOUR, 2 * HOUR]),
    is_muted=st.booleans(),
    suppressed_groups=st.frozensets(st.sampled_from(ANY_GROUPS)),
    scan_config_id=st.just("scan"),
    rule_id=st.just("rule"),
)


@settings(max_examples=300, deadline=None)
@given(SPECS, st.lists(CANDIDATES, max_size=12), STATES, AROUND)
def test_a_look_at_the_table_is_the_look_at_each_matching_candidate_in_turn(spec, found, states, around):
    plain = rules.look(states, [one for one in found if rules.first_mismatch(spec, one) is None], around)

    assert CandidateTable(found).look(spec, states, around) == plain


@settings(max_examples=200, deadline=None)
@given(CANDIDATES, STATES, AROUND)
def test_a_candidate_is_told_about_exactly_when_every_gate_of_sending_is_open(one, states, around):
    state = states.get(one.key)
    gates = dict(rules.sending_gates(state, one, around))

    assert set(gates) == {Gate.NOT_MUTED, Gate.GROUP, Gate.NOT_UNDER_WAY, Gate.NEWER_BUCKET, Gate.COOLDOWN}
    assert rules.fires(state, one, around) is all(gates.values())


def test_a_table_of_nothing_closes_what_was_active():
    state = ScopeState(START, START, AlertDirection.DROP)
    step = CandidateTable([]).look(RuleSpec(name="r"), {(AlertScope.EVENT, "paid"): state}, Circumstances(START, HOUR))

    assert step.firings == [] and step.closed == [((AlertScope.EVENT, "paid"), AlertDirection.DROP)]
