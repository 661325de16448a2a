"""The routes of the fire drill: who may, what is refused, and how the set-up is given back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.alerting import service as alerting
from app.alerting.contracts import DestinationFields
from app.alerting.vocabulary import DestinationType
from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.database import session_scope
from tests.factories import make_project


@pytest.fixture
def drill(engine):
    """The path of a project's drill, and the ids of two destinations."""
    with session_scope(engine) as session:
        slug = make_project(session).slug
        fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/x")
        made = [
            alerting.create_destination(session, SYSTEM_ACTOR, slug, DestinationType.SLACK, name, fields).id for name in ("a", "b")
        ]
    return f"/api/v1/projects/{slug}/fire-drill", made


def test_a_drill_is_off_until_somebody_sets_it_up(client, member, drill):
    path, (first, second) = drill
    headers = member(UserRole.EDITOR).headers
    assert client.get(path, headers=headers).json() == {
        "enabled": False, "destination_id": None, "backup_destination_id": None, "interval": "daily", "next_run_at": None,
    }  # fmt: skip
    assert client.post(f"{path}/run", headers=headers).status_code == 409
    body = {"enabled": True, "destination_id": first, "backup_destination_id": second, "interval": "hourly"}
    stored = client.put(path, headers=headers, json=body)
    assert stored.status_code == 200 and stored.json().items() >= body.items() and stored.json()["next_run_at"]
    assert client.get(path, headers=headers).json() == stored.json()


def test_a_drill_run_by_hand_is_listed_with_all_its_stages(client, member, drill):
    path, (first, _) = drill
    headers = member(UserRole.OWNER).headers
    client.put(path, headers=headers, json={"destination_id": first})
    begun = client.post(f"{path}/run", headers=headers)
    assert begun.status_code == 202 and begun.json()["outcome"] == "running"
    assert client.post(f"{path}/run", headers=headers).status_code == 409
    listed = client.get(f"{path}/runs", headers=headers).json()
    assert (listed["total"], listed["items"]) == (1, [begun.json()])
    assert [one["stage"] for one in begun.json()["stages"]] == ["ingested", "counted", "detected", "decided", "delivered"]


def test_the_hidden_project_of_a_canary_is_in_no_list_and_behind_no_address(client, member, drill):
    path, (first, _) = drill
    headers = member(UserRole.OWNER).headers
    before = client.get("/api/v1/projects", headers=headers).json()
    client.put(path, headers=headers, json={"destination_id": first})
    run = client.post(f"{path}/run", headers=headers).json()
    assert client.get("/api/v1/projects", headers=headers).json() == before
    hidden = f"drill:{before[0]['id']}:{run['id']}"
    assert client.get(f"/api/v1/projects/{hidden}", headers=headers).status_code == 404


@pytest.mark.parametrize("change", [{"enabled": True}, {"destination_id": str(uuid4())}, {"interval": "weekly"}])
def test_a_set_up_that_cannot_work_is_refused(client, member, drill, change):
    assert client.put(drill[0], headers=member(UserRole.OWNER).headers, json=change).status_code == 422


def test_the_backup_is_another_destination(client, member, drill):
    path, (first, _) = drill
    body = {"destination_id": first, "backup_destination_id": first}
    assert client.put(path, headers=member(UserRole.OWNER).headers, json=body).status_code == 422


def test_viewers_see_the_drill_and_change_nothing(client, member, drill):
    path, (first, _) = drill
    headers = member(UserRole.VIEWER).headers
    assert client.get(path, headers=headers).status_code == client.get(f"{path}/runs", headers=headers).status_code == 200
    assert client.put(path, headers=headers, json={"destination_id": first}).status_code == 403
    assert client.post(f"{path}/run", headers=headers).status_code == 403
