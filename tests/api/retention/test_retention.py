"""Bounds of kinds of data over HTTP."""

from __future__ import annotations

import pytest

from app.identity.contracts import SYSTEM_ACTOR, UserRole
from app.kernel.errors import InvalidInput
from app.kernel.settings import get_settings
from app.preferences.pages.settings_view import save_setting
from app.preferences.tree import list_settings

RETENTION = "/api/v1/retention"


def test_bounds_are_zero_until_an_owner_sets_them_and_hold_at_once(client, member):
    owner = member(UserRole.OWNER).headers
    assert set(client.get(RETENTION, headers=owner).json()["days"].values()) == {0}

    changed = client.put(RETENTION, json={"days": {"event": 90, "audit": 30}}, headers=owner)

    assert changed.status_code == 200
    assert changed.json()["days"] == {
        "event": 90, "log": 0, "security": 0, "audit": 30, "quarantine": 0, "metric": 0, "delivery": 0, "job": 0,
    }  # fmt: skip
    assert changed.json()["last_run"] is None
    assert get_settings().retention.retention_event_days == 90


@pytest.mark.parametrize("days", [{"audit": 29}, {"metric": 1}, {"event": -1}, {"log": 40_000}, {"photos": 1}])
def test_bounds_that_cannot_hold_are_refused_and_nothing_is_kept(client, member, days):
    owner = member(UserRole.OWNER).headers
    assert client.put(RETENTION, json={"days": {"job": 5, **days}}, headers=owner).status_code == 422
    assert set(client.get(RETENTION, headers=owner).json()["days"].values()) == {0}


def test_a_pass_at_once_is_asked_for_once(client, member):
    owner = member(UserRole.OWNER).headers
    first = client.post(RETENTION + "/runs", headers=owner)
    assert (first.status_code, first.json()["status"]) == (202, "pending")
    assert client.post(RETENTION + "/runs", headers=owner).json()["id"] == first.json()["id"]
    assert client.get(RETENTION, headers=owner).json()["is_requested"] is True


@pytest.mark.parametrize("role", [UserRole.VIEWER, UserRole.EDITOR])
def test_only_owners_may(client, member, role):
    headers = member(role).headers
    answers = [
        client.get(RETENTION, headers=headers),
        client.put(RETENTION, json={"days": {}}, headers=headers),
        client.post(RETENTION + "/runs", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert client.get(RETENTION).status_code == 401


def test_the_form_of_the_settings_page_judges_alike(session, clock):
    save_setting(session, SYSTEM_ACTOR, "retention_job_days", "7", clock.now())
    with pytest.raises(InvalidInput, match="The value must be 0 or at least 30"):
        save_setting(session, SYSTEM_ACTOR, "retention_audit_days", "29", clock.now())
    lines = {line.name: line.value for line in list_settings(session, SYSTEM_ACTOR) if line.section == "retention"}
    assert lines["retention_job_days"] == 7
    assert lines["retention_audit_days"] == 0
