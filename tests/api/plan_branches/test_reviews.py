from __future__ import annotations

import pytest
from sqlmodel import select

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.plan.review import TRANSITIONS, BranchAction, BranchStatus
from models.branches import BranchApproval, MergeResolution
from models.plan import PlanBranch


def step(call, world, action):
    return call("POST", f"{world.branch}/transition", json={"action": action})


def put(engine, world, status):
    with session_scope(engine) as session:
        session.get_one(PlanBranch, world.branch_id).status = status


@pytest.mark.parametrize("action", BranchAction)
def test_an_action_is_taken_from_its_statuses_alone(call, world, engine, action):
    rule = TRANSITIONS[action]
    for status in BranchStatus:
        if status is BranchStatus.MERGED:
            continue
        put(engine, world, status)
        answer = step(call, world, action)
        if status in rule.allowed_from:
            assert (answer.status_code, answer.json()["status"]) == (200, rule.to)
        else:
            assert answer.status_code == 409
            assert action in answer.json()["detail"] and status in answer.json()["detail"]
            assert call("GET", world.branch).json()["status"] == status


@pytest.mark.parametrize(
    ("status", "action", "is_kept"),
    [
        ("draft", "submit", False), ("changes_requested", "submit", False), ("approved", "request_changes", False),
        ("ready_for_review", "request_changes", False), ("approved", "reopen", False), ("closed", "reopen", False),
        ("approved", "close", True),
    ],
)  # fmt: skip
def test_approvals_and_choices_last_as_long_as_what_they_speak_about(call, world, engine, status, action, is_kept):
    put(engine, world, status)
    assert bool(step(call, world, action).json()["approvals"]) is is_kept
    with session_scope(engine) as session:
        for model in (BranchApproval, MergeResolution):
            assert bool(session.exec(select(model).where(model.branch_id == world.branch_id)).all()) is is_kept


def test_an_approval_names_who_and_when_and_stays_one_per_person(call, client, world, engine, editor, member):
    put(engine, world, "ready_for_review")
    approvals = step(call, world, "approve").json()["approvals"]
    assert [entry["user_id"] for entry in approvals] == [world.user_id, editor.user.id]
    put(engine, world, "ready_for_review")
    again = step(call, world, "approve").json()["approvals"]
    assert [entry["user_id"] for entry in again] == [world.user_id, editor.user.id]
    assert again[1]["approved_at"] > approvals[1]["approved_at"]
    put(engine, world, "ready_for_review")
    owner = member(UserRole.OWNER)
    answer = client.post(f"{world.branch}/transition", json={"action": "approve"}, headers=owner.headers)
    assert len(answer.json()["approvals"]) == 3


@pytest.mark.parametrize("action", ["", "merge", "delete", None])
def test_an_unknown_action_is_invalid(call, world, action):
    assert step(call, world, action).status_code == 422


def test_a_reviewer_is_asked_once_however_often(call, world):
    path = f"{world.branch}/reviewers"
    first = call("POST", path, json={"user_id": world.newcomer_id})
    again = call("POST", path, json={"user_id": world.newcomer_id})
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert [entry["user_id"] for entry in call("GET", world.branch).json()["reviewers"]] == [world.user_id, world.newcomer_id]
    assert call("POST", path, json={"user_id": new_id()}).status_code == 404
    assert call("POST", path, json={"user_id": "me"}).status_code == 422
    assert call("DELETE", f"{path}/{world.newcomer_id}").status_code == 204
    assert call("DELETE", f"{path}/{world.newcomer_id}").status_code == 404


def test_a_discussion_is_threaded_and_oldest_first(call, world, editor):
    path = f"{world.branch}/comments"
    reply = call("POST", path, json={"body": "  Because \n", "parent_id": world.comment_id}).json()
    assert (reply["body"], reply["parent_id"], reply["user_id"]) == ("Because", world.comment_id, editor.user.id)
    assert reply["branch_id"] == world.branch_id
    call("POST", path, json={"body": "Last"})
    assert [entry["body"] for entry in call("GET", path).json()] == ["Why?", "Because", "Last"]
    assert call("DELETE", f"{path}/{world.comment_id}").status_code == 204
    assert [entry["body"] for entry in call("GET", path).json()] == ["Last"]


@pytest.mark.parametrize("body", ["", "  ", "\n", "a\x00", "x" * 10_001, None])
def test_a_comment_says_something(call, world, body):
    assert call("POST", f"{world.branch}/comments", json={"body": body}).status_code == 422


def test_a_reply_stays_on_the_branch_of_its_parent(call, world):
    main = call("GET", f"{world.base}/branches").json()["items"][0]["id"]
    path = f"{world.base}/branches/{main}/comments"
    assert call("POST", path, json={"body": "x", "parent_id": world.comment_id}).status_code == 404
    assert call("POST", path, json={"body": "x", "parent_id": new_id()}).status_code == 404
    own = call("POST", path, json={"body": "On main"}).json()
    assert [entry["id"] for entry in call("GET", path).json()] == [own["id"]]
    assert call("DELETE", f"{world.branch}/comments/{own['id']}").status_code == 404


def test_a_choice_replaces_the_one_before_and_can_be_taken_back(call, world, editor):
    path = f"{world.branch}/resolutions"
    body = {"entity_type": "event_type", "entity_name": "shop", "field_name": "color", "choice": "theirs"}
    changed = call("POST", path, json=body).json()
    assert (changed["id"], changed["choice"], changed["resolved_by"]) == (world.resolution_id, "theirs", editor.user.id)
    fresh = call("POST", path, json={**body, "field_name": "description"}).json()
    assert fresh["id"] != changed["id"]
    assert call("DELETE", f"{path}/{fresh['id']}").status_code == 204
    assert call("DELETE", f"{path}/{fresh['id']}").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"choice": "mine"}, {"entity_type": "event"}, {"field_name": "name"}, {"entity_name": None}, {"entity_name": "x" * 256}],
)
def test_only_the_metadata_of_an_event_type_can_be_chosen(call, world, wrong):
    body = {"entity_type": "event_type", "entity_name": "shop", "field_name": "color", "choice": "ours", **wrong}
    assert call("POST", f"{world.branch}/resolutions", json=body).status_code == 422
