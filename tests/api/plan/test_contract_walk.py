"""Every operation of the plan's tags, generated from the contract: who may call it, what it answers, in which shape."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from models.plan import PlanBranch
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import AT, World, key_headers, make_world
from tests.conftest import area_routers
from tests.factories import make_project, make_user

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

TAGS = (
    "events", "event-types", "event-type-owners", "fields", "meta-fields", "variables", "relations", "chart-annotations",
)  # fmt: skip
CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags(*TAGS)
FIELD = {"name": "currency", "display_name": "Currency", "field_type": "string"}

BODIES: dict[str, Callable[[World, str], Any]] = {
    "create_event": lambda world, new: {
        "event_type_id": world.event_type_id,
        "name": new,
        "tags": ["a"],
        "field_values": [{"field_definition_id": world.field_id, "value": "x"}],
        "meta_values": [{"meta_field_definition_id": world.meta_field_id, "value": "y"}],
    },
    "bulk_create_events": lambda world, new: [{"event_type_id": world.event_type_id, "name": new}],
    "bulk_delete_events": lambda world, _: {"event_ids": [world.event_id]},
    "bulk_update_events": lambda world, _: {"event_ids": [world.event_id], "status": "live"},
    "reorder_events": lambda world, _: {"event_ids": [world.other_event_id, world.event_id]},
    "update_event": lambda world, new: {"description": new, "tags": ["b", "c"]},
    "move_event": lambda world, _: {"direction": "down", "visible_event_ids": [world.event_id, world.other_event_id]},
    "create_event_type": lambda _, new: {"name": new, "display_name": new, "field_definitions": [FIELD]},
    "update_event_type": lambda _, new: {"display_name": new},
    "add_owner": lambda _, new: {"user_id": new},
    "create_field": lambda _, __: FIELD,
    "bulk_create_fields": lambda _, __: {"fields": [FIELD]},
    "reorder_fields": lambda world, _: {"field_ids": [world.other_field_id, world.field_id]},
    "update_field": lambda _, new: {"display_name": new},
    "create_meta_field": lambda _, new: {"name": new, "display_name": new, "field_type": "url"},
    "update_meta_field": lambda _, new: {"display_name": new},
    "create_variable": lambda _, __: {"name": "currency"},
    "update_variable": lambda _, __: {"name": "renamed"},
    "create_relation": lambda world, _: {
        "source_event_type_id": world.event_type_id,
        "target_event_type_id": world.event_type_id,
        "source_field_id": world.other_field_id,
        "target_field_id": world.field_id,
    },
    "create_chart_annotation": lambda _, new: {"bucket": AT.isoformat(), "label": new},
    "apply_schema_drift_action": lambda _, new: {"action": "snooze", "note": new, "snoozed_until": AT.isoformat()},
}


def request_of(operation: dict[str, Any], world: World, new: str) -> tuple[str, str, Any]:
    """Method, path and body of a call that succeeds in this world; `new` is a name nothing has yet."""
    path = operation["path"].format(**vars_of(world))
    body = BODIES[operation["id"]](world, new) if operation.get("body") else None
    return operation["method"], path, body


def vars_of(world: World) -> dict[str, str]:
    return {name: getattr(world, name) for name in world.__dataclass_fields__}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    is_reading = operation["auth"] == "viewer"
    with session_scope(engine) as session:
        untouched = make_world(session)
        elsewhere = make_project(session)
        bound_elsewhere = elsewhere.id
        newcomer = make_user(session).id
    new = newcomer if operation["id"] == "add_owner" else "fresh"
    refused = {
        "nobody": ({}, 401),
        "key bound to another project": (
            key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=bound_elsewhere),
            403,
        ),
    }
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
    if is_reading:
        allowed |= readers
    else:
        refused |= {who: (headers, 403) for who, headers in readers.items()}
    faults = []
    for who, (headers, status) in refused.items():
        method, path, body = request_of(operation, untouched, new)
        for sent in (body, {}):  # whoever is refused is so before the body is looked at
            answer = client.request(method, path, json=sent, headers=headers)
            if answer.status_code != status or not isinstance(answer.json()["detail"], str):
                faults.append(f"{who}: {answer.status_code} {answer.text[:200]}")
    for who, headers in allowed.items():
        with session_scope(engine) as session:
            world = make_world(session)
        method, path, body = request_of(operation, world, new)
        answer = client.request(method, path, json=body, headers=headers)
        if answer.status_code != operation["ok"]:
            faults.append(f"{who}: {answer.status_code} {answer.text[:300]}")
        elif operation["response"] is None:
            faults += [f"{who}: a body with {answer.status_code}"] if answer.content else []
        else:
            faults += [f"{who}: {fault}" for fault in CONTRACT.mismatches(operation["response"], answer.json())]
            if operation["method"] == "GET" and not answer.json():
                faults.append(f"{who}: an empty answer shows no shape")
    bound = key_headers(engine, role=UserRole.EDITOR, scope=ApiKeyScope.WRITE, project_id=untouched.project_id)
    method, path, body = request_of(operation, untouched, new)
    if (answer := client.request(method, path, json=body, headers=bound)).status_code != operation["ok"]:
        faults.append(f"key bound to this project: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    with session_scope(engine) as session:
        world, stranger = make_world(session), make_world(session)
        new = make_user(session).id if operation["id"] == "add_owner" else "fresh"
    method, path, body = request_of(operation, world, new)
    faults = []

    def expect(status: int, changed_path: str, **query: str) -> None:
        answer = client.request(method, changed_path, json=body, headers=headers, params=query)
        if answer.status_code != status:
            faults.append(f"{status} expected from {changed_path} {query}: {answer.status_code} {answer.text[:200]}")

    expect(404, path.replace(f"/{world.slug}/", "/no-such-project/"))
    for name, value in vars_of(world).items():
        if value in path and name != "slug":
            expect(404, path.replace(value, getattr(stranger, name)))
            expect(422, path.replace(value, "no-id"))
    if operation.get("branch"):
        expect(400, path, branch="main")
        expect(404, path, branch=stranger.branch_id)
        expect(operation["ok"], path, branch="", unknown="ignored")
    else:
        expect(operation["ok"], path, branch="main", unknown="ignored")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", [entry for entry in OPERATIONS if entry.get("branch")], ids=lambda entry: entry["id"])
def test_the_operation_works_on_the_branch_it_is_given(operation, client, engine, member):
    headers = member(UserRole.EDITOR).headers
    is_reading = operation["method"] == "GET"
    for state, status in (("draft", operation["ok"]), ("merged", 409), ("closed", 409)):
        with session_scope(engine) as session:
            project = make_project(session)
            world = make_world(session, branch="work", project=project)
            session.get_one(PlanBranch, world.branch_id).status = state
        method, path, body = request_of(operation, world, "fresh")
        answer = client.request(method, path, json=body, headers=headers, params={"branch": world.branch_id})
        wanted = operation["ok"] if is_reading else status
        assert answer.status_code == wanted, (state, answer.text)
        if operation["response"] and answer.status_code == operation["ok"]:
            assert CONTRACT.mismatches(operation["response"], answer.json()) == []
        if any(name in path for name in (world.event_id, world.event_type_id, world.variable_id, world.relation_id)):
            on_main = client.request(method, path, json=body, headers=headers)
            assert on_main.status_code == 404, "main does not know the branch's rows"


def described() -> dict[str, Any]:
    """The merged OpenAPI document of all areas."""
    merged = FastAPI()
    for router in area_routers():
        merged.include_router(router)
    return get_openapi(title="Plumbline", version="1", routes=merged.routes)


def test_the_published_description_does_not_differ_from_the_contract():
    assert differences(described(), OPERATIONS) == []


def test_the_published_description_does_not_mention_the_branch():
    parameters = [
        parameter["name"]
        for path, methods in described()["paths"].items()
        if path.startswith("/api/v1/projects/{slug}/events")
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
    ]
    assert "limit" in parameters and "branch" not in parameters


def _places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every key of every object in a JSON value."""
    if isinstance(value, dict):
        return [place for key, entry in value.items() for place in ((*trail, key), *_places(entry, (*trail, key)))]
    if isinstance(value, list):
        return [place for index, entry in enumerate(value) for place in _places(entry, (*trail, index))]
    return []


