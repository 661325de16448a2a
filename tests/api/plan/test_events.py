"""Events made, changed and deleted (contract 2.1 to 2.3)."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.identity import AuditEntry
from models.plan import Event
from models.plan_entities import EventFieldValue, FieldDefinition, MetaField


def fault(answer) -> tuple[list, str]:
    assert answer.status_code == 422, answer.text
    entry = answer.json()["detail"][0]
    return entry["loc"], entry["msg"]


@pytest.fixture
def required(engine, world):
    """Makes the field `sum` and the meta field `ticket` required."""
    with session_scope(engine) as session:
        session.get_one(FieldDefinition, world.other_field_id).is_required = True
        session.get_one(MetaField, world.meta_field_id).is_required = True


def draft(world, name="new_event", **extra):
    return {"event_type_id": world.event_type_id, "name": name, **extra}


def test_a_new_event_is_a_draft_at_the_end_with_tidy_tags_and_its_values(call, world, engine):
    body = draft(
        world,
        tags=[" Checkout", "checkout", "B", ""],
        metric_breakdown_columns=[" country ", "", "country"],
        field_values=[{"field_definition_id": world.field_id, "value": "${step_name}"}],
        meta_values=[{"meta_field_definition_id": world.meta_field_id, "value": "SHOP-2"}],
        owner_id=world.user_id,
        sunset_at="2027-01-01T00:00:00+02:00",
    )
    answer = call("POST", f"{world.base}/events", json=body)
    assert answer.status_code == 201, answer.text
    event = answer.json()
    assert (event["status"], event["reviewed"], event["order"], event["drift_count"]) == ("draft", False, 2, 0)
    assert [tag["name"] for tag in event["tags"]] == ["b", "checkout"]
    assert event["metric_breakdown_columns"] == ["country"]
    assert [(value["field_definition_id"], value["value"]) for value in event["field_values"]] == [(world.field_id, "${step_name}")]
    assert [(value["meta_field_definition_id"], value["value"]) for value in event["meta_values"]] == [
        (world.meta_field_id, "SHOP-2")
    ]
    assert event["event_type"]["name"] == "shop"
    assert event["sunset_at"] == "2026-12-31T22:00:00Z"
    assert event["owner_id"] == world.user_id
    assert call("GET", f"{world.base}/events/{event['id']}").json() == event
    with session_scope(engine) as session:
        row = session.get_one(Event, event["id"])
        assert row.source_name is None
        assert session.exec(select(EventFieldValue).where(EventFieldValue.event_id == row.id)).one().is_authored
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "event.create")).one()
        assert (entry.target_id, entry.project_slug, entry.payload["branch_id"]) == (row.id, world.slug, world.branch_id)


def test_a_missing_value_of_a_required_field_is_named(call, world, required):
    path = f"{world.base}/events"
    assert fault(call("POST", path, json=draft(world))) == (["body", "field_values"], "A value is required for the field sum")
    value = {"field_definition_id": world.other_field_id, "value": "1"}
    assert fault(call("POST", path, json=draft(world, field_values=[value]))) == (
        ["body", "meta_values"],
        "A value is required for the meta field ticket",
    )
    blank = {**value, "value": " "}
    assert "sum" in fault(call("POST", path, json=draft(world, field_values=[blank])))[1]


def test_a_required_meta_field_with_a_default_is_filled_in(call, world, required, engine):
    with session_scope(engine) as session:
        session.get_one(MetaField, world.meta_field_id).default_value = "none"
    values = [{"field_definition_id": world.other_field_id, "value": "1"}]
    event = call("POST", f"{world.base}/events", json=draft(world, field_values=values)).json()
    assert [value["value"] for value in event["meta_values"]] == ["none"]


def test_a_definition_of_something_else_is_unknown(call, world, engine):
    path = f"{world.base}/events"
    foreign = [{"field_definition_id": world.meta_field_id, "value": "x"}]
    location, message = fault(call("POST", path, json=draft(world, field_values=foreign)))
    assert location == ["body", "field_values"] and world.meta_field_id in message
    foreign = [{"meta_field_definition_id": world.field_id, "value": "x"}]
    assert fault(call("POST", path, json=draft(world, meta_values=foreign)))[0] == ["body", "meta_values"]
    twice = [{"field_definition_id": world.field_id, "value": "x"}] * 2
    assert "twice" in fault(call("POST", path, json=draft(world, field_values=twice)))[1]


@pytest.mark.parametrize(
    "extra",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 501},
        {"name": "a\u0000b"},
        {"description": "a\u0000b"},
        {"status": "gone"},
        {"tags": ["x" * 101]},
        {"metric_breakdown_columns": ["a.b"]},
        {"sunset_at": "soon"},
        {"sunset_at": "0001-01-01T00:00:00+14:00"},
        {"owner_id": "me"},
        {"owner_id": "00000000-0000-0000-0000-000000000000"},
        {"event_type_id": "shop"},
    ],
)
def test_an_event_that_breaks_a_bound_is_refused(call, world, extra):
    assert call("POST", f"{world.base}/events", json={**draft(world), **extra}).status_code == 422


def test_an_unknown_event_type_is_not_found(call, world):
    body = draft(world, event_type_id=world.event_id)
    assert call("POST", f"{world.base}/events", json=body).status_code == 404


def test_a_name_is_taken_once_in_an_event_type(call, world):
    answer = call("POST", f"{world.base}/events", json=draft(world, "order_paid"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "An event named order_paid exists in this event type")
    assert call("PATCH", f"{world.base}/events/{world.other_event_id}", json={"name": "order_paid"}).status_code == 409
    other = call("POST", f"{world.base}/event-types", json={"name": "app", "display_name": "App"}).json()
    assert call("POST", f"{world.base}/events", json=draft(world, "order_paid", event_type_id=other["id"])).status_code == 201


def test_what_scans_call_a_renamed_event_is_taken_too(call, world):
    assert call("PATCH", f"{world.base}/events/{world.event_id}", json={"name": "Order paid"}).status_code == 200
    answer = call("POST", f"{world.base}/events", json=draft(world, "order_paid"))
    assert answer.status_code == 409 and "Scans know" in answer.json()["detail"]


def test_a_change_leaves_alone_what_it_does_not_name(call, world):
    path = f"{world.base}/events/{world.event_id}"
    before = call("GET", path).json()
    after = call("PATCH", path, json={"status": "live", "unknown": 1}).json()
    assert {key for key in before if before[key] != after[key]} == {"status", "updated_at"}


def test_lists_are_replaced_as_a_whole_and_null_leaves_them(call, world):
    path = f"{world.base}/events/{world.event_id}"
    untouched = call("PATCH", path, json={"tags": None, "field_values": None, "meta_values": None, "name": None}).json()
    assert ([tag["name"] for tag in untouched["tags"]], len(untouched["field_values"]), len(untouched["meta_values"])) == (
        ["checkout"],
        1,
        1,
    )
    value = {"field_definition_id": world.other_field_id, "value": "9"}
    after = call("PATCH", path, json={"tags": [" New "], "field_values": [value], "meta_values": []}).json()
    assert [tag["name"] for tag in after["tags"]] == ["new"]
    assert [(entry["field_definition_id"], entry["value"]) for entry in after["field_values"]] == [(world.other_field_id, "9")]
    assert after["meta_values"] == []


def test_null_clears_what_may_be_empty(call, world):
    path = f"{world.base}/events/{world.event_id}"
    set_up = call("PATCH", path, json={"sunset_at": "2027-01-01T00:00:00Z", "owner_id": world.user_id}).json()
    assert (set_up["sunset_at"], set_up["owner_id"]) == ("2027-01-01T00:00:00Z", world.user_id)
    cleared = call("PATCH", path, json={"sunset_at": None, "owner_id": None, "status": None, "reviewed": None}).json()
    assert (cleared["sunset_at"], cleared["owner_id"], cleared["status"]) == (None, None, "in_review")


def test_a_required_field_does_not_stand_in_the_way_of_a_change_of_something_else(call, world, required):
    path = f"{world.base}/events/{world.event_id}"
    assert call("PATCH", path, json={"status": "live"}).status_code == 200
    assert "sum" in fault(call("PATCH", path, json={"field_values": []}))[1]


@pytest.mark.parametrize("status", ["archived", "draft", "live", "deprecated", "in_review", "ready_for_dev", "implemented"])
def test_a_status_is_free_to_set_in_any_direction(call, world, status):
    path = f"{world.base}/events/{world.event_id}"
    call("PATCH", path, json={"status": "archived"})
    assert call("PATCH", path, json={"status": status}).json()["status"] == status


def test_the_event_type_of_an_event_does_not_change(call, world):
    other = call("POST", f"{world.base}/event-types", json={"name": "app", "display_name": "App"}).json()
    after = call("PATCH", f"{world.base}/events/{world.event_id}", json={"event_type_id": other["id"]}).json()
    assert after["event_type_id"] == world.event_type_id


def test_the_history_tells_who_changed_what_newest_first(call, world, member):
    path = f"{world.base}/events"
    event = call("POST", path, json=draft(world, tags=["a"])).json()
    call(
        "PATCH",
        f"{path}/{event['id']}",
        json={
            "name": "renamed",
            "description": "D",
            "status": "live",
            "sunset_at": "2027-01-01T00:00:00Z",
            "tags": ["b", "a"],
            "reviewed": True,
            "field_values": [{"field_definition_id": world.field_id, "value": "x"}],
            "meta_values": [{"meta_field_definition_id": world.meta_field_id, "value": "y"}],
        },
    )
    call("PATCH", f"{path}/{event['id']}", json={"field_values": [], "status": "live"})
    history = call("GET", f"{path}/{event['id']}/history").json()
    assert [(entry["field"], entry["old_value"], entry["new_value"]) for entry in history[:1]] == [("field:step", "x", None)]
    assert (history[-1]["field"], history[-1]["old_value"], history[-1]["new_value"]) == ("created", None, "new_event")
    assert {(entry["field"], entry["old_value"], entry["new_value"]) for entry in history[1:-1]} == {
        ("name", "new_event", "renamed"),
        ("description", "", "D"),
        ("status", "draft", "live"),
        ("sunset_at", None, "2027-01-01T00:00:00+00:00"),
        ("tags", "a", "a, b"),
        ("field:step", None, "x"),
        ("meta:ticket", None, "y"),
    }
    assert [entry["created_at"] for entry in history] == sorted((entry["created_at"] for entry in history), reverse=True)
    assert all(entry["user_email"].endswith("@example.com") and entry["event_id"] == event["id"] for entry in history)


def test_a_change_that_changes_nothing_leaves_no_trace(call, world, engine):
    path = f"{world.base}/events/{world.event_id}"
    before = call("GET", path).json()
    value = before["field_values"][0]
    same = {
        "name": before["name"],
        "tags": ["CHECKOUT"],
        "field_values": [{"field_definition_id": value["field_definition_id"], "value": value["value"]}],
    }
    assert call("PATCH", path, json=same).json() == before
    assert len(call("GET", f"{path}/history").json()) == 1
    with session_scope(engine) as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "event.update")).all() == []


def test_who_builds_on_an_old_state_is_told_who_changed_it(client, call, world, member):
    path = f"{world.base}/events/{world.event_id}"
    seen = call("GET", path).json()["updated_at"]
    somebody = member(UserRole.EDITOR)
    assert client.patch(path, json={"description": "theirs"}, headers=somebody.headers).status_code == 200
    answer = call("PATCH", path, json={"description": "mine"}, headers={"If-Match": f'"{seen}"'})
    assert answer.status_code == 409 and somebody.user.email in answer.json()["detail"]
    assert call("GET", path).json()["description"] == "theirs"
    current = call("GET", path).json()["updated_at"]
    for value in (f'"{current}"', current, f'W/"{current}"', "*"):
        answer = call("PATCH", path, json={}, headers={"If-Match": value})
        assert answer.status_code == 200, value
    assert call("PATCH", path, json={}, headers={"If-Match": "yesterday"}).status_code == 400
    assert call("PATCH", path, json={"description": "last writer"}).json()["description"] == "last writer"


def test_a_change_of_order_does_not_count_as_an_edit(call, world):
    path = f"{world.base}/events/{world.event_id}"
    seen = call("GET", path).json()["updated_at"]
    assert call("PATCH", f"{path}/move", json={"direction": "down"}).json()["order"] == 1
    assert call("PATCH", path, json={"status": "live"}, headers={"If-Match": f'"{seen}"'}).status_code == 200


def test_a_deleted_event_is_gone_with_its_values(call, world, engine):
    path = f"{world.base}/events/{world.event_id}"
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).status_code == 404
    assert call("GET", f"{path}/history").status_code == 404
    with session_scope(engine) as session:
        assert session.exec(select(EventFieldValue)).all() == []
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "event.delete")).one().target_id == world.event_id


def test_the_json_schema_of_an_event_follows_its_fields(call, world, engine):
    with session_scope(engine) as session:
        session.get_one(FieldDefinition, world.other_field_id).is_required = True
    schema = call("GET", f"{world.base}/events/{world.event_id}/json-schema").json()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["required"] == ["sum"]
    assert schema["properties"]["sum"]["type"] == "number"
    assert "const" not in schema["properties"]["step"], "the value is a template"
    assert call("GET", f"{world.base}/events/{world.field_id}/json-schema").status_code == 404


def test_the_values_a_variable_stood_for_are_told_with_the_field_value(call, world):
    (value,) = call("GET", f"{world.base}/events/{world.event_id}").json()["field_values"]
    (found,) = value["variable_values"]
    assert (found["variable_name"], found["value_kind"], found["values"]) == ("step_name", "low", ["cart", "payment"])
