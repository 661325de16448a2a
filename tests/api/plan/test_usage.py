"""Variables, relations and annotations (contract 2.5 to 2.7)."""

from __future__ import annotations

import pytest

from app.kernel.database import session_scope
from models.plan_entities import EventMetaValue, Variable, VariableContext
from tests.api.plan.workbench import make_world

NOBODY = "00000000-0000-0000-0000-000000000000"


def value_of(call, world):
    return call("GET", f"{world.base}/events/{world.event_id}").json()["field_values"][0]["value"]


def test_a_variable_reports_how_far_it_was_observed(call, world, engine):
    with session_scope(engine) as session:
        session.add(
            VariableContext(
                variable_id=world.variable_id, event_id=world.other_event_id, field_definition_id=world.field_id,
                source_column="payload.step", value_kind="high", observed_count=400, values=["cart", *map(str, range(30))],
            )
        )  # fmt: skip
    (found,) = call("GET", f"{world.base}/variables").json()
    assert (found["event_count"], found["context_count"]) == (2, 2)
    assert (found["low_context_count"], found["high_context_count"]) == (1, 1)
    assert found["source_name"] == "payload.step"
    assert len(found["sample_values"]) == 20 and found["sample_values"][:3] == ["cart", "payment", "0"]
    contexts = call("GET", f"{world.base}/variables/{world.variable_id}/values").json()
    assert [(entry["event_name"], entry["field_name"], entry["value_kind"], entry["observed_count"]) for entry in contexts] == [
        ("order_paid", "step", "low", 2),
        ("order_sent", "step", "high", 400),
    ]


def test_variables_are_a_bare_list_and_an_envelope_for_who_pages(call, world):
    path = f"{world.base}/variables"
    for name in ("zeta", "alpha"):
        assert call("POST", path, json={"name": name}).status_code == 201
    everything = call("GET", path).json()
    assert [entry["name"] for entry in everything] == ["alpha", "step_name", "zeta"]
    assert call("GET", path, params={"limit": 2, "offset": 1}).json() == {"items": everything[1:], "total": 3}
    assert call("GET", path, params={"limit": 1}).json() == {"items": everything[:1], "total": 3}
    assert call("GET", path, params={"offset": 0}).json() == {"items": everything, "total": 3}
    for query in ({"limit": 0}, {"limit": 5001}, {"offset": -1}, {"limit": "x"}):
        assert call("GET", path, params=query).status_code == 422


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "A"}, {"name": "1a"}, {"name": "a.b"}, {"name": "a" * 101},
                                  {"name": "a", "variable_type": "uuid"}, {}])  # fmt: skip
def test_a_variable_that_breaks_a_rule_is_refused(call, world, body):
    assert call("POST", f"{world.base}/variables", json=body).status_code == 422


def test_a_variable_name_is_taken_once_on_the_branch(call, world):
    path = f"{world.base}/variables"
    assert call("POST", path, json={"name": "step_name"}).status_code == 409
    other = call("POST", path, json={"name": "other", "variable_type": "json"}).json()
    assert (other["variable_type"], other["description"], other["source_name"]) == ("json", "", None)
    assert call("PATCH", f"{path}/{other['id']}", json={"name": "step_name"}).status_code == 409


