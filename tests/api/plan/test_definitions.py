"""Event types, fields, meta fields and owners (contract 2.5)."""

from __future__ import annotations

import pytest
from sqlmodel import select

from app.kernel.database import session_scope
from models.identity import AuditEntry
from models.plan import Event
from models.plan_entities import EventFieldValue, EventMetaValue, FieldDefinition, Relation
from tests.api.plan.workbench import make_world
from tests.factories import make_user

NOBODY = "00000000-0000-0000-0000-000000000000"


def names(answer):
    assert answer.status_code in (200, 201), answer.text
    return [entry["name"] for entry in answer.json()]


def location(answer):
    assert answer.status_code == 422, answer.text
    return answer.json()["detail"][0]["loc"][-1]


def field(name="currency", field_type="string", **extra):
    return {"name": name, "display_name": name.title(), "field_type": field_type, **extra}


def test_an_event_type_comes_with_defaults_and_places_its_fields(call, world):
    body = {"name": "app", "display_name": "App", "field_definitions": [field("a"), field("b", order=7), field("c")]}
    answer = call("POST", f"{world.base}/event-types", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["color"], made["order"], made["description"]) == ("#6366f1", 0, "")
    assert [(entry["name"], entry["order"]) for entry in made["field_definitions"]] == [("a", 0), ("c", 2), ("b", 7)]
    first = made["field_definitions"][0]
    assert (first["is_required"], first["sensitivity"], first["contract_max_bad_rate"]) == (False, "none", 0)
    assert (first["enum_options"], first["contract_regex"], first["contract_required_max_null_rate"]) == (None, None, None)
    assert call("GET", f"{world.base}/event-types/{made['id']}").json() == made


def test_a_name_is_taken_once_on_the_branch_and_once_in_the_type(call, world):
    path = f"{world.base}/event-types"
    assert call("POST", path, json={"name": "shop", "display_name": "Shop"}).status_code == 409
    twice = {"name": "app", "display_name": "App", "field_definitions": [field("a"), field("a")]}
    assert call("POST", path, json=twice).status_code == 409
    assert names(call("GET", path)) == ["shop"]
    assert call("POST", f"{path}/{world.event_type_id}/fields", json=field("step")).status_code == 409


def test_event_types_are_listed_by_order_then_age(call, world):
    path = f"{world.base}/event-types"
    for name, order in (("last", 9), ("second", 0), ("first", -1)):
        call("POST", path, json={"name": name, "display_name": name, "order": order})
    assert names(call("GET", path)) == ["first", "shop", "second", "last"]


@pytest.mark.parametrize(
    "extra",
    [{"name": ""}, {"name": " "}, {"name": "x" * 101}, {"display_name": ""}, {"color": "red"}, {"color": "#12345g"},
     {"order": 2**31}, {"description": "\x00"}, {"field_definitions": [field(field_type="uuid")]},
     {"field_definitions": [field(field_type="enum")]}],
)  # fmt: skip
def test_an_event_type_that_breaks_a_bound_is_refused(call, world, extra):
    body = {"name": "app", "display_name": "App", **extra}
    assert call("POST", f"{world.base}/event-types", json=body).status_code == 422


def test_the_name_of_an_event_type_stays(call, world):
    path = f"{world.base}/event-types/{world.event_type_id}"
    changed = call("PATCH", path, json={"name": "other", "color": "#000000", "description": None}).json()
    assert (changed["name"], changed["color"], changed["description"]) == ("shop", "#000000", "")


def test_a_deleted_event_type_takes_fields_events_and_relations_with_it(call, world, engine):
    assert call("DELETE", f"{world.base}/event-types/{world.event_type_id}").status_code == 204
    with session_scope(engine) as session:
        for table in (Event, FieldDefinition, EventFieldValue, Relation):
            assert session.exec(select(table)).all() == [], table
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "event_type.delete")).one()
        assert entry.payload["name"] == "shop"
    assert call("GET", f"{world.base}/events").json()["total"] == 0


