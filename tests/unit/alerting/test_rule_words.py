"""A rule in words."""

from __future__ import annotations

import pytest

from app.alerting.contracts import RuleFilter, RuleSpec
from app.alerting.pages.rule_words import GATES, sentence
from app.alerting.rules import Gate
from app.alerting.vocabulary import FilterField, FilterOperator

NAMES = {(FilterField.EVENT, "1"): "order_paid", (FilterField.EVENT, "2"): "signup"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {},
            "When the project total, an event type or an event changes unusually, tell Team; at most once every day about the same "
            "thing.",
        ),
        (
            {
                "include_project_total": False,
                "include_event_types": False,
                "notify_on_spike": False,
                "min_percent_delta": 20.0,
                "min_absolute_delta": 1000.0,
                "min_expected_count": 50.0,
                "cooldown_minutes": 360,
            },
            "When an event drops unusually, by at least 20 % and 1,000, where at least 50 were expected, tell Team; at most once "
            "every 6\u00a0h about the same thing.",
        ),
        (
            {
                "include_project_total": False,
                "include_event_types": False,
                "notify_on_drop": False,
                "cooldown_minutes": 60,
                "enabled": False,
                "filters": (RuleFilter(FilterField.EVENT, FilterOperator.IN, ("1", "2", "3")),),
            },
            "When an event rises unusually, tell Team; at most once every hour about the same thing. Only where the event is "
            "one of order_paid, signup or something deleted. It is switched off.",
        ),
        (
            {
                "include_project_total": False,
                "include_event_types": False,
                "include_events": False,
                "include_schema_drifts": True,
                "include_release_regressions": True,
            },
            "When a property departs from the plan or a release sends less than the one before, tell Team; at most once every day "
            "about the same thing.",
        ),
        (
            {"include_project_total": False, "include_event_types": False, "include_events": False},
            "When nothing is chosen, tell Team; at most once every day about the same thing.",
        ),
    ],
)
def test_a_rule_is_said_in_a_sentence(spec, said):
    assert sentence(RuleSpec(name="r", **spec), NAMES, "Team") == said


def test_every_gate_has_words():
    assert set(GATES) == {gate.value for gate in Gate}
