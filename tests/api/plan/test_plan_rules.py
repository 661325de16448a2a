"""A project's rules for its plan: naming, properties, protected main, approvals."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.factories import make_event, make_event_type, make_project


@pytest.fixture
def call(client, engine, member):
    """Requests of an owner, or of `who`, below the project; the answer."""
    with session_scope(engine) as session:
        project = make_project(session)
        kind = make_event_type(session, project, name="shop")
        make_event(session, kind, name="Old Name", status="live")
        slug, kind_id = project.slug, kind.id
    people = {role: member(role).headers for role in UserRole}
    second = member(UserRole.EDITOR).headers

    def send(method, path, *, who=UserRole.OWNER, **more):
        headers = second if who == "second" else people[who]
        return client.request(method, f"/api/v1/projects/{slug}{path}", headers=headers, **more)

    send.kind_id = kind_id
    return send


def set_rules(call, **rules):
    answer = call("PUT", "/plan-rules", json=rules)
    assert answer.status_code == 200, answer.text


def field(call, name, *, kind_id=None, branch=None, **more):
    params = {"branch": branch} if branch else None
    body = {"name": name, "display_name": name, "field_type": "string", **more}
    return call("POST", f"/event-types/{kind_id or call.kind_id}/fields", json=body, params=params)


def open_branch(call):
    branch_id = call("POST", "/branches", json={"name": "change"}).json()["id"]
    (kind,) = call("GET", "/event-types", params={"branch": branch_id}).json()
    return branch_id, kind["id"]


def step(call, branch_id, action, **more):
    return call("POST", f"/branches/{branch_id}/transition", json={"action": action}, **more)


def test_only_owners_set_rules_and_rules_must_make_sense(call):
    assert call("GET", "/plan-rules", who=UserRole.VIEWER).json()["minimum_approvals"] == 1
    assert call("PUT", "/plan-rules", json={}, who=UserRole.EDITOR).status_code == 403
    refused = call("PUT", "/plan-rules", json={"event_name_pattern": "("})
    assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", "event_name_pattern"]
    assert call("PUT", "/plan-rules", json={"required_fields": ["a"], "forbidden_fields": ["a"]}).status_code == 422
    assert call("PUT", "/plan-rules", json={"minimum_approvals": 0}).status_code == 422


def test_blocking_rules_refuse_names_and_forbidden_properties_at_once(call):
    rules = {"enforcement": "block", "event_name_pattern": "[a-z_]+", "field_name_pattern": "[a-z]+", "forbidden_fields": ["ssn"]}
    set_rules(call, **rules)

    refused = call("POST", "/events", json={"event_type_id": call.kind_id, "name": "Big Sale"})

    assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", "name"]
    assert call("POST", "/events", json={"event_type_id": call.kind_id, "name": "big_sale"}).status_code == 201
    assert [field(call, name).status_code for name in ("ssn", "Price", "price")] == [422, 422, 201]


def test_warning_rules_let_everything_through_and_list_what_breaks_them(call):
    set_rules(call, event_name_pattern="[a-z_]+", required_fields=["user"], forbidden_fields=["ssn"])

    assert field(call, "ssn").status_code == 201
    found = call("GET", "/plan-rules/findings", who=UserRole.VIEWER).json()

    assert [(item["rule"], item["name"]) for item in found["items"]] == [
        ("forbidden_field", "ssn"),
        ("event_name", "Old Name"),
        ("required_field", "user"),
    ]
    assert found["total"] == 3


def test_a_protected_main_changes_only_through_a_branch(call):
    set_rules(call, protects_main=True)

    assert field(call, "price").status_code == 409
    branch_id, kind_id = open_branch(call)
    assert field(call, "price", kind_id=kind_id, branch=branch_id).status_code == 201
    assert [step(call, branch_id, action).status_code for action in ("submit", "approve")] == [200, 200]
    assert call("POST", f"/branches/{branch_id}/merge").status_code == 200
    assert [entry["name"] for entry in call("GET", f"/event-types/{call.kind_id}/fields").json()] == ["price"]


def test_a_branch_with_too_few_approvals_stays_in_review_and_its_author_may_not_approve(call):
    set_rules(call, minimum_approvals=2, forbids_self_approval=True)
    branch_id, kind_id = open_branch(call)
    field(call, "price", kind_id=kind_id, branch=branch_id)
    step(call, branch_id, "submit")

    assert step(call, branch_id, "approve").status_code == 409
    assert step(call, branch_id, "approve", who=UserRole.EDITOR).json()["status"] == "ready_for_review"
    assert call("POST", f"/branches/{branch_id}/merge").status_code == 409
    assert step(call, branch_id, "approve", who="second").json()["status"] == "approved"
    assert call("POST", f"/branches/{branch_id}/merge").status_code == 200


def test_a_secret_property_asks_for_one_approval_more(call):
    set_rules(call, sensitive_approvals=1)
    branch_id, kind_id = open_branch(call)
    field(call, "token", kind_id=kind_id, branch=branch_id, sensitivity="secret")
    step(call, branch_id, "submit")

    assert step(call, branch_id, "approve").json()["status"] == "ready_for_review"
    assert step(call, branch_id, "approve", who=UserRole.EDITOR).json()["status"] == "approved"


def test_blocking_rules_hold_a_merge_back_with_what_breaks_them(call):
    branch_id, kind_id = open_branch(call)
    field(call, "price", kind_id=kind_id, branch=branch_id)
    for action in ("submit", "approve"):
        step(call, branch_id, action)
    set_rules(call, enforcement="block", required_fields=["user"])

    refused = call("POST", f"/branches/{branch_id}/merge")

    assert refused.status_code == 409
    assert refused.json()["detail"]["rule_violations"] == [{"rule": "required_field", "event_type": "shop", "name": "user"}]