@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ({"field_type": "enum"}, "enum_options"),
        ({"field_type": "enum", "enum_options": []}, "enum_options"),
        ({"contract_regex": "["}, "contract_regex"),
        ({"contract_min_value": 2, "contract_max_value": 1}, "contract_min_value"),
        ({"contract_max_bad_rate": 1.1}, "contract_max_bad_rate"),
        ({"contract_max_bad_rate": -0.1}, "contract_max_bad_rate"),
        ({"contract_required_max_null_rate": 2}, "contract_required_max_null_rate"),
        ({"sensitivity": "high"}, "sensitivity"),
        ({"name": "x" * 101}, "name"),
        ({"enum_options": ["\x00"]}, 0),
    ],
)
def test_a_field_that_breaks_a_rule_is_refused_at_the_place(call, world, extra, where):
    answer = call("POST", f"{world.base}/event-types/{world.event_type_id}/fields", json={**field(), **extra})
    assert location(answer) == where
    assert isinstance(answer.json()["detail"], list)


def test_a_number_that_is_none_is_refused(call, world):
    body = '{"name": "a", "display_name": "A", "field_type": "number", "contract_min_value": NaN}'
    path = f"{world.base}/event-types/{world.event_type_id}/fields"
    assert call("POST", path, content=body, headers={"Content-Type": "application/json"}).status_code == 422


def test_a_change_of_a_field_is_checked_against_what_it_already_is(call, world):
    path = f"{world.base}/event-types/{world.event_type_id}/fields/{world.other_field_id}"
    assert call("PATCH", path, json={"contract_min_value": 5, "name": "ignored"}).json()["name"] == "sum"
    assert location(call("PATCH", path, json={"contract_max_value": 4})) == "contract_min_value"
    assert location(call("PATCH", path, json={"field_type": "enum"})) == "enum_options"
    assert call("PATCH", path, json={"field_type": "enum", "enum_options": ["a"]}).json()["enum_options"] == ["a"]
    assert location(call("PATCH", path, json={"enum_options": None})) == "enum_options"
    cleared = call("PATCH", path, json={"field_type": "string", "enum_options": None, "contract_min_value": None}).json()
    assert (cleared["enum_options"], cleared["contract_min_value"]) == (None, None)
    kept = call("PATCH", path, json={"is_required": None, "contract_max_bad_rate": None, "order": None}).json()
    assert (kept["is_required"], kept["contract_max_bad_rate"], kept["order"]) == (False, 0, 1)


def test_fields_are_appended_once_however_often_they_are_sent(call, world):
    path = f"{world.base}/event-types/{world.event_type_id}/fields"
    body = {"fields": [field("b", order=-5), field("step"), field("b"), field("a")]}
    for _ in range(2):
        answer = call("POST", f"{path}/bulk", json=body)
        assert answer.status_code == 201
        assert [(entry["name"], entry["order"]) for entry in answer.json()] == [("step", 0), ("sum", 1), ("b", 2), ("a", 3)]
    assert call("POST", f"{path}/bulk", json={"fields": []}).status_code == 422
    assert call("POST", f"{path}/bulk", json={"fields": [field("z"), field("y", "enum")]}).status_code == 422
    assert len(names(call("GET", path))) == 4


def test_fields_are_put_in_order_and_unknown_ids_ignored(call, world):
    path = f"{world.base}/event-types/{world.event_type_id}/fields"
    third = call("POST", path, json=field("third", order=2)).json()["id"]
    answer = call("PATCH", f"{path}/reorder", json={"field_ids": [third, NOBODY, world.other_field_id]})
    assert names(answer) == ["third", "sum", "step"]
    assert names(call("GET", path)) == ["third", "sum", "step"]
    assert names(call("PATCH", f"{path}/reorder", json={"field_ids": []})) == ["third", "sum", "step"]


def test_a_deleted_field_takes_its_values_with_it(call, world):
    assert call("DELETE", f"{world.base}/event-types/{world.event_type_id}/fields/{world.field_id}").status_code == 204
    assert call("GET", f"{world.base}/events/{world.event_id}").json()["field_values"] == []
    assert call("GET", f"{world.base}/relations").json() == []
    assert call("GET", f"{world.base}/variables").json()[0]["context_count"] == 0


