"""Erasures over HTTP: who may, what is answered, and that the id of the person comes back nowhere."""

from __future__ import annotations

import pytest

from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.factories import make_project


@pytest.fixture
def path(engine) -> str:
    with session_scope() as session:
        return f"/api/v1/projects/{make_project(session).slug}/erasures"


def test_an_owner_asks_once_and_sees_only_the_hash(client, member, path):
    owner = member(UserRole.OWNER).headers

    asked = client.post(path, json={"user_id": "u-4711"}, headers=owner)

    assert asked.status_code == 202
    erasure = asked.json()
    assert (erasure["status"], erasure["removed"], erasure["has_certificate"]) == ("pending", {}, False)
    assert client.post(path, json={"user_id": "u-4711"}, headers=owner).status_code == 409
    listed = client.get(path, headers=owner)
    assert listed.json() == {"items": [erasure], "total": 1}
    assert client.get(f"{path}/{erasure['id']}", headers=owner).json() == erasure
    assert client.get(f"{path}/{erasure['id']}/certificate", headers=owner).status_code == 409
    assert client.get(f"{path}/unknown", headers=owner).status_code == 404
    trail = client.get("/api/v1/audit?action=erasure.request", headers=owner).json()
    assert trail["items"][0]["payload"] == {"user_hash": erasure["user_hash"]}
    assert "u-4711" not in asked.text + listed.text + str(trail)


@pytest.mark.parametrize("user_id", ["", "   ", "x" * 1025, "a\x00b"])
def test_what_is_no_user_id_is_refused(client, member, path, user_id):
    assert client.post(path, json={"user_id": user_id}, headers=member(UserRole.OWNER).headers).status_code == 422


@pytest.mark.parametrize("role", [UserRole.VIEWER, UserRole.EDITOR])
def test_only_owners_may(client, member, path, role):
    headers = member(role).headers
    for answer in (
        client.post(path, json={"user_id": "u"}, headers=headers),
        client.get(path, headers=headers),
        client.get(f"{path}/x", headers=headers),
        client.get(f"{path}/x/certificate", headers=headers),
    ):
        assert answer.status_code == 403
    assert client.get(path).status_code == 401
