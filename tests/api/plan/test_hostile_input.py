"""Input that a database or an encoder could choke on is refused or finds nothing; it never breaks the server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

JSON = {"Content-Type": "application/json"}
TEXTS = ["\x00", "a\x00b", "\ud800", "\U0001f600" * 200, "'; DROP TABLE events; --", "%_\\", "\u202e", "x" * 100_001]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_no_text_breaks_a_body_or_a_query(call, world, text):
    bodies = [
        ("POST", "/events", {"event_type_id": world.event_type_id, "name": text, "description": text}),
        (
            "POST",
            "/events",
            {"event_type_id": world.event_type_id, "name": "a", "tags": [text], "metric_breakdown_columns": [text]},
        ),
        ("PATCH", f"/events/{world.event_id}", {"field_values": [{"field_definition_id": world.field_id, "value": text}]}),
        ("PATCH", f"/events/{world.event_id}", {"meta_values": [{"meta_field_definition_id": world.meta_field_id, "value": text}]}),
        ("POST", "/event-types", {"name": text, "display_name": text, "color": text}),
        ("PATCH", f"/event-types/{world.event_type_id}", {"description": text}),
        ("PATCH", f"/event-types/{world.event_type_id}/fields/{world.field_id}", {"enum_options": [text], "contract_regex": text}),
        ("PATCH", f"/meta-fields/{world.meta_field_id}", {"default_value": text, "link_template": text + "${value}"}),
        ("PATCH", f"/variables/{world.variable_id}", {"name": text, "description": text}),
        ("POST", "/annotations", {"bucket": "2026-11-01T00:00:00Z", "label": text, "scope_type": "event", "scope_ref": text}),
    ]
    for method, path, body in bodies:
        answer = call(method, world.base + path, content=json.dumps(body).encode(), headers=JSON)
        assert answer.status_code in (200, 201, 422), (path, answer.status_code, answer.text[:300])
    if text == "\ud800" or len(text) > 10_000:
        return  # no client can put these in an address
    for path in ("/events", "/annotations", "/variables"):
        names = ("search", "status", "tag", "field_value", "meta_value", "scope_type", "scope_ref", "branch")
        for name in names:
            query = {"scope_type": "event", "scope_ref": "a", name: text}
            answer = call("GET", world.base + path, params=query)
            assert answer.status_code in (200, 400), (path, name, answer.status_code, answer.text[:300])


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**64, 10**40, 1e308, "NaN", "Infinity", "1e999"], ids=str)
def test_no_number_breaks_a_body(call, world, number):
    for method, path, name in (
        ("PATCH", f"/event-types/{world.event_type_id}", "order"),
        ("PATCH", f"/event-types/{world.event_type_id}/fields/{world.field_id}", "contract_max_value"),
        ("PATCH", f"/meta-fields/{world.meta_field_id}", "order"),
    ):
        answer = call(method, world.base + path, content=f'{{"{name}": {number}}}'.encode(), headers=JSON)
        assert answer.status_code in (200, 422), (path, answer.status_code, answer.text[:300])


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "[[[[", '{"event_ids": {}}', '{"fields": [null]}'])
def test_no_malformed_body_breaks_a_route(call, world, body):
    for method, path in (
        ("POST", "/events"),
        ("POST", "/events/bulk"),
        ("POST", "/events/bulk-delete"),
        ("PATCH", f"/events/{world.event_id}/move"),
        ("POST", f"/event-types/{world.event_type_id}/fields/bulk"),
        ("POST", "/relations"),
    ):
        answer = call(method, world.base + path, content=body, headers=JSON)
        if (path, body) != ("/events/bulk", "[]"):
            assert answer.status_code == 422 and isinstance(answer.json()["detail"], list), (path, answer.text[:300])


def test_writers_at_the_same_moment_take_turns(call, world):
    def add(number: int) -> int:
        name = "same" if number < 4 else f"event_{number}"
        return call("POST", f"{world.base}/events", json={"event_type_id": world.event_type_id, "name": name}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(add, range(12)))
    assert sorted(statuses) == [201] * 9 + [409] * 3
    orders = [event["order"] for event in call("GET", f"{world.base}/events").json()["items"]]
    assert orders == list(range(11))
