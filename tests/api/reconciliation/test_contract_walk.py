"""Every operation of the tag reconciliation, generated from the contract: who may call it, what it answers, in which shape."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.reconciliation.api import router
from models.plan import PlanBranch
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers
from tests.api.reconciliation.workbench import Apart, make_apart
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("reconciliation")


def call_of(operation: dict[str, Any], world: Apart) -> tuple[str, str, Any]:
    path = operation["path"].format(slug=world.slug, candidate_id=world.candidate_id)
    body = {"event_ids": [world.dead_id, world.dead_id]} if operation["id"] == "archive_dead_events" else {}
    return operation["method"], path, body if operation.get("body") else None


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    with session_scope(engine) as session:
        untouched = make_apart(session)
        elsewhere = make_project(session).id
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    refused = {"nobody": ({}, 401), "key bound to another project": (foreign, 403)}
    allowed = {
        "editor": member(UserRole.EDITOR).headers,
        "owner": member(UserRole.OWNER).headers,
        "editor's write key": key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE),
    }
    readers = {
        "viewer": member(UserRole.VIEWER).headers,
        "editor's read key": key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.READ),
        "viewer's write key": key_headers(engine, role=UserRole.VIEWER, scope=ApiKeyScope.WRITE),
    }
    if operation["auth"] == "viewer":
        allowed |= readers
    else:
        refused |= {who: (headers, 403) for who, headers in readers.items()}
    faults = []
    for who, (headers, status) in refused.items():
        method, path, body = call_of(operation, untouched)
        for sent in (body, {}):
            answer = client.request(method, path, json=sent, headers=headers)
            if answer.status_code != status or not isinstance(answer.json()["detail"], str):
                faults.append(f"{who}: {answer.status_code} {answer.text[:200]}")
    for who, headers in allowed.items():
        with session_scope(engine) as session:
            world = make_apart(session)
        method, path, body = call_of(operation, world)
        answer = client.request(method, path, json=body, headers=headers)
        if answer.status_code != operation["ok"]:
            faults.append(f"{who}: {answer.status_code} {answer.text[:300]}")
            continue
        faults += [f"{who}: {fault}" for fault in CONTRACT.mismatches(operation["response"], answer.json())]
        if answer.json().get("items") == []:
            faults.append(f"{who}: an empty answer shows no shape")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        world, stranger = make_apart(session), make_apart(session)
    method, path, body = call_of(operation, world)
    faults = []

    def expect(status: int, changed_path: str, **query: str) -> None:
        answer = client.request(method, changed_path, json=body, headers=headers, params=query)
        if answer.status_code != status:
            faults.append(f"{status} expected from {changed_path} {query}: {answer.status_code} {answer.text[:200]}")

    expect(404, path.replace(f"/{world.slug}/", "/no-such-project/"))
    if world.candidate_id in path:
        expect(404, path.replace(world.candidate_id, stranger.candidate_id))
        expect(422, path.replace(world.candidate_id, "no-id"))
    if operation.get("branch"):
        expect(400, path, branch="main")
        expect(404, path, branch=stranger.branch_id)
    expect(operation["ok"], path, unknown="ignored")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", [entry for entry in OPERATIONS if entry.get("branch")], ids=lambda entry: entry["id"])
def test_the_operation_works_on_the_branch_it_is_given(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    for state, status in (("draft", 200), ("merged", 409), ("closed", 409)):
        with session_scope(engine) as session:
            world = make_apart(session, branch="work")
            session.get_one(PlanBranch, world.branch_id).status = state
        method, path, body = call_of(operation, world)
        answer = client.request(method, path, json=body, headers=headers, params={"branch": world.branch_id})
        assert answer.status_code == status, (state, answer.text)


def test_the_published_description_does_not_differ_from_the_contract():
    application = FastAPI()
    application.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=application.routes), OPERATIONS) == []
