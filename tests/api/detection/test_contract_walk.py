"""Every operation that detection serves, generated from the contract."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.detection.api import router
from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from tests.api.detection.workbench import DetectionWorld, make_detection_world
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OF_METRICS = {"get_active_signals", "query_active_signals", "get_release_regressions", "get_distribution_drifts"}
OPERATIONS = [one for one in CONTRACT.of_tags("metrics") if one["id"] in OF_METRICS] + CONTRACT.of_tags("anomaly-settings")


def call_of(operation: dict[str, Any], world: DetectionWorld) -> tuple[str, str, Any, dict[str, str]]:
    path = operation["path"].format(slug=world.slug, scan_config_id=world.scan_config_id)
    drifts = operation["id"] == "get_distribution_drifts"
    query = {"scope_type": "event_type", "scope_ref": world.event_type_id} if drifts else {}
    bodies = {"query_active_signals": {"event_ids": [world.checkout_id]}, "update_project_anomaly_settings": {"sigma_threshold": 4}}
    return operation["method"], path, bodies.get(operation["id"]), query


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    is_reading = operation["auth"] == "viewer"
    with session_scope(engine) as session:
        world = make_detection_world(session)
        elsewhere = make_project(session).id
    method, path, body, query = call_of(operation, world)
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    for headers, status in (({}, 401), (foreign, 403)):
        answer = client.request(method, path, json=body, params=query, headers=headers)
        assert answer.status_code == status and isinstance(answer.json()["detail"], str)
    readers = [member(UserRole.VIEWER).headers, key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.READ)]
    writers = [member(UserRole.EDITOR).headers, member(UserRole.OWNER).headers]
    writers.append(key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE, project_id=world.project_id))
    for headers in readers + writers:
        answer = client.request(method, path, json=body, params=query, headers=headers)
        if headers in writers or is_reading:
            assert answer.status_code == operation["ok"], answer.text
            assert CONTRACT.mismatches(operation["response"], answer.json()) == []
            assert answer.json(), "an empty answer shows no shape"
        else:
            assert answer.status_code == 403


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        world, stranger = make_detection_world(session), make_detection_world(session)
    method, path, body, query = call_of(operation, world)

    def status(changed_path: str, **changed: str) -> int:
        return client.request(method, changed_path, json=body, params={**query, **changed}, headers=headers).status_code

    assert status(path, unknown="ignored") == 200
    assert status(path.replace(f"/{world.slug}/", "/no-such-project/")) == 404
    if world.scan_config_id in path:
        assert status(path.replace(world.scan_config_id, stranger.scan_config_id)) == 404
        assert status(path.replace(world.scan_config_id, "no-id")) == 422
    for name, rule in (operation.get("query") or {}).items():
        if rule.get("t") in ("datetime", "uuid", "int", "bool"):
            assert status(path, **{name: "no such thing"}) == 422, name
        if rule.get("req"):
            without = {key: value for key, value in query.items() if key != name}
            assert client.request(method, path, json=body, params=without, headers=headers).status_code == 422


def test_the_published_description_does_not_differ_from_the_contract():
    application = FastAPI()
    application.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=application.routes), OPERATIONS) == []


def test_drifts_of_each_scope_are_those_of_its_event_type(client, engine, member):
    headers = member(UserRole.VIEWER).headers
    with session_scope(engine) as session:
        world, stranger = make_detection_world(session), make_detection_world(session)
    path = f"{world.base}/distribution-drifts"

    def ask(scope_type: str, scope_ref: str, **more: str):
        return client.get(path, params={"scope_type": scope_type, "scope_ref": scope_ref, **more}, headers=headers)

    of_type = ask("event_type", world.event_type_id).json()
    assert of_type["fields"] == ["currency"] and len(of_type["data"]) == 5
    last = of_type["data"][-1]
    assert (last["band"], last["baseline_total"], last["current_total"]) == ("significant", 1_100, 100)
    assert last["psi"] == pytest.approx(0.416, abs=0.001)
    assert last["top_movers"][0] == {
        "value": "USD", "baseline_share": 0.5, "current_share": 0.2, "contribution": pytest.approx(0.2749, abs=0.001)
    }  # fmt: skip
    assert [point["band"] for point in of_type["data"][:-1]] == ["stable"] * 4
    assert ask("event", world.checkout_id).json()["event_type_id"] == world.event_type_id
    total = ask("project_total", world.scan_config_id).json()
    assert total["data"][0]["event_type_id"] is None and len(total["data"]) == 5
    newest = world.bucket(11).isoformat()
    assert len(ask("event_type", world.event_type_id, **{"from": newest}).json()["data"]) == 1
    for scope_type, ref in (
        ("event", stranger.checkout_id), ("event_type", stranger.event_type_id), ("project_total", stranger.scan_config_id),
    ):  # fmt: skip
        assert ask(scope_type, ref).status_code == 404
    assert ask("event_type", world.event_type_id, scan_config_id=stranger.scan_config_id).status_code == 404
    for scope_type, ref in (("schema", world.event_type_id), ("event", "no-id")):
        assert ask(scope_type, ref).status_code == 422


def test_the_newer_release_counts_too_few_checkouts(client, engine, member):
    headers = member(UserRole.VIEWER).headers
    with session_scope(engine) as session:
        world = make_detection_world(session)
    path = f"{world.base}/scans/{world.scan_config_id}/release-regressions"
    found = client.get(path, headers=headers).json()
    assert (found["app_version_column"], found["latest_version"]) == ("version", "1.10.0")
    [item] = found["items"]
    assert (item["scope_type"], item["scope_name"], item["kind"]) == ("event", "checkout", "volume_drop")
    assert (item["version"], item["previous_version"], item["observed_count"]) == ("1.10.0", "1.9.0", 8)
    assert item["expected_count"] == pytest.approx(100) and item["ratio"] == pytest.approx(8.5 / 100.5)
    assert item["release_share"] == pytest.approx(250 / 1_260)
    assert client.get(path, params={"scope_type": "event_type"}, headers=headers).json()["items"] == []