@pytest.mark.parametrize(
    "operation_id",
    ["get_event", "list_events", "get_event_type", "list_variable_values", "list_owners", "list_event_type_drifts"],
)
def test_the_walk_notices_any_single_field_that_is_dropped(operation_id, client, world, member):
    operation = next(entry for entry in OPERATIONS if entry["id"] == operation_id)
    method, path, _ = request_of(operation, world, "")
    complete = client.request(method, path, headers=member().headers).json()
    assert CONTRACT.mismatches(operation["response"], complete) == []
    for trail in _places(complete):
        crippled = copy.deepcopy(complete)
        target = crippled
        for step in trail[:-1]:
            target = target[step]
        del target[trail[-1]]
        faults = CONTRACT.mismatches(operation["response"], crippled)
        assert len(faults) == 1 and faults[0].endswith(f".{trail[-1]} is missing"), trail


def test_the_description_check_notices_any_single_field_that_is_dropped():
    complete = described()
    for name in ("EventResponse", "EventFieldValueResponse", "FieldDefinitionResponse", "VariableResponse", "SchemaDriftResponse"):
        properties = complete["components"]["schemas"][name]["properties"]
        for field, schema in list(properties.items()):
            del properties[field]
            assert any(f"field {field} of {name} is missing" in found for found in differences(complete, OPERATIONS))
            properties[field] = schema
