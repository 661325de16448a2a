from __future__ import annotations

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.branches import BranchApproval
from models.plan import EventType, PlanBranch
from models.plan_entities import EventTypeOwner


def merge(call, world):
    return call("POST", f"{world.branch}/merge")


def put(engine, world, status):
    with session_scope(engine) as session:
        session.get_one(PlanBranch, world.branch_id).status = status


@pytest.fixture
def sides(call, world):
    """Changes an event type, or an event by its name, on main or on the branch."""

    class Sides:
        def event_type(self, side: str, **changes: object):
            params = {"branch": world.branch_id} if side == "branch" else {}
            found = call("GET", f"{world.base}/event-types", params=params).json()[0]["id"]
            answer = call("PATCH", f"{world.base}/event-types/{found}", params=params, json=changes)
            assert answer.status_code == 200, answer.text

        def event(self, side: str, name: str, **changes: object):
            params = {"branch": world.branch_id} if side == "branch" else {}
            found = call("GET", f"{world.base}/events", params={**params, "search": name}).json()["items"][0]["id"]
            answer = call("PATCH", f"{world.base}/events/{found}", params=params, json=changes)
            assert answer.status_code == 200, answer.text

        def main_type(self):
            return call("GET", f"{world.base}/event-types").json()[0]

    return Sides()


@pytest.mark.parametrize("status", ["draft", "ready_for_review", "changes_requested", "closed"])
def test_a_branch_needs_an_approval(call, world, engine, status):
    put(engine, world, status)
    answer = merge(call, world)
    assert answer.status_code == 409
    assert "approval" in answer.json()["detail"]


def test_an_unchanged_branch_merges_and_leaves_a_revision(call, world, editor):
    before = call("GET", f"{world.base}/events").json()
    answer = merge(call, world)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["merged_by"]) == ("merged", editor.user.id)
    assert body["merged_at"] is not None
    assert [entry["user_id"] for entry in body["approvals"]] == [world.user_id]
    assert call("GET", f"{world.base}/events").json() == before
    newest = call("GET", f"{world.base}/revisions").json()["items"][0]
    assert "work" in newest["summary"]
    again = merge(call, world)
    assert again.status_code == 400
    assert call("GET", f"{world.branch}/diff").json()["entries"] == []


def test_what_changed_on_main_alone_survives(call, world, sides):
    sides.event_type("main", color="#0000ff")
    assert call("GET", f"{world.branch}/conflicts").json() == {"entities": [], "unresolved_count": 0}
    assert merge(call, world).status_code == 200
    assert sides.main_type()["color"] == "#0000ff"


@pytest.mark.parametrize(("choice", "color"), [("ours", "#0000ff"), ("theirs", "#00ff00")])
def test_a_colour_changed_on_both_sides_waits_for_a_choice(call, world, sides, choice, color):
    call("DELETE", f"{world.branch}/resolutions/{world.resolution_id}")
    sides.event_type("main", color="#0000ff", description="Both")
    sides.event_type("branch", color="#00ff00", description="Both")
    found = call("GET", f"{world.branch}/conflicts").json()
    conflict = {"field": "color", "base": "#6366f1", "ours": "#0000ff", "theirs": "#00ff00", "choice": None}
    assert found == {"entities": [{"entity_type": "event_type", "name": "shop", "fields": [conflict]}], "unresolved_count": 1}
    answer = merge(call, world)
    assert answer.status_code == 409
    unresolved = [{"entity_type": "event_type", "name": "shop", "field": "color"}]
    assert answer.json() == {"detail": {"unresolved_field_conflicts": unresolved}}
    body = {"entity_type": "event_type", "entity_name": "shop", "field_name": "color", "choice": choice}
    assert call("POST", f"{world.branch}/resolutions", json=body).status_code == 201
    found = call("GET", f"{world.branch}/conflicts").json()
    assert found["unresolved_count"] == 0
    assert found["entities"][0]["fields"][0]["choice"] == choice
    with_owner_approval = merge(call, world)
    assert with_owner_approval.status_code == 200, with_owner_approval.text
    assert sides.main_type()["color"] == color


