from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from app.http import SESSION_COOKIE
from app.identity.contracts import UserRole
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from models.scans import ScanConfig
from tests import factories
from tests.integration.detection.watched_project import HOUR, WatchedProject

SETTINGS = "/api/v1/projects/shop/anomaly-settings"
SIGNALS = "/api/v1/projects/shop/anomalies/signals"


@pytest.fixture
def watched(engine: Engine) -> WatchedProject:
    project = WatchedProject(engine)
    newest = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR) - HOUR
    project.count(newest - 99 * HOUR, [100] * 100)
    project.newest = newest
    return project


@pytest.fixture
def editor(client: TestClient) -> TestClient:
    return sign_in(client, UserRole.EDITOR)


def sign_in(client: TestClient, role: UserRole) -> TestClient:
    with session_scope() as session:
        client.cookies.set(SESSION_COOKIE, factories.make_session_cookie(session, factories.make_user(session, role=role)))
    return client


def test_a_fresh_project_answers_defaults_with_a_lasting_id(engine: Engine, editor: TestClient):
    with session_scope() as session:
        factories.make_project(session, slug="shop")
    first = editor.get(SETTINGS).json()
    assert {key: first[key] for key in first if key not in ("id", "project_id", "created_at", "updated_at")} == {
        "anomaly_detection_enabled": False,
        "detect_project_total": True,
        "detect_event_types": True,
        "detect_events": True,
        "baseline_window_buckets": 14,
        "min_history_buckets": 7,
        "sigma_threshold": 3.0,
        "min_expected_count": 10,
    }
    changed = editor.patch(SETTINGS, json={"sigma_threshold": 4}).json()
    assert (changed["id"], changed["created_at"]) == (first["id"], first["created_at"])
    assert (changed["sigma_threshold"], changed["anomaly_detection_enabled"]) == (4.0, False)


def test_null_and_unknown_keys_leave_settings_alone(watched: WatchedProject, editor: TestClient):
    answer = editor.patch(SETTINGS, json={"sigma_threshold": None, "recent_signal_window_hours": 24, "detect_events": False})
    assert answer.status_code == 200
    assert (answer.json()["sigma_threshold"], answer.json()["detect_events"]) == (3.0, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"baseline_window_buckets": 0}, "baseline_window_buckets"),
        ({"min_history_buckets": 0}, "min_history_buckets"),
        ({"min_history_buckets": 15}, "min_history_buckets"),
        ({"baseline_window_buckets": 5}, "min_history_buckets"),
        ({"sigma_threshold": 0}, "sigma_threshold"),
        ({"min_expected_count": -1}, "min_expected_count"),
    ],
)
def test_a_value_that_breaks_a_constraint_is_refused_at_its_field(
    watched: WatchedProject, editor: TestClient, change: dict[str, object], field: str
):
    answer = editor.patch(SETTINGS, json=change)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


def test_a_viewer_reads_and_may_not_change(watched: WatchedProject, client: TestClient):
    viewer = sign_in(client, UserRole.VIEWER)
    assert viewer.get(SETTINGS).status_code == 200
    assert viewer.patch(SETTINGS, json={"sigma_threshold": 4}).status_code == 403


def test_signals_need_a_caller_and_a_project(watched: WatchedProject, client: TestClient):
    assert client.get(SIGNALS).status_code == 401
    assert sign_in(client, UserRole.VIEWER).get("/api/v1/projects/none/anomalies/signals").status_code == 404


def test_signals_are_listed_and_events_added_on_request(watched: WatchedProject, editor: TestClient):
    watched.add_anomaly(watched.newest - HOUR)
    watched.add_anomaly(watched.newest, scope="event", ref=watched.view)
    (total,) = editor.get(SIGNALS, params={"whatever": "1"}).json()
    assert total | {"scan_config_id": "", "bucket": ""} == {
        "scan_config_id": "",
        "scan_config_name": "Received events",
        "scope_type": "project_total",
        "scope_ref": watched.scan_id,
        "scope_name": "Shop",
        "state": "recent",
        "event_id": None,
        "event_type_id": None,
        "bucket": "",
        "actual_count": 10,
        "expected_count": 100.0,
        "stddev": 10.0,
        "z_score": -9.0,
        "direction": "drop",
    }
    added = editor.get(SIGNALS, params={"event_id": [watched.view, watched.pay]}).json()
    assert [one["scope_type"] for one in added] == ["event", "project_total"]
    assert editor.post(f"{SIGNALS}/query", json={"event_ids": [watched.view]}).json() == added
    assert editor.post(f"{SIGNALS}/query", json={"event_ids": []}).json() == [total]
    assert editor.get(SIGNALS, params={"expanded": "true"}).json() == added
    assert editor.get(SIGNALS, params={"event_id": "no-uuid"}).status_code == 422


def test_a_read_key_may_ask_for_signals_by_post(watched: WatchedProject, client: TestClient):
    with session_scope() as session:
        _, token = factories.make_api_key(session, factories.make_user(session))
        assert session.get(ScanConfig, watched.scan_id) is not None
    answer = client.post(f"{SIGNALS}/query", json={}, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (200, [])
