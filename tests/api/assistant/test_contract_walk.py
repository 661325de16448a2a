"""Every operation tagged search, generated from the contract."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.assistant.api import router
from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers, make_world
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("search")
QUERY = {"search_project": {"q": "step"}}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    is_reading = operation["auth"] == "viewer"
    with session_scope(engine) as session:
        world, elsewhere = make_world(session), make_project(session).id
    method, path, query = operation["method"], operation["path"].format(slug=world.slug), QUERY.get(operation["id"], {})
    foreign = key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=elsewhere)
    for headers, status in (({}, 401), (foreign, 403)):
        answer = client.request(method, path, params=query, headers=headers)
        assert answer.status_code == status and isinstance(answer.json()["detail"], str)
    readers = [
        member(UserRole.VIEWER).headers,
        key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.READ),
        key_headers(engine, role=UserRole.VIEWER, scope=ApiKeyScope.WRITE),
    ]
    writers = [
        member(UserRole.EDITOR).headers,
        member(UserRole.OWNER).headers,
        key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE, project_id=world.project_id),
    ]
    for headers in readers + writers:
        answer = client.request(method, path, params=query, headers=headers)
        if headers in writers or is_reading:
            assert answer.status_code == operation["ok"], answer.text
            assert CONTRACT.mismatches(operation["response"], answer.json()) == []
        else:
            assert answer.status_code == 403


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        world, stranger = make_world(session), make_world(session)
    method, path, query = operation["method"], operation["path"].format(slug=world.slug), QUERY.get(operation["id"], {})

    def status(changed_path: str, **changed: str) -> int:
        return client.request(method, changed_path, params={**query, **changed}, headers=headers).status_code

    assert status(path, branch="", unknown="ignored") == 200
    assert status(path.replace(world.slug, "no-such-project")) == 404
    assert status(path, branch="main") == 400
    assert status(path, branch=stranger.branch_id) == 404


def test_the_published_description_does_not_differ_from_the_contract():
    application = FastAPI()
    application.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=application.routes), OPERATIONS) == []


def test_hits_of_every_sort_and_the_bounds_of_the_query(client, engine, member):
    headers = member(UserRole.VIEWER).headers
    with session_scope(engine) as session:
        world = make_world(session)
    path = f"{world.base}/search"

    def ask(q: str, **more: object):
        return client.get(path, params={"q": q, **more}, headers=headers)

    def found(q: str, **more: object) -> list[tuple[str, str]]:
        return [(item["entity_type"], item["title"]) for item in ask(q, **more).json()["items"]]

    first = ask("order_paid").json()["items"][0]
    assert (first["entity_id"], first["event_id"], first["name"]) == (world.event_id, world.event_id, "order_paid")
    assert first["route_path"] == f"/p/{world.slug}/events/{world.event_id}"
    assert first["confidence"] == 1.0 and first["variable_values"][0]["values"] == ["cart", "payment"]
    assert found("Step", types="field") == [("field", "Step")]
    assert found("ticket", types=["meta_field"]) == [("meta_field", "Ticket")]
    assert found("step name", types="variable") == [("variable", "step_name")]
    assert found("checkout", types="tag") == [("tag", "checkout")]
    assert [kind for kind, _ in found("shop", types=["event_type", "relation"])] == ["event_type", "relation"]
    assert found("shop", types="metric") == []
    assert found("checkout", types="event") == [("event", "order_paid")]
    assert len(found("order", limit=1)) == 1 and ask("order", limit=1).json()["total"] > 1
    assert ask("\0 ").json() == {"items": [], "total": 0, "semantic_used": False}
    for wrong in ({"q": ""}, {"q": "x" * 501}, {"q": "a", "limit": 0}, {"q": "a", "limit": 101}, {"q": "a", "types": "no"}, {}):
        assert client.get(path, params=wrong, headers=headers).status_code == 422, wrong


def test_an_edit_is_found_at_once_and_archived_events_only_when_asked_for(client, engine, member):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        world = make_world(session)

    def found(q: str, **more: object) -> list[str]:
        answer = client.get(f"{world.base}/search", params={"q": q, "types": "event", **more}, headers=headers)
        return [item["title"] for item in answer.json()["items"]]

    event = f"{world.base}/events/{world.event_id}"
    assert found("zebra") == []
    assert client.patch(event, json={"description": "Counts every zebra"}, headers=headers).status_code == 200
    assert found("zebra") == ["order_paid"]
    assert client.patch(event, json={"status": "archived"}, headers=headers).status_code == 200
    assert found("zebra") == [] and found("zebra", include_archived=True) == ["order_paid"]
    assert client.delete(event, headers=headers).status_code == 204
    assert found("zebra", include_archived=True) == []


def test_a_branch_is_searched_apart_from_main(client, engine, member):
    headers = member(UserRole.VIEWER).headers
    with session_scope(engine) as session:
        project = make_project(session)
        make_world(session, project=project)
        work = make_world(session, branch="work", project=project)
    answer = client.get(f"{work.base}/search", params={"q": "order_paid", "branch": work.branch_id}, headers=headers).json()
    events = [item for item in answer["items"] if item["entity_type"] == "event"]
    assert events[0]["entity_id"] == work.event_id and all(
        item["entity_id"] in (work.event_id, work.other_event_id) for item in events
    )
    assert events[0]["route_path"].endswith(f"?branch={work.branch_id}")
