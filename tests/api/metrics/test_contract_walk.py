"""Every operation of the tag metrics that this area serves, generated from the contract."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.metrics.api import router
from tests.api.metrics.workbench import COLUMN, MetricWorld, make_metric_world
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OF_DETECTION = {"get_active_signals", "query_active_signals", "get_release_regressions", "get_distribution_drifts"}
OPERATIONS = [operation for operation in CONTRACT.of_tags("metrics") if operation["id"] not in OF_DETECTION]
SCOPED = {"get_top_movers", "get_seasonality_heatmap", "get_breakdown_timeline"}


def call_of(operation: dict[str, Any], world: MetricWorld) -> tuple[str, str, Any, dict[str, str]]:
    names = {name: getattr(world, name) for name in ("slug", "event_id", "event_type_id", "scan_config_id")}
    query = {"scope_type": "event", "scope_ref": world.event_id} if operation["id"] in SCOPED else {}
    if operation["id"] == "get_top_movers":
        query["bucket"] = world.bucket(9).isoformat()
    if operation["id"] == "get_breakdown_timeline":
        query |= {"breakdown_column": COLUMN, "breakdown_value": "de"}
    body = {"event_ids": [world.event_id]} if operation.get("body") else None
    return operation["method"], operation["path"].format(**names), body, query


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_everybody_signed_in_and_answers_in_its_shape(operation, client, engine, member):
    with session_scope(engine) as session:
        world = make_metric_world(session)
        elsewhere = make_project(session).id
    method, path, body, query = call_of(operation, world)
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    for headers, status in (({}, 401), (foreign, 403)):
        answer = client.request(method, path, json=body, params=query, headers=headers)
        assert answer.status_code == status and isinstance(answer.json()["detail"], str)
    readers = [member(role).headers for role in (UserRole.VIEWER, UserRole.EDITOR, UserRole.OWNER)]
    readers.append(key_headers(engine, role=UserRole.VIEWER, scope=ApiKeyScope.READ))
    readers.append(key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE, project_id=world.project_id))
    for headers in readers:
        answer = client.request(method, path, json=body, params=query, headers=headers)
        assert answer.status_code == operation["ok"], answer.text
        assert CONTRACT.mismatches(operation["response"], answer.json()) == []
        assert answer.json(), "an empty answer shows no shape"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find_and_values_out_of_bounds(operation, client, engine, member):
    headers = member(UserRole.VIEWER).headers
    with session_scope(engine) as session:
        world, stranger = make_metric_world(session), make_metric_world(session)
    method, path, body, query = call_of(operation, world)

    def status(changed_path: str, **changed: str) -> int:
        return client.request(method, changed_path, json=body, params={**query, **changed}, headers=headers).status_code

    assert status(path, unknown="ignored") == 200
    assert status(path.replace(f"/{world.slug}/", "/no-such-project/")) == 404
    for name in ("event_id", "event_type_id", "scan_config_id"):
        if (value := getattr(world, name)) in path:
            assert status(path.replace(value, getattr(stranger, name))) == 404
            assert status(path.replace(value, "no-id")) == 422
    for name, rule in (operation.get("query") or {}).items():
        if rule.get("t") in ("datetime", "uuid", "int", "bool"):
            assert status(path, **{name: "no such thing"}) == 422, name
        for bound, step in (("min", -1), ("max", 1)):
            if bound in rule:
                assert status(path, **{name: str(rule[bound])}) == 200
                assert status(path, **{name: str(rule[bound] + step)}) == 422
        if rule.get("req"):
            without = {key: value for key, value in query.items() if key != name}
            assert client.request(method, path, json=body, params=without, headers=headers).status_code == 422


def test_the_published_description_does_not_differ_from_the_contract():
    application = FastAPI()
    application.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=application.routes), OPERATIONS) == []
