"""Each built-in rule at its bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.security.behaviour import BehaviourRules
from app.security.behaviour.places import distance_km
from app.security.contracts import Enrichment
from tests.unit.security_behaviour.scenes import LONDON, NEW_YORK, OXFORD, alerts, event, place, replay

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FAILED, SIGNED_IN = "auth.login_failed", "auth.login_success"


def types(found):
    return [finding.alert_type for _, finding in found]


def test_fifth_failure_of_an_address_within_five_minutes_is_brute_force_and_the_sixth_joins_it():
    failures = [event(FAILED, step * 299 * SECOND / 4, actor=f"user{step}") for step in range(5)]
    assert types(replay(failures[:4])) == []
    ((_, finding),) = replay(failures)
    assert (finding.alert_type, finding.subject, finding.details["failures"]) == ("brute_force_attack", "81.2.69.1", 5)
    assert alerts(replay([*failures, event(FAILED, 299 * SECOND)])) == [("brute_force_attack", "81.2.69.1")]


def test_five_failures_spread_over_more_than_five_minutes_are_not():
    assert replay([event(FAILED, step * 76 * SECOND, actor=None) for step in range(5)]) == []


def test_tenth_failure_against_an_account_within_the_hour_is_brute_force_whatever_the_address():
    failures = [event(FAILED, step * 6 * MINUTE, ip=f"81.2.69.{step}") for step in range(10)]
    assert replay(failures[:9]) == []
    assert alerts(replay(failures)) == [("brute_force_attack", "ana")]
    assert replay([event(FAILED, step * 7 * MINUTE, ip=f"81.2.69.{step}") for step in range(10)]) == []


def test_new_york_to_london_in_half_an_hour_is_impossible_with_both_places_and_the_speed():
    found = replay([event(SIGNED_IN, at=NEW_YORK), event(SIGNED_IN, 30 * MINUTE, at=LONDON)])
    assert types(found) == ["impossible_travel", "geo_anomaly"]
    details = found[0][1].details
    assert (details["from"]["city"], details["to"]["city"]) == ("New York", "London")
    assert details["distance_km"] == pytest.approx(5_570, abs=5)
    assert details["speed_kmh"] == pytest.approx(11_140, abs=10)
    assert found[0][1].severity == "high"


def test_new_york_to_london_in_eight_hours_is_only_another_country():
    assert types(replay([event(SIGNED_IN, at=NEW_YORK), event(SIGNED_IN, 8 * HOUR, at=LONDON)])) == ["geo_anomaly"]


def test_short_distance_is_no_travel_even_at_once():
    assert replay([event(SIGNED_IN, at=LONDON), event(SIGNED_IN, at=OXFORD)]) == []


def test_two_far_places_at_the_same_moment_are_impossible_without_a_speed():
    found = replay([event(SIGNED_IN, at=NEW_YORK), event(SIGNED_IN, at=LONDON)])
    assert (found[0][1].alert_type, found[0][1].details["speed_kmh"]) == ("impossible_travel", None)


@pytest.mark.parametrize("flag", ["is_vpn", "is_tor", "is_proxy", "is_datacenter"])
def test_anonymiser_at_either_end_makes_travel_medium(flag):
    through = place("GB", "London", 51.5, -0.12, **{flag: True})
    found = replay([event(SIGNED_IN, at=NEW_YORK), event(SIGNED_IN, 30 * MINUTE, at=through)])
    travel = next(finding for _, finding in found if finding.alert_type == "impossible_travel")
    assert (travel.severity, travel.details["anonymisers"]) == ("medium", [flag])


def test_failed_or_unlocated_sign_ins_are_no_travel():
    events = [event(SIGNED_IN, at=NEW_YORK), event(FAILED, MINUTE, at=LONDON), event(SIGNED_IN, 2 * MINUTE)]
    assert replay(events) == []


def test_first_located_sign_in_and_a_known_country_are_no_anomaly():
    assert replay([event(SIGNED_IN), event(SIGNED_IN, HOUR, at=LONDON), event(SIGNED_IN, 2 * HOUR, at=OXFORD)]) == []


def test_blocked_country_is_an_anomaly_from_the_first_sign_in():
    rules = BehaviourRules(blocked_countries=frozenset({"GB"}))
    ((_, finding),) = replay([event(SIGNED_IN, at=LONDON)], rules)
    assert (finding.alert_type, finding.severity, finding.details["is_blocked_country"]) == ("geo_anomaly", "high", True)


@pytest.mark.parametrize(
    ("known", "severity"),
    [
        (Enrichment(is_tor=True, is_datacenter=True), "high"),
        (Enrichment(is_vpn=True), "medium"),
        (Enrichment(is_datacenter=True), "low"),
    ],
)
def test_sign_in_through_an_anonymiser_is_suspicious_by_its_gravest_kind(known, severity):
    ((_, finding),) = replay([event(SIGNED_IN, at=known)])
    assert (finding.alert_type, finding.severity) == ("suspicious_activity", severity)


def test_unknown_device_is_found_and_a_browser_update_is_not():
    agents = ["Mozilla/5.0 Chrome/120.0.1", "Mozilla/5.0 Chrome/121.0.7", "curl/8.1"]
    found = replay([event(SIGNED_IN, step * HOUR, user_agent=agent) for step, agent in enumerate(agents)])
    assert [(one.metadata["user_agent"], finding.alert_type) for one, finding in found] == [("curl/8.1", "new_device")]


def test_device_id_goes_before_the_user_agent():
    events = [event(SIGNED_IN, device_id="a", user_agent="x"), event(SIGNED_IN, HOUR, device_id="b", user_agent="x")]
    assert types(replay(events)) == ["new_device"]


def test_reported_rate_limit_is_an_alert_of_its_own_type():
    assert types(replay([event("security.rate_limit_exceeded")])) == ["rate_limit_exceeded"]


def test_critical_event_raises_its_alert_whatever_the_sender_says_of_its_severity():
    assert types(replay([event("data.bulk_delete", severity="low")])) == ["data_exfiltration"]


def test_distance_of_antipodes_is_half_the_circumference():
    assert distance_km(0, 0, 0, 180) == pytest.approx(20_015, abs=1)
    assert distance_km(10, 20, 10, 20) == 0
