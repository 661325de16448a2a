from __future__ import annotations

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from models.identity import AuditEntry
from models.plan import Event
from models.plan_entities import Variable
from tests.factories import make_project


def make(call, world, name="try", **more):
    return call("POST", f"{world.base}/branches", json={"name": name, **more})


def test_branches_are_listed_main_first_then_the_newest(call, world):
    for name in ("one", "two"):
        assert make(call, world, name).status_code == 201
    listed = call("GET", f"{world.base}/branches").json()
    assert [(entry["name"], entry["kind"]) for entry in listed["items"]] == [
        ("main", "main"), ("two", "working"), ("one", "working"), ("work", "working"),
    ]  # fmt: skip
    assert listed["total"] == 4
    assert listed["items"][0]["status"] == "merged"


def test_a_new_branch_is_a_draft_with_a_base_revision_that_names_it(call, editor, world, engine):
    made = make(call, world, "  Checkout ", description="Why").json()
    assert (made["name"], made["status"], made["description"], made["created_by"]) == ("Checkout", "draft", "Why", editor.user.id)
    assert (made["merged_at"], made["merged_by"]) == (None, None)
    base = call("GET", f"{world.base}/revisions/{made['base_revision_id']}").json()
    assert "Checkout" in base["summary"]
    assert base["entity_counts"]["events"] == 2
    detail = call("GET", f"{world.base}/branches/{made['id']}").json()
    assert (detail["reviewers"], detail["approvals"]) == ([], [])
    with session_scope(engine) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "branch.create", AuditEntry.target_id == made["id"])
        ).one()
        assert (entry.target_type, entry.project_slug, entry.payload["branch_id"]) == ("branch", world.slug, made["id"])


@pytest.mark.parametrize("name", ["", "   ", "main", " MAIN ", "Main", "x" * 256, "a\x00b", None, 1])
def test_a_name_that_is_blank_too_long_or_mains_is_invalid(call, world, name):
    answer = make(call, world, name)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "name"]


def test_a_name_is_taken_in_its_project_only(call, world, engine):
    assert make(call, world, "work").status_code == 409
    assert make(call, world, " work ").status_code == 409
    assert make(call, world, "x" * 255).status_code == 201
    with session_scope(engine) as session:
        other = make_project(session).slug
    assert call("POST", f"/api/v1/projects/{other}/branches", json={"name": "work"}).status_code == 201


def test_a_branch_goes_with_everything_in_it_and_main_stays(call, world, engine):
    assert call("DELETE", world.branch).status_code == 204
    assert call("GET", world.branch).status_code == 404
    with session_scope(engine) as session:
        assert session.exec(select(Event).where(Event.branch_id == world.branch_id)).all() == []
        assert len(session.exec(select(Event).where(Event.project_id == world.project_id)).all()) == 2
    main = call("GET", f"{world.base}/branches").json()["items"][0]
    answer = call("DELETE", f"{world.base}/branches/{main['id']}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "The main branch cannot be deleted")


def test_the_difference_is_told_by_name_and_says_when_main_has_moved(call, world, engine):
    clean = call("GET", f"{world.branch}/diff").json()
    assert clean == {"entries": [], "summary": {"added": 0, "removed": 0, "changed": 0}, "behind_base": False}
    on_branch = {"branch": world.branch_id}
    event = call("GET", f"{world.base}/events", params={**on_branch, "search": "order_paid"}).json()["items"][0]
    call("PATCH", f"{world.base}/events/{event['id']}", params=on_branch, json={"status": "live", "tags": ["checkout", "new"]})
    call("POST", f"{world.base}/variables", params=on_branch, json={"name": "currency"})
    relation = call("GET", f"{world.base}/relations", params=on_branch).json()[0]
    call("DELETE", f"{world.base}/relations/{relation['id']}", params=on_branch)
    found = call("GET", f"{world.branch}/diff").json()
    assert found["summary"] == {"added": 1, "removed": 1, "changed": 1}
    assert found["behind_base"] is False
    assert [(entry["entity_type"], entry["kind"], entry["name"], entry["parent"]) for entry in found["entries"]] == [
        ("event", "changed", "order_paid", "shop"),
        ("variable", "added", "currency", None),
        ("relation", "removed", "shop.step \u2192 shop.sum", None),
    ]
    assert found["entries"][0]["changes"] == [
        "status: 'in_review' \u2192 'live'", "tags: ['checkout'] \u2192 ['checkout', 'new']",
    ]  # fmt: skip
    call("PATCH", f"{world.base}/events/{world.event_id}", json={"description": "moved"})
    assert call("GET", f"{world.branch}/diff").json()["behind_base"] is True


def test_display_order_makes_no_difference(call, world):
    types = call("GET", f"{world.base}/event-types").json()
    call("PATCH", f"{world.base}/event-types/{types[0]['id']}", params={}, json={"order": 7})
    assert call("GET", f"{world.branch}/diff").json()["entries"] == []


def test_a_closed_branch_takes_no_changes(call, world):
    assert call("POST", f"{world.branch}/transition", json={"action": "close"}).status_code == 200
    body = {"name": "currency"}
    assert call("POST", f"{world.base}/variables", params={"branch": world.branch_id}, json=body).status_code == 409
    assert call("GET", f"{world.base}/variables", params={"branch": world.branch_id}).status_code == 200


def test_two_projects_branches_do_not_meet(call, client, world, engine, member):
    with session_scope(engine) as session:
        other = make_project(session).slug
        session.add(Variable(project_id=world.project_id, branch_id=world.branch_id, name="only_here"))
    path = world.branch.replace(world.slug, other)
    for method, place in (("GET", path), ("DELETE", path), ("GET", f"{path}/diff"), ("POST", f"{path}/merge")):
        assert client.request(method, place, headers=member(UserRole.OWNER).headers).status_code == 404
