"""The merged API description tells what the wire surfaces take and how they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.operations import operations_app
from tests.conftest import area_routers


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    with TestClient(operations_app(area_routers)) as http:
        return http.get("/api/openapi.json").json()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere(described):
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= known


def test_whatever_a_wire_surface_reads_from_a_body_is_described(described):
    surfaces = {path: operations for path, operations in described["paths"].items() if not path.startswith("/api/")}
    without_body = {
        operation["operationId"]
        for operations in surfaces.values()
        for method, operation in operations.items()
        if method in ("post", "put", "patch") and "requestBody" not in operation
    }
    assert without_body == {"truncate_log_data_source"}
    assert described["paths"]["/v1/events"]["post"]["responses"].keys() >= {"200", "400", "401", "403", "413", "429"}


def test_every_answer_of_a_wire_surface_has_its_shape_and_parameters_their_bounds(described):
    surfaces = [operations for path, operations in described["paths"].items() if not path.startswith("/api/")]
    shapeless = {
        operation["operationId"]
        for operations in surfaces
        for operation in operations.values()
        for content in [operation["responses"][min(operation["responses"])].get("content")]
        if not content or not all(media["schema"] for media in content.values())
    }
    assert shapeless == {"delete_tenant", "audit_log_append", "truncate_log_data_source"}, "those answer 204"
    pipe = described["paths"]["/v0/pipes/{name}"]["get"]
    assert pipe["responses"]["200"]["content"].keys() == {"application/json", "text/csv", "application/x-ndjson"}
    assert {"recent_logs.json", "log_anomalies.csv"} < set(pipe["parameters"][0]["schema"]["enum"])
    limit = next(one for one in described["paths"]["/v1/anomalies"]["get"]["parameters"] if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20}


def test_a_wrong_method_is_told_all_that_the_path_answers(described, client):
    wrong = {}
    for path, operations in described["paths"].items():
        unknown = next(method for method in ("PUT", "DELETE", "PATCH") if method.lower() not in operations)
        answer = client.request(unknown, re.sub(r"\{[^}]*\}", "x", path))
        told = set(answer.headers.get("allow", "").split(", "))
        if path != "/v1/events" and (answer.status_code != 405 or not {method.upper() for method in operations} <= told):
            wrong[path] = (unknown, answer.status_code, told)
    assert wrong == {}


@pytest.mark.parametrize(
    ("path", "method", "status", "fault", "security"),
    [
        ("/v1/anomalies", "get", "200", "400", [{"bearer": []}, {"apiKey": []}]),
        ("/v0/events", "post", "202", "403", [{"bearer": []}, {"token": []}]),
        ("/collect", "post", "202", "401", [{"apiKey": []}]),
        ("/auth/signup", "post", "201", "422", []),
        ("/auth/login", "post", "202", "422", []),
        ("/audit/log", "post", "204", "422", [{"accessKey": []}]),
    ],
)
def test_each_surface_has_its_own_statuses_and_credentials(described, path, method, status, fault, security):
    operation = described["paths"][path][method]
    assert {status, fault} <= operation["responses"].keys() and ("422" in operation["responses"]) == (fault == "422")
    assert operation["security"] == security
