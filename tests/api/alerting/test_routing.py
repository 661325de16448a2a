"""Owners, escalation, contacts and assignees over HTTP."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from tests.api.alerting.workbench import make_alert_world
from tests.factories import make_user


@pytest.fixture
def routing(world) -> str:
    return f"{world.base}/rules/{world.rule_id}/routing"


def test_a_rule_tells_its_destination_alone_until_somebody_chooses_more(world, call, routing):
    assert call("GET", routing).json() == {"to_owners": False, "escalation": None}
    chosen = {
        "to_owners": True,
        "escalation": {
            "after_minutes": 45, "most_steps": 3, "destination_ids": [world.destination_id], "ignores_quiet_hours": True,
        },
    }  # fmt: skip

    assert call("PUT", routing, json=chosen).json() == chosen
    assert call("GET", routing).json() == chosen
    (destination,) = call("GET", f"{world.base}/alert-destinations").json()
    assert not {"routes_to_owners", "escalation", "schedule"} & set(destination["rules"][0])
    assert call("PUT", routing, json={}).json() == {"to_owners": False, "escalation": None}


@pytest.mark.parametrize(
    "change", [{"after_minutes": 0}, {"most_steps": 11}, {"destination_ids": []}, {"destination_ids": [new_id()]}]
)
def test_an_escalation_that_makes_no_sense_is_refused(world, call, routing, change):
    body = {"escalation": {"destination_ids": [world.destination_id], **change}}

    assert call("PUT", routing, json=body).status_code == 422


def test_viewers_read_a_routing_and_choose_their_own_contact_only(world, client, member, routing):
    person = member(UserRole.VIEWER)
    contact = f"{world.base}/alert-contact"

    assert client.get(routing, headers=person.headers).status_code == 200
    assert client.put(routing, headers=person.headers, json={}).status_code == 403
    assert client.put(contact, headers=person.headers, json={"email": "somebody@else.example.com"}).status_code == 403
    stored = client.put(contact, headers=person.headers, json={"destination_id": world.destination_id})
    assert stored.json() == {"destination_id": world.destination_id, "email": None}
    assert client.get(contact, headers=person.headers).json() == stored.json()
    assert client.get(contact, headers=member(UserRole.EDITOR).headers).json() == {"destination_id": None, "email": None}


def test_a_group_is_handed_to_a_member_and_found_among_theirs(world, call, engine, member, client):
    with session_scope(engine) as session:
        ann = make_user(session, name="Ann").id
    path, mine = f"{world.base}/alert-inbox/{world.correlation_group_id}/assignee", f"{world.base}/alert-inbox/assigned"
    assert call("GET", mine).json() == {"items": [], "total": 0}

    handed = call("PUT", path, json={"user_id": ann})
    assert (handed.status_code, handed.json()["assignee_id"], handed.json()["status"]) == (200, ann, "open")
    assert call("GET", mine).json()["total"] == 0
    theirs = call("GET", mine, params={"assignee_id": ann}).json()
    assert [one["correlation_group_id"] for one in theirs["items"]] == [world.correlation_group_id]
    assert call("GET", mine, params={"assignee_id": ann, "status": "resolved"}).json()["total"] == 0
    (listed,) = call("GET", f"{world.base}/alert-inbox").json()["items"]
    assert "assignee_id" not in listed
    assert call("PUT", path, json={"user_id": None}).json()["assignee_id"] is None
    assert client.put(path, headers=member(UserRole.VIEWER).headers, json={"user_id": ann}).status_code == 403


def test_a_stranger_and_an_unknown_group_are_refused(world, call, engine):
    path = f"{world.base}/alert-inbox/{world.correlation_group_id}/assignee"
    with session_scope(engine) as session:
        other = make_alert_world(session)

    assert call("PUT", path, json={"user_id": new_id()}).status_code == 422
    assert call("PUT", path, json={}).status_code == 422
    for group in (new_id(), other.correlation_group_id):
        assert call("PUT", path.replace(world.correlation_group_id, group), json={"user_id": None}).status_code == 404