def test_a_field_is_found_only_under_its_own_event_type(call, world):
    other = call("POST", f"{world.base}/event-types", json={"name": "app", "display_name": "App"}).json()["id"]
    assert call("PATCH", f"{world.base}/event-types/{other}/fields/{world.field_id}", json={}).status_code == 404
    assert call("DELETE", f"{world.base}/event-types/{other}/fields/{world.field_id}").status_code == 404


def meta(name="team", field_type="string", **extra):
    return {"name": name, "display_name": name.title(), "field_type": field_type, **extra}


def test_a_meta_field_is_made_changed_and_deleted_with_its_values(call, world, engine):
    path = f"{world.base}/meta-fields"
    answer = call("POST", path, json=meta(link_template=" https://tickets.example.com/${value} ", default_value="x", order=-1))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["link_template"] == "https://tickets.example.com/${value}"
    assert names(call("GET", path)) == ["team", "ticket"]
    cleared = call("PATCH", f"{path}/{made['id']}", json={"link_template": "  ", "default_value": None, "name": "z"}).json()
    assert (cleared["link_template"], cleared["default_value"], cleared["name"]) == (None, None, "team")
    assert call("DELETE", f"{path}/{world.meta_field_id}").status_code == 204
    with session_scope(engine) as session:
        assert session.exec(select(EventMetaValue)).all() == []


@pytest.mark.parametrize(
    ("extra", "where"),
    [
        ({"link_template": "https://example.com"}, "link_template"),
        ({"link_template": "javascript:${value}"}, "link_template"),
        ({"link_template": "x" * 2001}, "link_template"),
        ({"field_type": "enum"}, "enum_options"),
        ({"field_type": "number"}, "field_type"),
        ({"name": ""}, "name"),
    ],
)
def test_a_meta_field_that_breaks_a_rule_is_refused_at_the_place(call, world, extra, where):
    assert location(call("POST", f"{world.base}/meta-fields", json={**meta(), **extra})) == where


def test_a_meta_field_is_checked_on_change_too(call, world):
    path = f"{world.base}/meta-fields/{world.meta_field_id}"
    assert location(call("PATCH", path, json={"link_template": "x"})) == "link_template"
    assert location(call("PATCH", path, json={"field_type": "enum"})) == "enum_options"
    assert call("POST", f"{world.base}/meta-fields", json=meta("ticket")).status_code == 409


def test_owners_are_members_once_each_and_named_by_their_ownership(call, world, engine):
    path = f"{world.base}/event-types/{world.event_type_id}/owners"
    with session_scope(engine) as session:
        user = make_user(session, name="Nina")
        user_id = user.id
    answer = call("POST", path, json={"user_id": user_id})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["user_id"], made["user_name"], made["user_email"]) == (user_id, "Nina", user.email)
    assert made["granted_by"] not in (None, user_id)
    assert [entry["user_id"] for entry in call("GET", path).json()] == [world.user_id, user_id]
    assert call("POST", path, json={"user_id": user_id}).status_code == 409
    assert call("POST", path, json={"user_id": NOBODY}).status_code == 404
    assert call("DELETE", f"{path}/{user_id}").status_code == 404, "not the id of the ownership"
    assert call("DELETE", f"{path}/{made['id']}").status_code == 204
    assert [entry["user_id"] for entry in call("GET", path).json()] == [world.user_id]


def test_event_types_of_working_branches_have_no_owners(call, engine):
    with session_scope(engine) as session:
        world = make_world(session, branch="work")
    path = f"{world.base}/event-types/{world.event_type_id}/owners"
    for answer in (
        call("GET", path),
        call("POST", path, json={"user_id": world.user_id}),
        call("DELETE", f"{path}/{world.owner_id}"),
    ):
        assert answer.status_code == 400 and "working branch" in answer.json()["detail"]
