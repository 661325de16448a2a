"""When a rule tells about something: its memory of a scope over many collections, and what a simulation makes of the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerting import rules
from app.alerting.contracts import Candidate, RuleFilter, RuleSpec, ScopeKey
from app.alerting.matching import CandidateTable
from app.alerting.rules import Circumstances, Gate, ScopeState
from app.alerting.vocabulary import AlertDirection, AlertScope, FilterField, FilterOperator

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COOLDOWN = timedelta(hours=24)
KEY: ScopeKey = (AlertScope.EVENT, "paid")


def candidate(hour: int, ref: str = "paid", *, direction: AlertDirection = AlertDirection.DROP, **more) -> Candidate:
    counts = {"actual": 10.0, "expected": 100.0, "event_id": ref} | more
    scope = counts.pop("scope_type", AlertScope.EVENT)
    return Candidate(scope, ref, ref, START + hour * HOUR, direction, id=f"{ref}-{hour}", **counts)


class Rule:
    """A rule asked hour by hour; a message arrives at once, fails, or stays under way."""

    def __init__(self, cooldown: timedelta = COOLDOWN) -> None:
        self.states: dict[ScopeKey, ScopeState] = {}
        self.cooldown = cooldown

    def ask(self, hour: int, *candidates: Candidate, arrives: bool = True, **circumstances) -> list[Candidate]:
        now = START + hour * HOUR
        step = rules.look(self.states, candidates, Circumstances(now, self.cooldown, **circumstances))
        self.states = dict(step.states)
        if arrives:
            for one in step.firings:
                self.states[one.key] = self.states[one.key].notified(now, one.bucket)
        return step.firings


def test_a_scope_that_was_never_seen_is_told_and_the_same_bucket_is_not_told_again():
    rule = Rule(timedelta(0))

    assert len(rule.ask(0, candidate(0))) == 1
    assert rule.ask(1, candidate(0)) == []


def test_a_later_bucket_is_told_only_when_the_cooldown_is_over():
    rule = Rule()
    rule.ask(0, candidate(0))

    assert rule.ask(23, candidate(23)) == []
    assert len(rule.ask(24, candidate(24))) == 1


def test_the_cooldown_runs_from_the_last_message_that_arrived_not_from_one_that_failed():
    rule = Rule()
    assert len(rule.ask(0, candidate(0), arrives=False)) == 1

    assert len(rule.ask(1, candidate(1))) == 1, "nothing has arrived yet"
    assert rule.ask(2, candidate(2)) == []


def test_nothing_is_told_while_a_message_about_the_scope_is_under_way():
    rule = Rule()
    rule.ask(0, candidate(0), arrives=False)
    rule.states[KEY] = ScopeState(START, START, AlertDirection.DROP, is_under_way=True)

    assert rule.ask(1, candidate(1)) == []


def test_a_scope_without_a_candidate_becomes_inactive_and_keeps_its_cooldown_when_it_comes_back():
    rule = Rule()
    rule.ask(0, candidate(0))
    rule.ask(1)
    assert not rule.states[KEY].is_active

    assert rule.ask(2, candidate(2)) == [] and rule.states[KEY].is_active
    assert len(rule.ask(25, candidate(25))) == 1


def test_no_candidates_close_each_active_scope_once():
    given_now = Circumstances(START, COOLDOWN)
    first = rules.look({}, [candidate(0), candidate(0, "seen")], given_now)

    second = rules.look(first.states, [], given_now)
    third = rules.look(second.states, [], given_now)

    assert len(second.closed) == 2 and third.closed == [] and third.firings == []


def test_a_muted_rule_keeps_its_memory_and_tells_when_the_mute_is_over():
    rule = Rule()

    assert rule.ask(0, candidate(0), is_muted=True) == [] and rule.states[KEY].is_active
    assert len(rule.ask(1, candidate(0))) == 1


def test_a_suppressed_group_silences_its_direction_only():
    group = rules.group_id("scan", "rule", KEY, AlertDirection.DROP)
    around = {"suppressed_groups": {group}, "scan_config_id": "scan", "rule_id": "rule"}

    assert Rule().ask(0, candidate(0), **around) == []
    assert len(Rule().ask(0, candidate(0, direction=AlertDirection.SPIKE), **around)) == 1


def test_a_new_scope_is_told_while_another_one_cools_down():
    rule = Rule()
    rule.ask(0, candidate(0))

    assert [one.scope_ref for one in rule.ask(1, candidate(1), candidate(1, "seen"))] == ["seen"]


@pytest.mark.parametrize(
    ("spec", "counts", "gate"),
    [
        ({"include_events": False}, {}, Gate.SCOPE),
        ({"notify_on_drop": False}, {}, Gate.DIRECTION),
        ({"min_expected_count": 100.1}, {}, Gate.EXPECTED_COUNT),
        ({"min_expected_count": 100}, {}, None),
        ({"min_absolute_delta": 90.1}, {}, Gate.ABSOLUTE_DELTA),
        ({"min_absolute_delta": 90}, {}, None),
        ({"min_percent_delta": 90.1}, {}, Gate.PERCENT_DELTA),
        ({"min_percent_delta": 90}, {}, None),
        ({"min_percent_delta": 5000}, {"expected": 0.0, "actual": 1.0}, None),
        ({"min_percent_delta": 0}, {"expected": 0.0, "actual": 0.0}, Gate.PERCENT_DELTA),
        (
            {"include_schema_drifts": True, "min_percent_delta": 5000, "min_expected_count": 9e9},
            {"scope_type": AlertScope.SCHEMA},
            None,
        ),
    ],
)
def test_a_candidate_is_held_back_at_the_first_closed_gate(spec, counts, gate):
    rule, one = RuleSpec(name="r", **spec), candidate(0, **counts)

    assert rules.first_mismatch(rule, one) is gate
    assert bool(CandidateTable([one]).matching(rule)) is (gate is None)


def test_a_filter_on_an_attribute_that_the_candidate_lacks_lets_it_pass():
    only = RuleFilter(FilterField.EVENT, FilterOperator.EQ, ("other",))
    total = candidate(0, scope_type=AlertScope.PROJECT_TOTAL, event_id=None)

    assert rules.passes(only, total) and not rules.passes(only, candidate(0))


REFS = ("paid", "seen", "left")
FILTERS = st.builds(
    RuleFilter,
    st.just(FilterField.EVENT),
    st.sampled_from(FilterOperator),
    st.sampled_from(REFS).map(lambda ref: (ref,)),
)
SPECS = st.builds(
    RuleSpec,
    name=st.just("r"),
    notify_on_drop=st.booleans(),
    min_percent_delta=st.sampled_from([0.0, 25.0, 90.0]),
    min_absolute_delta=st.sampled_from([0.0, 30.0]),
    min_expected_count=st.sampled_from([0.0, 50.0]),
    cooldown_minutes=st.sampled_from([1, 60, 61, 360, 1440, 10_080]),
    filters=st.lists(FILTERS, max_size=2).map(tuple),
)
MONTH = st.lists(
    st.tuples(
        st.integers(0, 30 * 24 - 1),
        st.sampled_from(REFS),
        st.sampled_from(AlertDirection),
        st.integers(0, 200),
        st.sampled_from([0, 40, 100]),
    ),
    max_size=150,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=60, deadline=None)
@given(SPECS, MONTH)
def test_a_month_asked_hour_by_hour_tells_what_the_simulation_of_the_month_tells(spec, month):
    found = sorted(
        (candidate(hour, ref, direction=way, actual=float(n), expected=float(m)) for hour, ref, way, n, m in month),
        key=lambda one: one.bucket,
    )
    cooldown = timedelta(minutes=spec.cooldown_minutes)
    rule, told = Rule(cooldown), []
    for hour in range(30 * 24):
        present = CandidateTable([one for one in found if one.bucket == START + hour * HOUR])
        told += rule.ask(hour, *present.matching(spec))

    one_by_one = [one for one in found if rules.first_mismatch(spec, one) is None]
    assert told == rules.replay(CandidateTable(found).matching(spec), cooldown) == rules.replay(one_by_one, cooldown)
