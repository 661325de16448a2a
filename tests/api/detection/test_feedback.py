from __future__ import annotations

import pytest

from app.detection.detectors import Detector, ScopeRules
from app.detection.tuning_repository import rules_of_scan
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.metrics.contracts import ScopeType, SeriesKey
from tests.api.detection.workbench import DetectionWorld, make_detection_world


@pytest.fixture
def world(engine) -> DetectionWorld:
    with session_scope(engine) as session:
        return make_detection_world(session)


def scope(world: DetectionWorld) -> dict[str, str]:
    return {"scan_config_id": world.scan_config_id, "scope_type": "event", "scope_ref": world.checkout_id}


def verdict(world: DetectionWorld, kind: str = "false_positive", hour: int = 11) -> dict[str, str]:
    at = world.bucket(hour).isoformat()
    return {**scope(world), "direction": "spike", "started_at": at, "ended_at": at, "verdict": kind, "note": "load test"}


def rules(engine, world: DetectionWorld) -> dict[SeriesKey, ScopeRules]:
    with session_scope(engine, write=False) as session:
        return rules_of_scan(session, world.scan_config_id)


def test_a_false_positive_tunes_its_series_alone_and_undoing_it_takes_that_back(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    path = f"{world.base}/signal-verdicts"
    made = client.post(path, json=verdict(world), headers=headers)
    assert made.status_code == 201, made.text
    key = SeriesKey(world.scan_config_id, ScopeType.EVENT, world.checkout_id)
    assert rules(engine, world) == {key: ScopeRules(false_positive_count=1)}
    assert client.post(path, json=verdict(world), headers=headers).json()["id"] == made.json()["id"]
    undone = client.post(f"{path}/{made.json()['id']}/undo", headers=headers)
    assert undone.status_code == 200 and undone.json()["undone_at"] is not None
    assert rules(engine, world) == {}
    assert [one["id"] for one in client.get(path, headers=headers).json()] == [made.json()["id"]]


def test_another_verdict_on_the_same_incident_replaces_the_first(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    path = f"{world.base}/signal-verdicts"
    for kind in ("false_positive", "real"):
        client.post(path, json=verdict(world, kind), headers=headers)
    found = client.get(path, headers=headers).json()
    assert sorted((one["verdict"], one["undone_at"] is None) for one in found) == [("false_positive", False), ("real", True)]
    assert rules(engine, world) == {}


def test_viewers_read_verdicts_and_say_none(client, engine, member, world):
    headers = member(UserRole.VIEWER).headers
    assert client.get(f"{world.base}/signal-verdicts", headers=headers).json() == []
    assert client.post(f"{world.base}/signal-verdicts", json=verdict(world), headers=headers).status_code == 403
    assert client.put(f"{world.base}/scope-tunings", json=scope(world), headers=headers).status_code == 403


def test_verdicts_and_tunings_of_another_project_are_not_found(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        stranger = make_detection_world(session)
    for body in (
        {**verdict(world), "scope_ref": stranger.checkout_id},
        {**verdict(world), "scan_config_id": stranger.scan_config_id},
    ):
        assert client.post(f"{world.base}/signal-verdicts", json=body, headers=headers).status_code == 404
    made = client.post(f"{stranger.base}/signal-verdicts", json=verdict(stranger), headers=headers).json()
    assert client.post(f"{world.base}/signal-verdicts/{made['id']}/undo", headers=headers).status_code == 404


def test_one_series_gets_its_own_detector_and_limits(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    body = {**scope(world), "detector": "adaptive", "sigma_threshold": 5.0}
    assert client.put(f"{world.base}/scope-tunings", json=body, headers=headers).json() == {
        "detector": "adaptive", "sigma_threshold": 5.0, "min_expected_count": None, "false_positive_count": 0
    }  # fmt: skip
    [own] = rules(engine, world).values()
    assert (own.detector, own.sigma_threshold) == (Detector.ADAPTIVE, 5.0)


def test_a_planned_event_is_kept_until_it_is_removed(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    path = f"{world.base}/planned-events"
    body = {"name": "Sale", "starts_at": world.bucket(1).isoformat(), "ends_at": world.bucket(3).isoformat()}
    made = client.post(path, json=body, headers=headers)
    assert made.status_code == 201 and made.json()["scope_type"] is None
    assert client.post(path, json={**body, "ends_at": body["starts_at"]}, headers=headers).status_code == 422
    assert [one["name"] for one in client.get(path, headers=headers).json()] == ["Sale"]
    assert client.delete(f"{path}/{made.json()['id']}", headers=headers).status_code == 204
    assert client.get(path, headers=headers).json() == []


def test_a_short_history_has_no_comparison_and_a_strange_scope_is_not_found(client, engine, member, world):
    headers = member(UserRole.VIEWER).headers
    path = f"{world.base}/detector-comparison"
    assert client.get(path, params=scope(world), headers=headers).json() == []
    strange = {**scope(world), "scope_ref": world.scan_config_id}
    assert client.get(path, params=strange, headers=headers).status_code == 404
