"""Two versions of a rule side by side, and why a rule was silent, over HTTP."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.ids import new_id


@pytest.fixture
def rule(world) -> str:
    return f"{world.base}/rules/{world.rule_id}"


def test_a_changed_rule_is_compared_with_the_stored_one_and_nothing_changes(world, client, member, rule):
    viewer = member(UserRole.VIEWER).headers
    found = client.post(f"{rule}/compare", headers=viewer, json={"changes": {"include_project_total": False}, "days": 14})

    assert found.status_code == 200
    body = found.json()
    assert (body["days"], body["considered"], body["stored"]["firings"], body["changed"]["firings"]) == (14, 2, 2, 1)
    assert [one["scope_type"] for one in body["lost"]] == ["project_total"] and body["gained"] == []
    assert [one["scope_name"] for one in body["kept"]] == ["order_paid"]
    (destination,) = client.get(f"{world.base}/alert-destinations", headers=viewer).json()
    assert destination["rules"][0]["include_project_total"] is True


@pytest.mark.parametrize(
    "body", [{}, {"changes": {}, "days": 91}, {"changes": {"notify_on_drop": False, "notify_on_spike": False}}]
)
def test_a_comparison_that_makes_no_sense_is_refused(call, rule, body):
    assert call("POST", f"{rule}/compare", json=body).status_code == 422


def test_a_bucket_is_explained_gate_by_gate(world, call, rule):
    about = next(one for one in call("GET", f"{world.base}/alert-candidates").json() if one["scope_type"] == "event")
    asked = {name: about[name] for name in ("scan_config_id", "scope_type", "scope_ref", "bucket")}

    found = call("GET", f"{rule}/explanation", params=asked).json()
    assert found["finding"]["scope_name"] == "order_paid" and found["delivery_id"] == world.delivery_id
    assert (found["would_fire"], found["first_closed"]) == (True, None)
    call("PATCH", f"{world.base}/alert-destinations/{world.destination_id}/rules/{world.rule_id}", json={"min_percent_delta": 95})
    found = call("GET", f"{rule}/explanation", params=asked).json()
    assert (found["would_fire"], found["first_closed"]) == (False, "percent_delta")
    assert {"gate": "percent_delta", "is_open": False, "detail": "90.0 %, at least 95 %"} in found["gates"]


def test_an_unknown_rule_or_scan_is_not_explained(world, call, rule):
    asked = {"scan_config_id": new_id(), "scope_type": "event", "scope_ref": world.event_id, "bucket": "2026-11-01T00:00:00Z"}

    assert call("GET", f"{rule}/explanation", params=asked).status_code == 404
    known = {**asked, "scan_config_id": world.scan_id}
    assert call("GET", f"{rule}/explanation", params=known).json()["finding"] is None
    assert call("GET", f"{rule.replace(world.rule_id, new_id())}/explanation", params=known).status_code == 404
    assert call("POST", f"{rule.replace(world.rule_id, new_id())}/compare", json={"changes": {}}).status_code == 404
    assert call("GET", f"{rule}/explanation", params={**known, "scope_type": "nothing"}).status_code == 422
