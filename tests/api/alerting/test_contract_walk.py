"""Every operation tagged alerting, generated from the contract: who may call it, what it answers, in which shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from tests.api.alerting.workbench import SLACK_URL, AlertWorld, make_alert_world
from tests.api.plan.contract import ABSENT, IS_REACHABLE, differences, load_contract
from tests.api.plan.test_contract_walk import described
from tests.api.plan.workbench import key_headers
from tests.factories import make_project

pytestmark = pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)

CONTRACT = load_contract()
OPERATIONS = CONTRACT.of_tags("alerting")
IDS = ("destination_id", "rule_id", "delivery_id", "correlation_group_id")


def body_of(operation: dict[str, Any], world: AlertWorld) -> dict[str, Any]:
    """The arguments of a call that succeeds in this world."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    bodies = {
        "create_alert_destination": {"type": " Slack ", "name": "Other", "webhook_url": SLACK_URL},
        "update_alert_destination": {"name": "Renamed", "webhook_url": ""},
        "create_alert_rule": {
            "name": "Spikes",
            "filters": [{"field": "event", "operator": "in", "values": [world.event_id]}],
        },
        "update_alert_rule": {"cooldown_minutes": 60, "message_template": "${rule_name}"},
        "mute_monitor": {"muted_until": later},
        "apply_alert_inbox_action": {"action": "mute", "muted_until": later, "note": "known"},
    }
    return {"json": bodies[operation["id"]]} if operation.get("body") else {}


def faults_of(operation: dict[str, Any], answer: Any) -> list[str]:
    """What in a successful answer departs from the contract."""
    if answer.status_code != operation["ok"]:
        return [f"{answer.status_code} {answer.text[:300]}"]
    if operation["response"] is None:
        return [f"a body with {answer.status_code}"] if answer.content else []
    return CONTRACT.mismatches(operation["response"], answer.json())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_is_open_to_the_right_callers_and_answers_in_its_shape(operation, client, engine, member):
    with session_scope(engine) as session:
        untouched = make_alert_world(session)
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
            world = make_alert_world(session)
        answer = client.request(operation["method"], world.path(operation), headers=headers, **body_of(operation, world))
        faults += [f"{who}: {fault}" for fault in faults_of(operation, answer)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["id"])
def test_the_operation_refuses_what_it_cannot_find(operation, call, engine):
    with session_scope(engine) as session:
        world, stranger = make_alert_world(session), make_alert_world(session)
    path = world.path(operation)
    faults = []

    def expect(status: int, changed_path: str) -> None:
        answer = call(operation["method"], changed_path, **body_of(operation, world))
        if answer.status_code != status:
            faults.append(f"{status} expected from {changed_path}: {answer.status_code} {answer.text[:200]}")

    expect(404, path.replace(f"/{world.slug}/", "/no-such-project/"))
    for name in IDS:
        if (value := getattr(world, name)) in path:
            expect(404, path.replace(value, getattr(stranger, name)))
            expect(404, path.replace(value, new_id()))
            expect(422, path.replace(value, "no-id"))
    expect(operation["ok"], path)
    assert not faults, "\n".join(faults)


def test_the_published_description_does_not_differ_from_the_contract():
    assert len(OPERATIONS) == 18
    assert differences(described(), OPERATIONS) == []
