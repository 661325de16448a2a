"""Invitations over HTTP: an owner makes a link, whoever has it opens the account that was offered, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.identity import service
from app.identity.contracts import UserRole
from app.identity.service.invitations import LASTS
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.errors import Conflict, NotFound
from app.kernel.settings import get_settings
from models.identity import AuditEntry, Invitation
from tests.factories import make_actor

INVITATIONS = "/api/v1/users/invitations"
PASSWORD = "correct horse battery"


@pytest.fixture
def owner(member):
    return member(UserRole.OWNER).headers


def invite(client, owner, email="new@example.com", role="viewer"):
    answer = client.post(INVITATIONS, json={"email": email, "role": role}, headers=owner)
    assert answer.status_code == 201, answer.text
    return answer.json()


def token_of(made):
    return made["accept_path"].rpartition("/")[2]


def test_an_invitation_opens_an_account_under_its_role_once(client, owner, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_REGISTRATION_OPEN", "false")
    get_settings.cache_clear()
    made = invite(client, owner, "New@Example.com")
    assert (made["email"], made["role"]) == ("new@example.com", "viewer") and made["accept_path"].startswith("/invite/")
    [waiting] = client.get(INVITATIONS, headers=owner).json()
    assert waiting == {name: value for name, value in made.items() if name != "accept_path"}

    offer = f"/api/v1/auth/invitations/{token_of(made)}"
    assert client.get(offer).json() == {name: made[name] for name in ("email", "role", "expires_at")}
    accepted = client.post(f"{offer}/accept", json={"password": PASSWORD, "name": "Nora"})
    assert accepted.status_code == 201 and accepted.json()["role"] == "viewer" and accepted.json()["name"] == "Nora"
    assert client.get(
        "/api/v1/auth/me", headers={"Cookie": f"plumbline_session={accepted.cookies['plumbline_session']}"}
    ).is_success

    client.cookies.clear()
    assert client.get(INVITATIONS, headers=owner).json() == []
    assert client.get(offer).status_code == 404
    assert client.post(f"{offer}/accept", json={"password": PASSWORD}).status_code == 404


def test_only_owners_invite_list_and_withdraw(client, owner, member):
    made = invite(client, owner)
    for role in (UserRole.EDITOR, UserRole.VIEWER):
        headers = member(role).headers
        assert client.get(INVITATIONS, headers=headers).status_code == 403
        assert client.post(INVITATIONS, json={"email": "x@example.com"}, headers=headers).status_code == 403
        assert client.delete(f"{INVITATIONS}/{made['id']}", headers=headers).status_code == 403
    assert client.get(INVITATIONS).status_code == 401
    assert client.delete(f"{INVITATIONS}/{made['id']}", headers=owner).status_code == 204
    assert client.delete(f"{INVITATIONS}/{made['id']}", headers=owner).status_code == 404
    assert client.get(f"/api/v1/auth/invitations/{token_of(made)}").status_code == 404


def test_what_cannot_be_invited_is_refused(client, owner):
    assert client.post(INVITATIONS, json={"email": "no address"}, headers=owner).status_code == 422
    assert client.post(INVITATIONS, json={"email": "a@example.com", "role": "king"}, headers=owner).status_code == 422
    made = invite(client, owner)
    short = client.post(f"/api/v1/auth/invitations/{token_of(made)}/accept", json={"password": "short"})
    assert short.status_code == 422 and client.get(f"/api/v1/auth/invitations/{token_of(made)}").status_code == 200
    assert client.post(f"/api/v1/auth/invitations/{token_of(made)}/accept", json={"password": PASSWORD}).status_code == 201
    assert client.post(INVITATIONS, json={"email": made["email"]}, headers=owner).status_code == 409


def test_a_later_invitation_voids_the_earlier_one_and_the_database_holds_no_token(client, owner, engine):
    first, second = invite(client, owner), invite(client, owner, role="editor")
    assert client.get(f"/api/v1/auth/invitations/{token_of(first)}").status_code == 404
    assert client.get(f"/api/v1/auth/invitations/{token_of(second)}").json()["role"] == "editor"
    with session_scope(engine, write=False) as session:
        stored = repr([row.__dict__ for row in session.scalars(sa.select(Invitation))])
        told = repr([row.payload for row in session.scalars(sa.select(AuditEntry))])
    assert token_of(second) not in stored and token_of(second) not in told


def test_an_invitation_ends_after_a_week_and_when_the_address_signs_up_by_itself(engine):
    now = SYSTEM_CLOCK.now()
    with session_scope(engine) as session:
        owner = make_actor(session, UserRole.OWNER)
        view, token = service.create_invitation(session, owner, email="a@example.com", role=UserRole.EDITOR, now=now)
        assert view.expires_at == now + LASTS
        assert service.preview_invitation(session, token, now + LASTS - timedelta(seconds=1)).email == "a@example.com"
        with pytest.raises(NotFound):
            service.preview_invitation(session, token, now + LASTS)
        assert service.list_invitations(session, owner, now + LASTS) == []
        with pytest.raises(NotFound):
            service.accept_invitation(session, token, password_hash="!", name=None, now=now + LASTS)
        service.register(session, email="a@example.com", password_hash="!", name=None, now=now)
        with pytest.raises(Conflict):
            service.accept_invitation(session, token, password_hash="!", name=None, now=now)


def test_the_form_signs_in_and_goes_to_the_projects_or_back_with_a_code(client, owner):
    made = invite(client, owner)
    token = token_of(made)
    back = client.post("/session/accept-invitation", data={"token": token, "password": "short"}, follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, f"/invite/{token}?error=invalid_input")
    gone = client.post("/session/accept-invitation", data={"token": "x/../y", "password": PASSWORD}, follow_redirects=False)
    assert gone.headers["location"] == "/invite/x%2F..%2Fy?error=invitation_over"
    done = client.post("/session/accept-invitation", data={"token": token, "password": PASSWORD}, follow_redirects=False)
    assert done.headers["location"] == "/home" and "plumbline_session" in done.headers["set-cookie"]
