"""Every operation of the tag scans, generated from the contract: who may call it, what it answers, in which shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.scans.api import router
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers
from tests.api.scans.workbench import QUERY, ScanWorld, make_scan_world
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("scans")
ROLES = {"viewer": UserRole.VIEWER, "editor": UserRole.EDITOR, "owner": UserRole.OWNER}
KEYS_OF_OWNERS_ALLOWED = {"replay_scan_metrics"}

BODIES: dict[str, Callable[[ScanWorld], Any]] = {
    "create_scan_config": lambda world: {"data_source_id": world.data_source_id, "name": "fresh", "base_query": QUERY},
    "update_scan_config": lambda _: {"name": "renamed", "cardinality_threshold": 5},
    "preview_scan_config": lambda world: {"data_source_id": world.data_source_id, "base_query": QUERY, "include_json_paths": True},
    "replay_scan_metrics": lambda _: {"time_from": "2026-11-01T00:00:00", "time_to": "2026-11-02T00:00:00Z"},
}


def call_of(operation: dict[str, Any], world: ScanWorld) -> tuple[str, str, Any]:
    job_id = world.preview_id if "preview" in operation["path"] else world.job_id
    path = operation["path"].format(slug=world.slug, scan_id=world.scan_id, job_id=job_id)
    return operation["method"], path, BODIES[operation["id"]](world) if operation.get("body") else None


def world_for(engine: Any, operation: dict[str, Any]) -> ScanWorld:
    with session_scope(engine) as session:
        return make_scan_world(session, job_status="pending" if operation["id"] == "cancel_scan_job" else "completed")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    needed = operation["auth"]
    untouched = world_for(engine, operation)
    with session_scope(engine) as session:
        elsewhere = make_project(session).id
    ranks = list(ROLES)
    allowed, refused = {}, {"nobody": ({}, 401)}
    for name, role in ROLES.items():
        headers = member(role).headers
        if ranks.index(name) >= ranks.index(needed):
            allowed[name] = headers
        else:
            refused[name] = (headers, 403)
    read_key = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.READ)
    write_key = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE)
    if needed == "viewer":
        allowed["read key"] = read_key
    else:
        refused["read key"] = (read_key, 403)
    if needed != "owner" or operation["id"] in KEYS_OF_OWNERS_ALLOWED:
        allowed["owner's write key"] = write_key
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    refused["key bound to another project"] = (foreign, 403)
    faults = []
    for who, (headers, status) in refused.items():
        method, path, body = call_of(operation, untouched)
        for sent in (body, {}):  # whoever is refused is so before the body is looked at
            answer = client.request(method, path, json=sent, headers=headers)
            if answer.status_code != status or not isinstance(answer.json()["detail"], str):
                faults.append(f"{who}: {answer.status_code} {answer.text[:200]}")
    for who, headers in allowed.items():
        method, path, body = call_of(operation, world_for(engine, operation))
        answer = client.request(method, path, json=body, headers=headers)
        if answer.status_code != operation["ok"]:
            faults.append(f"{who}: {answer.status_code} {answer.text[:300]}")
        elif operation["response"] is None:
            faults += [f"{who}: a body with {answer.status_code}"] if answer.content else []
        else:
            faults += [f"{who}: {fault}" for fault in CONTRACT.mismatches(operation["response"], answer.json())]
            if operation["method"] == "GET" and not answer.json():
                faults.append(f"{who}: an empty answer shows no shape")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, client, engine, member):
    headers = member(UserRole.OWNER).headers
    world, stranger = world_for(engine, operation), world_for(engine, operation)
    method, path, body = call_of(operation, world)
    faults = []

    def expect(status: int, changed_path: str) -> None:
        answer = client.request(method, changed_path, json=body, headers=headers)
        if answer.status_code != status:
            faults.append(f"{status} expected from {changed_path}: {answer.status_code} {answer.text[:200]}")

    expect(404, path.replace(f"/{world.slug}/", "/no-such-project/"))
    for name in ("scan_id", "job_id", "preview_id"):
        value = getattr(world, name)
        if value in path:
            expect(404, path.replace(value, getattr(stranger, name)))
            expect(422, path.replace(value, "no-id"))
    expect(operation["ok"], path)
    assert not faults, "\n".join(faults)


def test_the_published_description_does_not_differ_from_the_contract():
    application = FastAPI()
    application.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=application.routes), OPERATIONS) == []
