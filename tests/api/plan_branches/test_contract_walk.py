"""Every operation of the tags plan-branches, plan-revisions and event-photos, generated from the contract."""

from __future__ import annotations

from typing import Any

import pytest

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from models.plan import PlanBranch
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.test_contract_walk import described
from tests.api.plan.workbench import key_headers
from tests.api.plan_branches.workbench import ReviewWorld, make_review_world
from tests.factories import make_project
from tests.unit.plan_photos.pictures import picture

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("plan-branches", "plan-revisions", "event-photos")
# What the path names, by where it is looked up; the contract has no 404 for a person in a body that the path lacks.
IDS = ("branch_id", "event_id", "photo_id", "revision_id", "user_id", "resolution_id", "comment_id", "photo_comment_id")


def body_of(operation: dict[str, Any], world: ReviewWorld) -> dict[str, Any]:
    """The arguments of a call that succeeds in this world."""
    bodies = {
        "create_branch": {"name": "another", "description": "Why"},
        "transition_branch": {"action": "request_changes"},
        "add_reviewer": {"user_id": world.newcomer_id},
        "create_comment": {"body": "Because", "parent_id": world.comment_id},
        "save_branch_resolution": {"entity_type": "event_type", "entity_name": "shop", "field_name": "order", "choice": "theirs"},
        "create_revision": {"summary": "Third"},
        "reorder_event_photos": {"photo_ids": [world.other_photo_id, world.photo_id]},
        "attach_figma_spec": {"url": "https://www.figma.com/design/abc/Cart", "title": "Cart"},
        "create_photo_comment": {"body": "Nicer", "parent_id": world.photo_comment_id},
    }
    if operation["id"] == "upload_event_photo":
        return {"files": {"file": ("cart.png", picture(), "image/png")}}
    if operation["id"] == "diff_revision":
        return {"params": {"compare_to": world.compare_to}}
    return {"json": bodies[operation["id"]]} if operation.get("body") else {}


def faults_of(operation: dict[str, Any], answer: Any) -> list[str]:
    """What in a successful answer departs from the contract."""
    if answer.status_code != operation["ok"]:
        return [f"{answer.status_code} {answer.text[:300]}"]
    if operation["response"] is None:
        return [f"a body with {answer.status_code}"] if answer.content else []
    if "bytes" in operation["response"]:
        return [] if answer.content == picture() and answer.headers["content-type"] == "image/png" else ["other bytes"]
    found = CONTRACT.mismatches(operation["response"], answer.json())
    # A snapshot may carry more than the contract lists.
    return [fault for fault in found if not (fault.startswith("answer.payload") and fault.endswith("not in the contract"))]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    with session_scope(engine) as session:
        untouched = make_review_world(session)
        elsewhere = make_project(session).id
    write, read = ApiKeyScope.WRITE, ApiKeyScope.READ
    refused = {
        "nobody": ({}, 401),
        "key bound to another project": (key_headers(engine, role=UserRole.OWNER, scope=write, project_id=elsewhere), 403),
    }
    allowed = {
        "editor": member(UserRole.EDITOR).headers,
        "owner": member(UserRole.OWNER).headers,
        "editor's write key": key_headers(engine, role=UserRole.EDITOR, scope=write),
    }
    readers = {
        "viewer": member(UserRole.VIEWER).headers,
        "editor's read key": key_headers(engine, role=UserRole.EDITOR, scope=read),
        "viewer's write key": key_headers(engine, role=UserRole.VIEWER, scope=write),
    }
    if operation["auth"] == "viewer":
        allowed |= readers
    else:
        refused |= {who: (headers, 403) for who, headers in readers.items()}
    faults = []
    for who, (headers, status) in refused.items():
        for sent in (body_of(operation, untouched), {"json": {}}):  # whoever is refused is so before the body is looked at
            answer = client.request(operation["method"], untouched.path(operation), headers=headers, **sent)
            if answer.status_code != status or not isinstance(answer.json()["detail"], str):
                faults.append(f"{who}: {answer.status_code} {answer.text[:200]}")
    for who, headers in allowed.items():
        with session_scope(engine) as session:
            world = make_review_world(session)
        answer = client.request(operation["method"], world.path(operation), headers=headers, **body_of(operation, world))
        faults += [f"{who}: {fault}" for fault in faults_of(operation, answer)]
    bound = key_headers(engine, role=UserRole.EDITOR, scope=write, project_id=untouched.project_id)
    answer = client.request(operation["method"], untouched.path(operation), headers=bound, **body_of(operation, untouched))
    faults += [f"key bound to this project: {fault}" for fault in faults_of(operation, answer)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, call, engine):
    with session_scope(engine) as session:
        world, stranger = make_review_world(session), make_review_world(session)
    path = world.path(operation)
    faults = []

    def expect(status: int, changed_path: str, **more: Any) -> None:
        arguments = {**body_of(operation, world), **more}
        answer = call(operation["method"], changed_path, **arguments)
        if answer.status_code != status:
            faults.append(f"{status} expected from {changed_path} {more}: {answer.status_code} {answer.text[:200]}")

    expect(404, path.replace(f"/{world.slug}/", "/no-such-project/"))
    for name in IDS:
        if (value := getattr(world, name)) in path:
            expect(404, path.replace(value, getattr(stranger, name)))
            expect(422, path.replace(value, "no-id"))
    if operation["id"] == "diff_revision":
        expect(404, path, params={"compare_to": stranger.compare_to})
        expect(422, path, params={"compare_to": "no-id"})
        expect(422, path, params={})
    expect(operation["ok"], path)
    assert not faults, "\n".join(faults)


MAIN_IS_REFUSED = {
    "delete_branch", "transition_branch", "add_reviewer", "remove_reviewer", "diff_branch", "get_branch_conflicts",
    "save_branch_resolution", "delete_branch_resolution", "merge_branch",
}  # fmt: skip
MERGED_IS_REFUSED = {
    "transition_branch", "add_reviewer", "remove_reviewer", "save_branch_resolution", "delete_branch_resolution", "merge_branch",
}  # fmt: skip
OF_A_BRANCH = [operation for operation in OPERATIONS if "{branch_id}" in operation["path"]]


@pytest.mark.parametrize("operation", OF_A_BRANCH, ids=lambda operation: operation["id"])
def test_main_has_no_review_and_a_merged_branch_never_changes(operation, call, client, engine, world):
    main = call("GET", f"{world.base}/branches").json()["items"][0]
    path = world.path(operation)
    answer = call(operation["method"], path.replace(world.branch_id, main["id"]), **body_of(operation, world))
    if operation["id"] in MAIN_IS_REFUSED:
        assert (answer.status_code, type(answer.json()["detail"])) == (400, str), answer.text
    else:
        # The comment in the path or body is on another branch.
        assert answer.status_code in (operation["ok"], 404), answer.text
    with session_scope(engine) as session:
        session.get_one(PlanBranch, world.branch_id).status = "merged"
    answer = call(operation["method"], path, **body_of(operation, world))
    assert answer.status_code == (400 if operation["id"] in MERGED_IS_REFUSED else operation["ok"]), answer.text


def test_the_published_description_does_not_differ_from_the_contract():
    assert len(OPERATIONS) == 28
    assert differences(described(), OPERATIONS) == []