def test_a_renamed_variable_is_renamed_in_every_value_of_its_branch_and_nowhere_else(call, world, engine):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
        meta = EventMetaValue(
            event_id=world.other_event_id,
            meta_field_id=world.meta_field_id,
            value="${step_name}/${step_name_2}/step_name/${STEP_NAME}/${stepXname}/$${step_name}",
        )
        session.add(meta)
        meta_id = meta.id
    before = call("GET", f"{world.base}/events/{world.event_id}").json()
    answer = call("PATCH", f"{world.base}/variables/{world.variable_id}", json={"name": "step"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "step"
    assert answer.json()["source_name"] == "payload.step", "what scans call it stays"
    assert value_of(call, world) == "${step}"
    assert value_of(call, elsewhere) == "${step_name}"
    with session_scope(engine) as session:
        renamed = session.get_one(EventMetaValue, meta_id).value
    assert renamed == "${step}/${step_name_2}/step_name/${STEP_NAME}/${stepXname}/$${step}"
    stale = {"If-Match": f'"{before["updated_at"]}"'}
    assert call("PATCH", f"{world.base}/events/{world.event_id}", json={"field_values": []}, headers=stale).status_code == 409


def test_a_name_with_a_dot_may_stay_and_is_not_given_anew(call, world, engine):
    path = f"{world.base}/variables/{world.variable_id}"
    answer = call("PATCH", path, json={"name": "a.b"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "name"])
    with session_scope(engine) as session:
        session.get_one(Variable, world.variable_id).name = "old.name"
    kept = call("PATCH", path, json={"name": "old.name", "description": "D"})
    assert (kept.status_code, kept.json()["name"], kept.json()["description"]) == (200, "old.name", "D")


def test_a_deleted_variable_leaves_its_token_in_values(call, world):
    assert call("DELETE", f"{world.base}/variables/{world.variable_id}").status_code == 204
    assert value_of(call, world) == "${step_name}"
    assert call("GET", f"{world.base}/variables/{world.variable_id}/values").status_code == 404


def relation(world, **extra):
    return {
        "source_event_type_id": world.event_type_id,
        "target_event_type_id": world.event_type_id,
        "source_field_id": world.other_field_id,
        "target_field_id": world.field_id,
        **extra,
    }


def test_a_relation_joins_two_fields_once(call, world):
    path = f"{world.base}/relations"
    made = call("POST", path, json=relation(world))
    assert (made.status_code, made.json()["relation_type"], made.json()["description"]) == (201, "belongs_to", "")
    assert [entry["id"] for entry in call("GET", path).json()] == [world.relation_id, made.json()["id"]]
    assert call("POST", path, json=relation(world)).status_code == 409
    assert call("DELETE", f"{path}/{made.json()['id']}").status_code == 204
    assert call("DELETE", f"{path}/{made.json()['id']}").status_code == 404


def test_a_relation_of_something_elsewhere_is_refused_at_the_place(call, world, engine):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
    for name, value in (
        ("source_event_type_id", elsewhere.event_type_id),
        ("target_event_type_id", elsewhere.event_type_id),
        ("source_field_id", elsewhere.field_id),
        ("target_field_id", NOBODY),
    ):
        answer = call("POST", f"{world.base}/relations", json=relation(world, **{name: value}))
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", name])
    assert call("POST", f"{world.base}/relations", json=relation(world, relation_type="x" * 51)).status_code == 422


@pytest.fixture
def annotated(call, world):
    """The world's own annotation and four more."""
    for label, hour, scope in (
        ("event a", 13, ("event", "a")),
        ("event b", 14, ("event", "b")),
        ("type a", 15, ("event_type", "a")),
        ("early", 10, (None, None)),
    ):
        body = {"label": label, "bucket": f"2026-11-01T{hour}:00:00Z", "scope_type": scope[0], "scope_ref": scope[1]}
        answer = call("POST", f"{world.base}/annotations", json=body)
        assert (answer.status_code, answer.json()["color"]) == (201, "#ef4444")

    def labels(**query):
        answer = call("GET", f"{world.base}/annotations", params=query)
        assert answer.status_code == 200, answer.text
        return [entry["label"] for entry in answer.json()]

    return labels


def test_annotations_of_a_scope_include_those_on_every_chart(annotated):
    assert annotated() == ["early", "Release 1", "event a", "event b", "type a"]
    assert annotated(scope_type="event", scope_ref="a") == ["early", "Release 1", "event a"]
    assert annotated(scope_type="event_type", scope_ref="a") == ["early", "Release 1", "type a"]
    assert annotated(scope_type="nonsense", scope_ref="a") == ["early", "Release 1"]
    assert len(annotated(scope_type="event")) == len(annotated(scope_ref="a")) == 5


def test_both_ends_of_the_time_range_are_included(annotated):
    assert annotated(time_from="2026-11-01T12:00:00Z", time_to="2026-11-01T14:00:00Z") == ["Release 1", "event a", "event b"]
    assert annotated(time_from="2026-11-01T14:00:01+00:00") == ["type a"]
    assert annotated(time_to="2026-11-01T11:00:00+01:00") == ["early"]


@pytest.mark.parametrize(
    "extra",
    [{"label": ""}, {"label": "x" * 201}, {"color": "x" * 21}, {"description": "x" * 2001}, {"bucket": "soon"},
     {"scope_type": "event"}, {"scope_ref": "a"}, {"scope_type": "metric", "scope_ref": "a"},
     {"scope_type": "event", "scope_ref": "x" * 121}],
)  # fmt: skip
def test_an_annotation_that_breaks_a_rule_is_refused(call, world, extra):
    body = {"bucket": "2026-11-01T12:00:00Z", "label": "L", **extra}
    assert call("POST", f"{world.base}/annotations", json=body).status_code == 422


def test_an_annotation_is_deleted_once_and_only_in_its_project(call, world, engine):
    with session_scope(engine) as session:
        elsewhere = make_world(session)
    assert call("DELETE", f"{elsewhere.base}/annotations/{world.annotation_id}").status_code == 404
    assert call("DELETE", f"{world.base}/annotations/{world.annotation_id}").status_code == 204
    assert call("DELETE", f"{world.base}/annotations/{world.annotation_id}").status_code == 404
