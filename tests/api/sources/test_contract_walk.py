"""Every operation tagged data-sources, generated from the contract: who may call it, what it answers, in which shape."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.scans.sources import service
from app.warehouse.tables import Table, TableColumn
from models.scans import DataSource
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.workbench import key_headers
from tests.api.sources.conftest import create_body
from tests.conftest import area_routers
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("data-sources")
BODIES = {"create_data_source": create_body, "update_data_source": lambda new: {"name": new, "username": "other"}}


@pytest.fixture(autouse=True)
def _reachable(monkeypatch):
    monkeypatch.setattr(service.warehouses, "probe", lambda connection: None)
    monkeypatch.setattr(service.warehouses, "list_tables", lambda connection: [Table("orders", (TableColumn("id", "bigint"),))])


def stored(engine) -> str:
    with session_scope(engine) as session:
        source = DataSource(name=f"Source {new_id()}", db_type="clickhouse", host="localhost", port=8123, database_name="a")
        session.add(source)
        return source.id


def call_of(operation: dict[str, Any], source_id: str) -> tuple[str, str, Any]:
    path = operation["path"].format(ds_id=source_id)
    return operation["method"], path, BODIES[operation["id"]](new_id()) if operation.get("body") else None


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    with session_scope(engine) as session:
        project_id = make_project(session).id
    allowed = {"owner": member(UserRole.OWNER).headers}
    others = {
        "editor": member(UserRole.EDITOR).headers,
        "viewer": member(UserRole.VIEWER).headers,
        "owner's write key": key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE),
        "owner's read key": key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.READ),
    }
    refused = {
        "nobody": ({}, 401),
        "key bound to a project": (
            key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE, project_id=project_id),
            403,
        ),
    }
    if operation["auth"] == "viewer":
        allowed |= others
    else:
        refused |= {who: (headers, 403) for who, headers in others.items()}
    faults = []
    for who, (headers, status) in refused.items():
        method, path, body = call_of(operation, stored(engine))
        for sent in (body, {}):
            answer = client.request(method, path, json=sent, headers=headers)
            if answer.status_code != status or not isinstance(answer.json()["detail"], str):
                faults.append(f"{who}: {answer.status_code} {answer.text[:200]}")
    for who, headers in allowed.items():
        method, path, body = call_of(operation, stored(engine))
        answer = client.request(method, path, json=body, headers=headers)
        if answer.status_code != operation["ok"]:
            faults.append(f"{who}: {answer.status_code} {answer.text[:300]}")
        elif operation["response"] is None:
            faults += [f"{who}: a body with {answer.status_code}"] if answer.content else []
        else:
            faults += [f"{who}: {fault}" for fault in CONTRACT.mismatches(operation["response"], answer.json())]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "{ds_id}" in one["path"]], ids=lambda one: one["id"])
def test_an_unknown_source_is_not_found_and_a_malformed_id_is_refused(operation, owner):
    method, path, body = call_of(operation, new_id())
    wanted = operation["ok"] if operation["id"] == "get_data_source_stats" else 404
    assert owner(method, path, json=body).status_code == wanted
    method, path, body = call_of(operation, "no-id")
    assert owner(method, path, json=body).status_code == 422


def test_the_published_description_does_not_differ_from_the_contract():
    merged = FastAPI()
    for router in area_routers():
        merged.include_router(router)
    assert differences(get_openapi(title="Plumbline", version="1", routes=merged.routes), OPERATIONS) == []
