"""Threat models of a project: threshold, window and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.security.behaviour.threat_models import Step, ThreatModel
from tests.unit.security_behaviour.scenes import event, replay

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EXPORTS = ThreatModel("m1", "Many exports", Step("data.*", HOUR), threshold=3, severity="high")
AFTER = ThreatModel(
    "m2", "Export after failures", Step("auth.login_failed", 10 * MINUTE), threshold=2, followed_by=Step("data.export", 30 * MINUTE)
)


def test_threshold_within_the_window_is_found_once_it_is_reached():
    found = replay([event("data.export", step * 20 * MINUTE) for step in range(3)], models=[EXPORTS])
    assert [(one.at.minute, finding.title, finding.severity) for one, finding in found] == [(40, "Many exports", "high")]
    assert replay([event("data.export", step * 31 * MINUTE) for step in range(3)], models=[EXPORTS]) == []


def test_events_of_other_actors_and_addresses_do_not_count_together():
    assert replay([event("data.export", actor=f"u{step}", ip=f"81.2.69.{step}") for step in range(5)], models=[EXPORTS]) == []


def test_conditions_decide_which_events_count():
    big = Step("data.export", HOUR, {"field": "metadata.rows", "operator": "gte", "value": 1000})
    model = ThreatModel("m3", "Large exports", big)
    found = replay([event("data.export", rows=10), event("data.export", MINUTE, rows=5_000)], models=[model])
    assert [one.metadata["rows"] for one, _ in found] == [5_000]


def failures(**who):
    return [event("auth.login_failed", step * MINUTE, **who) for step in range(2)]


def test_what_follows_on_the_same_actor_from_elsewhere_is_a_critical_compromise():
    ((_, finding),) = replay([*failures(), event("data.export", 20 * MINUTE, ip="45.1.1.1")], models=[AFTER])
    assert (finding.severity, finding.title) == ("critical", "Possible account compromise: Export after failures")


def test_what_follows_from_the_same_address_as_somebody_else_counts_too():
    assert len(replay([*failures(), event("data.export", 20 * MINUTE, actor="bob")], models=[AFTER])) == 1


@pytest.mark.parametrize(
    "events",
    [
        failures(),
        [event("data.export")],
        [event("data.export"), *failures()],
        [*failures()[:1], event("data.export", 5 * MINUTE)],
        [*failures(), event("data.export", 32 * MINUTE)],
        [*failures(), event("data.export", 20 * MINUTE, actor="bob", ip="45.1.1.1")],
        [event("auth.login_failed"), event("auth.login_failed", 11 * MINUTE), event("data.export", 12 * MINUTE)],
    ],
)
def test_sequence_that_is_incomplete_late_or_of_others_is_not_found(events):
    assert replay(events, models=[AFTER]) == []


@pytest.mark.parametrize(
    ("pattern", "window"), [("a" * 101, HOUR), ("A b", HOUR), ("*a*b*c*", HOUR), ("auth.*", 25 * HOUR), ("auth.*", 0 * HOUR)]
)
def test_unusable_step_is_refused(pattern, window):
    with pytest.raises(ValueError, match=r"pattern|window"):
        Step(pattern, window)


def test_unusable_model_is_refused():
    with pytest.raises(ValueError, match="threshold"):
        ThreatModel("m", "n", Step("auth.*", HOUR), threshold=0)
    with pytest.raises(ValueError, match="severity"):
        ThreatModel("m", "n", Step("auth.*", HOUR), severity="huge")