def test_an_order_changed_on_both_sides_is_a_conflict_too(call, world, sides):
    sides.event_type("main", order=3)
    sides.event_type("branch", order=4)
    fields = call("GET", f"{world.branch}/conflicts").json()["entities"][0]["fields"]
    assert fields == [{"field": "order", "base": 0, "ours": 3, "theirs": 4, "choice": None}]


def test_an_event_changed_on_both_sides_blocks_and_is_named_first(call, world, sides):
    call("DELETE", f"{world.branch}/resolutions/{world.resolution_id}")
    sides.event("main", "order_paid", description="one")
    sides.event("branch", "order_paid", description="two")
    sides.event_type("main", color="#0000ff")
    sides.event_type("branch", color="#00ff00")
    answer = merge(call, world)
    assert answer.status_code == 409
    assert answer.json() == {"detail": {"conflicts": [{"entity_type": "event", "name": "shop.order_paid"}]}}
    assert call("GET", f"{world.branch}").json()["status"] == "approved"


def test_the_same_change_on_both_sides_is_no_conflict(call, world, sides):
    for side in ("main", "branch"):
        sides.event(side, "order_paid", description="same", tags=["a"])
    assert merge(call, world).status_code == 200


def test_an_owner_of_a_changed_event_type_must_have_approved(call, world, engine, sides, member):
    sides.event_type("branch", color="#00ff00")
    owner = member(UserRole.OWNER).user.id
    with session_scope(engine) as session:
        approval = session.exec(select(BranchApproval).where(BranchApproval.branch_id == world.branch_id)).one()
        approval.user_id = world.newcomer_id
        main_type = session.exec(
            select(EventType).where(EventType.project_id == world.project_id, EventType.branch_id != world.branch_id)
        ).one()
        session.add(EventTypeOwner(event_type_id=main_type.id, user_id=owner))
    answer = merge(call, world)
    assert answer.status_code == 409
    missing = [{"event_type": "shop", "owner_user_ids": [world.user_id, owner]}]
    assert answer.json() == {"detail": {"missing_owner_approvals": missing}}
    with session_scope(engine) as session:
        session.add(BranchApproval(branch_id=world.branch_id, user_id=owner))
    assert merge(call, world).status_code == 200  # one of them is enough


def test_owners_are_not_asked_about_events(call, world, engine, sides):
    with session_scope(engine) as session:
        for row in session.exec(select(BranchApproval).where(BranchApproval.branch_id == world.branch_id)):
            session.delete(row)
    sides.event("branch", "order_paid", description="new")
    assert merge(call, world).status_code == 200


def test_owners_are_asked_before_their_event_type_goes(call, world, engine):
    with session_scope(engine) as session:
        for row in session.exec(select(BranchApproval).where(BranchApproval.branch_id == world.branch_id)):
            session.delete(row)
    params = {"branch": world.branch_id}
    found = call("GET", f"{world.base}/event-types", params=params).json()[0]["id"]
    assert call("DELETE", f"{world.base}/event-types/{found}", params=params).status_code == 204
    assert merge(call, world).json()["detail"]["missing_owner_approvals"][0]["event_type"] == "shop"


def test_a_merged_branch_can_be_read_and_not_written(call, world):
    assert merge(call, world).status_code == 200
    params = {"branch": world.branch_id}
    assert call("GET", f"{world.base}/events", params=params).json()["total"] == 2
    assert call("POST", f"{world.base}/variables", params=params, json={"name": "x"}).status_code == 409
    assert call("POST", f"{world.branch}/transition", json={"action": "reopen"}).status_code == 400
    assert call("POST", f"{world.branch}/comments", json={"body": "Well done"}).status_code == 201
