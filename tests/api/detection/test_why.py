from __future__ import annotations

import pytest

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from tests.api.detection.workbench import DetectionWorld, make_detection_world
from tests.api.plan.workbench import key_headers
from tests.factories import make_project


@pytest.fixture
def world(engine, event_store) -> DetectionWorld:
    with session_scope(engine) as session:
        return make_detection_world(session)


def scope(world: DetectionWorld) -> dict[str, str]:
    return {"scan_config_id": world.scan_config_id, "scope_type": "event", "scope_ref": world.checkout_id}


def path(world: DetectionWorld) -> str:
    return f"{world.base}/anomalies/signals/why"


def test_a_planned_event_explains_the_newest_signal_with_a_link(client, member, world):
    body = {
        "name": "Sale", "note": "20 % off", "starts_at": world.bucket(10).isoformat(), "ends_at": world.bucket(13).isoformat(),
    }  # fmt: skip
    assert client.post(f"{world.base}/planned-events", json=body, headers=member(UserRole.EDITOR).headers).status_code == 201
    found = client.get(path(world), params=scope(world), headers=member(UserRole.VIEWER).headers)
    assert found.status_code == 200, found.text
    answer = found.json()
    assert (answer["scope_name"], answer["direction"], answer["actual_count"]) == ("checkout", "spike", 150)
    assert answer["is_unknown"] is False and answer["reason"] == ""
    first = answer["explanations"][0]
    assert (first["rank"], first["cause"], first["title"]) == (1, "planned_event", "Sale")
    assert first["sentence"].endswith("for the whole project: 20 % off.") and 0.9 < first["strength"] <= 1
    assert first["link"] == f"/p/{world.slug}/anomaly-settings"


def test_unknown_is_an_answer_with_its_reason(client, member, world):
    answer = client.get(path(world), params=scope(world), headers=member(UserRole.VIEWER).headers).json()
    assert answer["is_unknown"] is True and answer["explanations"] == []
    assert answer["reason"].startswith("Nothing that is recorded near this signal accounts for it")


def test_a_bucket_names_the_anomaly_and_one_without_is_not_found(client, member, world):
    headers = member(UserRole.VIEWER).headers
    there = {**scope(world), "bucket": world.bucket(11).isoformat()}
    assert client.get(path(world), params=there, headers=headers).json()["bucket"] == there["bucket"].replace("+00:00", "Z")
    assert client.get(path(world), params={**there, "bucket": world.bucket(3).isoformat()}, headers=headers).status_code == 404
    assert client.get(path(world), params={**there, "bucket": "noon"}, headers=headers).status_code == 422


def test_it_is_for_readers_of_the_project_only(client, engine, member, world):
    with session_scope(engine) as session:
        stranger, elsewhere = make_detection_world(session), make_project(session).id
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    assert client.get(path(world), params=scope(world)).status_code == 401
    assert client.get(path(world), params=scope(world), headers=foreign).status_code == 403
    headers = member(UserRole.VIEWER).headers
    for changed in ({"scope_ref": stranger.checkout_id}, {"scan_config_id": stranger.scan_config_id}):
        assert client.get(path(world), params={**scope(world), **changed}, headers=headers).status_code == 404
