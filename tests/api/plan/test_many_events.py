"""Lists, bulk operations and the order of events (contract 2.3, 2.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.kernel.database import session_scope
from models.identity import AuditEntry
from models.plan import Event

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def listed(call, world):
    """Names that a list with these parameters shows."""

    def names(**query) -> list[str]:
        answer = call("GET", f"{world.base}/events", params=query)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert "limit" in query or "offset" in query or body["total"] == len(body["items"])
        return [event["name"] for event in body["items"]]

    return names


def add(call, world, *names, **extra):
    body = [{"event_type_id": world.event_type_id, "name": name, **extra} for name in names]
    answer = call("POST", f"{world.base}/events/bulk", json=body)
    assert answer.status_code == 201, answer.text
    return [event["id"] for event in answer.json()]


def order(call, world):
    return [(event["name"], event["order"]) for event in call("GET", f"{world.base}/events").json()["items"]]


def test_a_list_is_paged_with_the_total_before_slicing(call, world):
    add(call, world, "a", "b", "c")
    body = call("GET", f"{world.base}/events", params={"limit": 2, "offset": 1}).json()
    assert ([event["name"] for event in body["items"]], body["total"]) == (["order_sent", "a"], 5)
    assert call("GET", f"{world.base}/events", params={"offset": 10**30}).json()["items"] == []
    assert "event_type" not in body["items"][0]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_001}, {"offset": -1}, {"silent_since_days": -1},
                                   {"silent_since_days": 3651}, {"event_type_id": "x"}])  # fmt: skip
def test_a_parameter_out_of_bounds_is_refused(call, world, query):
    assert call("GET", f"{world.base}/events", params=query).status_code == 422


def test_equal_orders_show_the_newest_first(call, world, engine):
    ids = add(call, world, "old", "new")
    with session_scope(engine) as session:
        for age, event_id in zip((2, 1), ids, strict=True):
            event = session.get_one(Event, event_id)
            event.order, event.created_at = -1, datetime(2026, 1, 3 - age, tzinfo=UTC)
    assert order(call, world)[:2] == [("new", -1), ("old", -1)]


def test_search_is_a_substring_of_name_description_or_source_name_and_knows_no_wildcards(call, world, listed):
    add(call, world, "Zahlung 100%", "a_b", "axb", "back\\slash")
    call("PATCH", f"{world.base}/events/{world.event_id}", json={"name": "Paid", "description": "Überweisung kam an"})
    assert listed(search="ORDER_PAID") == ["Paid"], "the source name"
    assert listed(search="überWEISUNG") == ["Paid"]
    assert listed(search="100%") == ["Zahlung 100%"]
    assert listed(search="%") == ["Zahlung 100%"]
    assert listed(search="a_b") == ["a_b"]
    assert listed(search="\\") == ["back\\slash"]
    assert len(listed(search="\x00")) == 6
    assert listed(search="nothing like it") == []


def test_filters_narrow_the_list_together(call, world, listed):
    other = call("POST", f"{world.base}/event-types", json={"name": "app", "display_name": "App"}).json()
    add(call, world, "elsewhere", event_type_id=other["id"], tags=["checkout"], status="live")
    assert listed(event_type_id=other["id"]) == ["elsewhere"]
    assert listed(tag="checkout") == ["order_paid", "elsewhere"]
    assert listed(tag="check") == []
    assert listed(tag="checkout", status="live") == ["elsewhere"]
    assert listed(status=["live", "in_review"]) == ["order_paid", "order_sent", "elsewhere"]
    assert listed(status="archived") == []
    assert listed(field_value="STEP_") == ["order_paid"]
    assert listed(field_value="%") == []
    assert listed(meta_value="shop-") == ["order_paid"]
    assert listed(meta_value="step") == []
    assert listed(unknown="x", search="", tag="") == ["order_paid", "order_sent", "elsewhere"]


def test_silent_events_were_never_seen_or_not_lately(call, world, listed, engine):
    with session_scope(engine) as session:
        session.get_one(Event, world.event_id).last_seen_at = datetime.now(UTC) - timedelta(days=5)
    assert listed(silent_since_days=4) == ["order_paid", "order_sent"]
    assert listed(silent_since_days=6) == ["order_sent"]
    assert listed(silent_since_days=0) == ["order_paid", "order_sent"]


def test_tags_in_use_are_listed_once_by_name(call, world):
    add(call, world, "a", "b", tags=["zeta", "alpha"])
    assert call("GET", f"{world.base}/events/tags").json() == ["alpha", "checkout", "zeta"]


def test_many_events_are_made_in_their_order_or_not_at_all(call, world, engine):
    path = f"{world.base}/events/bulk"
    assert call("POST", path, json=[]).json() == []
    good = {"event_type_id": world.event_type_id, "name": "good"}
    unknown = {**good, "name": "bad", "field_values": [{"field_definition_id": NOBODY, "value": "x"}]}
    assert call("POST", path, json=[good, unknown]).status_code == 422
    assert call("POST", path, json=[good, {**good, "event_type_id": NOBODY}]).status_code == 404
    assert call("POST", path, json=[good, {**good, "name": "order_paid"}]).status_code == 409
    assert call("POST", path, json=[good, good]).status_code == 409
    assert len(order(call, world)) == 2, "nothing was kept"
    add(call, world, "a", "b", "c")
    assert order(call, world)[2:] == [("a", 2), ("b", 3), ("c", 4)]
    with session_scope(engine) as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "event.bulk_create")).one().payload["count"] == 3


def test_nothing_is_deleted_when_an_event_is_missing(call, world):
    path = f"{world.base}/events/bulk-delete"
    assert call("POST", path, json={"event_ids": [world.event_id, NOBODY]}).status_code == 404
    assert call("POST", path, json={"event_ids": []}).status_code == 422
    assert len(order(call, world)) == 2
    assert call("POST", path, json={"event_ids": [world.event_id, world.event_id, world.other_event_id]}).status_code == 204
    assert order(call, world) == []


def test_many_events_are_changed_alike_or_not_at_all(call, world):
    path = f"{world.base}/events/bulk-update"
    both = [world.event_id, world.other_event_id]
    assert call("POST", path, json={"event_ids": [*both, NOBODY], "status": "live"}).status_code == 404
    assert call("POST", path, json={"event_ids": both}).status_code == 422
    assert call("POST", path, json={"event_ids": both, "status": None, "reviewed": None}).status_code == 422
    assert call("POST", path, json={"event_ids": both, "owner_id": NOBODY}).status_code == 422
    assert {event["status"] for event in call("GET", f"{world.base}/events").json()["items"]} == {"in_review"}
    body = {"event_ids": both, "status": "live", "owner_id": world.user_id, "reviewed": True, "sunset_at": "2027-01-01T00:00:00Z"}
    assert call("POST", path, json=body).status_code == 204
    archive = {"event_ids": both, "status": "archived", "owner_id": None, "sunset_at": None}
    assert call("POST", path, json=archive).status_code == 204
    for event in call("GET", f"{world.base}/events").json()["items"]:
        assert (event["status"], event["owner_id"], event["reviewed"]) == ("archived", world.user_id, True)
        assert event["sunset_at"] == "2027-01-01T00:00:00Z"
    history = call("GET", f"{world.base}/events/{world.other_event_id}/history").json()
    assert sorted((entry["field"], entry["old_value"], entry["new_value"]) for entry in history) == [
        ("status", "in_review", "live"),
        ("status", "live", "archived"),
        ("sunset_at", None, "2027-01-01T00:00:00+00:00"),
    ]


def test_a_complete_order_is_taken_and_what_it_leaves_out_follows(call, world):
    a, b, c = add(call, world, "a", "b", "c")
    path = f"{world.base}/events/reorder"
    answer = call("PATCH", path, json={"event_ids": [c, world.event_id, b, a, world.other_event_id]})
    assert [(event["name"], event["order"]) for event in answer.json()] == [
        ("c", 0), ("order_paid", 1), ("b", 2), ("a", 3), ("order_sent", 4),
    ]  # fmt: skip
    assert [event["name"] for event in call("PATCH", path, json={"event_ids": [b, a, b]}).json()] == ["b", "a"]
    assert order(call, world) == [("b", 0), ("a", 1), ("c", 2), ("order_paid", 3), ("order_sent", 4)]
    assert call("PATCH", path, json={"event_ids": [a, NOBODY]}).status_code == 404
    assert call("PATCH", path, json={"event_ids": []}).status_code == 422
    assert order(call, world)[0] == ("b", 0)


def test_an_event_changes_places_with_its_visible_neighbour(call, world):
    a, b, c = add(call, world, "a", "b", "c")

    def move(event_id, direction, visible=None):
        body = {"direction": direction, "visible_event_ids": visible}
        answer = call("PATCH", f"{world.base}/events/{event_id}/move", json=body)
        assert answer.status_code == 200, answer.text
        return [name for name, _ in order(call, world)]

    assert move(a, "down") == ["order_paid", "order_sent", "b", "a", "c"]
    assert move(c, "up", [b, c, NOBODY]) == ["order_paid", "order_sent", "c", "a", "b"]
    assert move(c, "up", [b, c, a]) == ["order_paid", "order_sent", "c", "a", "b"], "past the end"
    assert move(world.event_id, "up") == ["order_paid", "order_sent", "c", "a", "b"]
    assert move(b, "down") == ["order_paid", "order_sent", "c", "a", "b"]
    assert move(a, "up", [b, c]) == ["order_paid", "order_sent", "c", "a", "b"], "not among the visible"
    assert call("PATCH", f"{world.base}/events/{a}/move", json={"direction": "left"}).status_code == 422
    assert call("PATCH", f"{world.base}/events/{NOBODY}/move", json={"direction": "up"}).status_code == 404


def test_events_of_equal_order_still_change_places(call, world, engine):
    with session_scope(engine) as session:
        session.get_one(Event, world.other_event_id).order = 0
    first, second = (name for name, _ in order(call, world))
    ids = {event["name"]: event["id"] for event in call("GET", f"{world.base}/events").json()["items"]}
    call("PATCH", f"{world.base}/events/{ids[second]}/move", json={"direction": "up"})
    assert order(call, world) == [(second, 0), (first, 1)]
