from __future__ import annotations

import json

import pytest

from app.kernel.database import session_scope
from models.plan_entities import FieldDefinition


def test_a_revision_holds_main_as_it_was(call, world, editor):
    made = call("POST", f"{world.base}/revisions", json={"summary": "Before the sale"}).json()
    assert (made["summary"], made["created_by"]) == ("Before the sale", editor.user.id)
    assert made["entity_counts"] == {"event_types": 1, "fields": 2, "events": 2, "variables": 1, "meta_fields": 1, "relations": 1}
    payload = made["payload"]
    assert set(payload) == {"event_types", "events", "variables", "meta_fields", "relations"}
    shop = payload["event_types"][0]
    assert [field["name"] for field in shop["field_definitions"]] == ["step", "sum"]
    assert [event["name"] for event in payload["events"]] == ["order_paid", "order_sent"]
    paid = payload["events"][0]
    assert (paid["id"], paid["event_type_id"], paid["event_type_name"]) == (world.event_id, shop["id"], "shop")
    assert (paid["tags"], paid["field_values"], paid["meta_values"]) == (
        ["checkout"], {"step": "${step_name}"}, {"ticket": "SHOP-1"},
    )  # fmt: skip
    relation = payload["relations"][0]
    names = ("source_event_type_name", "source_field_name", "target_event_type_name", "target_field_name")
    assert [relation[name] for name in names] == ["shop", "step", "shop", "sum"]
    call("DELETE", f"{world.base}/events/{world.event_id}")
    assert call("GET", f"{world.base}/revisions/{made['id']}").json() == made


def test_revisions_are_listed_newest_first_without_what_they_hold(call, world):
    for number in range(3):
        call("POST", f"{world.base}/revisions", json={"summary": f"r{number}"})
    listed = call("GET", f"{world.base}/revisions", params={"limit": 2, "offset": 1}).json()
    assert [entry["summary"] for entry in listed["items"]] == ["r1", "r0"]
    assert listed["total"] == 6  # two of the world and the base of its branch
    assert "payload" not in listed["items"][0]
    assert call("GET", f"{world.base}/revisions", params={"offset": 10**12}).json()["items"] == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "x"}])
def test_a_page_has_bounds(call, world, query):
    assert call("GET", f"{world.base}/revisions", params=query).status_code == 422


def test_a_summary_is_optional_and_bounded(call, world):
    path = f"{world.base}/revisions"
    assert call("POST", path, json={}).json()["summary"] == ""
    assert call("POST", path, json={"summary": "x" * 2000}).status_code == 201
    assert call("POST", path, json={"summary": "x" * 2001}).status_code == 422
    assert call("POST", path, json={"summary": "\x00"}).status_code == 422


def test_the_revision_is_compared_with_the_older_one_it_names(call, world, engine):
    old = call("POST", f"{world.base}/revisions", json={}).json()["id"]
    call("PATCH", f"{world.base}/events/{world.event_id}", json={"description": "Paid", "sunset_at": "2027-01-01T00:00:00Z"})
    call("POST", f"{world.base}/variables", json={"name": "currency"})
    with session_scope(engine) as session:
        field = session.get_one(FieldDefinition, call("GET", f"{world.base}/event-types").json()[0]["field_definitions"][0]["id"])
        field.contract_max_value = 5.0
    new = call("POST", f"{world.base}/revisions", json={}).json()["id"]
    found = call("GET", f"{world.base}/revisions/{new}/diff", params={"compare_to": old}).json()
    assert (found["revision_id"], found["compare_to"]) == (new, old)
    assert found["summary"] == {"added": 1, "removed": 0, "changed": 2}
    assert [(entry["name"], entry["parent"], entry["changes"]) for entry in found["entries"]] == [
        ("step", "shop", ["contract_max_value: None \u2192 5.0"]),
        (
            "order_paid",
            "shop",
            ["description: '' \u2192 'Paid'", "sunset_at: None \u2192 '2027-01-01T00:00:00+00:00'"],
        ),
        ("currency", None, []),
    ]
    back = call("GET", f"{world.base}/revisions/{old}/diff", params={"compare_to": new}).json()
    assert back["summary"] == {"added": 0, "removed": 1, "changed": 2}
    same = call("GET", f"{world.base}/revisions/{old}/diff", params={"compare_to": old}).json()
    assert json.dumps(same["entries"]) == "[]"
