from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.detection import Bakeoff
from tests.api.detection.workbench import DetectionWorld, make_detection_world


@pytest.fixture
def world(engine) -> DetectionWorld:
    with session_scope(engine) as session:
        return make_detection_world(session)


def scope(world: DetectionWorld) -> dict[str, str]:
    return {"scan_config_id": world.scan_config_id, "scope_type": "event", "scope_ref": world.checkout_id}


def test_one_is_started_listed_and_cancelled(client, member, world):
    headers, path = member(UserRole.EDITOR).headers, f"{world.base}/bakeoffs"
    made = client.post(path, json=scope(world), headers=headers)
    assert made.status_code == 202, made.text
    assert (made.json()["status"], made.json()["result"], made.json()["progress_percent"]) == ("pending", {}, 0)
    assert client.post(path, json=scope(world), headers=headers).status_code == 409
    one = f"{path}/{made.json()['id']}"
    assert client.get(one, headers=headers).json() == made.json()
    assert client.get(path, params=scope(world), headers=headers).json() == [made.json()]
    assert client.get(path, params={**scope(world), "scope_ref": world.scan_config_id}, headers=headers).json() == []
    assert client.get(path, params={"scope_type": "event"}, headers=headers).status_code == 422
    assert client.post(f"{one}/cancel", headers=headers).json()["status"] == "cancelled"
    assert client.post(f"{one}/cancel", headers=headers).status_code == 409


def test_what_did_best_is_adopted(client, engine, member, world):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        row = Bakeoff(project_id=world.project_id, status="completed", result={"scores": [{"name": "adaptive@4"}]}, **scope(world))
        session.add(row)
        session.flush()
        path = f"{world.base}/bakeoffs/{row.id}/adopt"
    assert client.post(path, json={"detector": "baseline", "sigma_threshold": 4}, headers=headers).status_code == 422
    answer = client.post(path, json={"detector": "adaptive", "sigma_threshold": 4}, headers=headers)
    assert answer.status_code == 200 and answer.json()["adopted"] == "adaptive@4"


def test_viewers_look_and_strangers_find_nothing(client, engine, member, world):
    editor, viewer = member(UserRole.EDITOR).headers, member(UserRole.VIEWER).headers
    made = client.post(f"{world.base}/bakeoffs", json=scope(world), headers=editor).json()
    path = f"{world.base}/bakeoffs/{made['id']}"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=viewer).status_code == 200
    for action in ("cancel", "adopt"):
        body = {"detector": "baseline", "sigma_threshold": 3}
        assert client.post(f"{path}/{action}", json=body, headers=viewer).status_code == 403
    assert client.post(f"{world.base}/bakeoffs", json=scope(world), headers=viewer).status_code == 403
    with session_scope(engine) as session:
        stranger = make_detection_world(session)
    assert client.get(f"{stranger.base}/bakeoffs/{made['id']}", headers=editor).status_code == 404
    assert client.post(f"{stranger.base}/bakeoffs", json=scope(world), headers=editor).status_code == 404
