from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.identity import entrance, service
from app.identity.contracts import OPERATOR_EMAIL, ApiKeyScope, UserRole
from app.identity.passwords import hash_password
from app.identity.policy import Allowance
from app.kernel.database import session_scope
from app.kernel.errors import Conflict, NotFound, Unauthorized
from app.kernel.settings import get_settings
from models.identity import ApiKey, AuditEntry, RateBucket, User, UserSession
from tests.factories import PASSWORD, make_project, make_session_cookie, make_user


def sign_up(email, clock, address="here"):
    return entrance.sign_up(email, PASSWORD, None, address=address, clock=clock)


def test_a_session_lasts_a_week_to_the_second(engine, clock):
    token = sign_up("ada@example.com", clock).token
    for hours, seconds, signed_in in ((167, 3599, True), (0, 1, False)):
        clock.advance(timedelta(hours=hours, seconds=seconds))
        with session_scope(engine, write=False) as session:
            assert (service.caller_for_session(session, token, clock.now()) is not None) is signed_in


def test_a_session_is_worthless_under_another_secret(engine, clock, monkeypatch):
    token = sign_up("ada@example.com", clock).token
    monkeypatch.setenv("PLUMBLINE_SECRET_KEY", "another secret of sufficient length, indeed")
    get_settings.cache_clear()
    with session_scope(engine, write=False) as session:
        assert service.caller_for_session(session, token, clock.now()) is None


def test_a_password_changed_during_the_check_opens_no_session(engine, clock):
    sign_up("ada@example.com", clock)
    with session_scope(engine) as session:
        credential = service.find_credential(session, "ada@example.com")
        user = session.exec(select(User)).one()
        user.password_hash = hash_password("another password")
    with session_scope(engine) as session, pytest.raises(Unauthorized):
        service.login(session, credential, clock.now())


def test_expired_sessions_and_idle_buckets_are_deleted_and_nothing_else(engine, clock):
    limit = Allowance("login", 5, timedelta(minutes=1))
    with session_scope(engine) as session:
        user = make_user(session)
        make_session_cookie(session, user, expires_at=clock.now())
        make_session_cookie(session, user, expires_at=clock.now() + timedelta(seconds=1))
        service.take_turn(session, limit, "old", clock.now() - timedelta(days=2))
        service.take_turn(session, limit, "fresh", clock.now())
        service.take_turn(session, limit, "old", clock.now() - timedelta(days=2))
        service.delete_expired(session, clock.now())
    with session_scope(engine) as session:
        assert len(session.exec(select(UserSession)).all()) == 1
        assert [row.key for row in session.exec(select(RateBucket)).all()] == ["login:fresh"]


def test_an_operators_key_acts_for_the_oldest_owner(engine, clock):
    owner = sign_up("ada@example.com", clock).user
    sign_up("bob@example.com", clock)
    with session_scope(engine) as session:
        view, token = service.create_operator_key(session, scope=ApiKeyScope.WRITE, name="CLI", now=clock.now())
    with session_scope(engine) as session:
        actor = service.resolve_caller(session, authorization=f"Bearer {token}", cookie=None, project_slug=None, now=clock.now())
        assert (actor.user_id, actor.role, view.name) == (owner.id, UserRole.OWNER, "CLI")


def test_a_key_made_before_anybody_signed_up_passes_to_the_first_owner(engine, clock):
    with session_scope(engine) as session:
        _, token = service.create_operator_key(session, scope=ApiKeyScope.WRITE, name="CLI", now=clock.now())
        service.create_operator_key(session, scope=ApiKeyScope.READ, name="CLI 2", now=clock.now())
    bearer = {"authorization": f"Bearer {token}", "cookie": None, "project_slug": None, "now": clock.now()}
    with session_scope(engine) as session:
        assert service.resolve_caller(session, **bearer).role is UserRole.EDITOR
    owner = sign_up("ada@example.com", clock).user
    assert owner.role is UserRole.OWNER
    with session_scope(engine) as session:
        assert service.resolve_caller(session, **bearer).user_id == owner.id
        assert [user.email for user in session.exec(select(User)).all()] == ["ada@example.com"]
        assert {key.user_id for key in session.exec(select(ApiKey)).all()} == {owner.id}


def test_nobody_signs_up_or_in_as_the_operator(engine, clock):
    with session_scope(engine) as session:
        service.create_operator_key(session, scope=ApiKeyScope.READ, name="CLI", now=clock.now())
    with pytest.raises(Conflict):
        sign_up(OPERATOR_EMAIL, clock)
    with pytest.raises(Unauthorized):
        entrance.sign_in(OPERATOR_EMAIL, "!", address="here", clock=clock)


def test_an_operators_key_can_be_bound_to_a_project(engine, clock):
    with session_scope(engine) as session:
        make_project(session, slug="shop")
        view, _ = service.create_operator_key(session, scope=ApiKeyScope.READ, name="CLI", project_slug="shop", now=clock.now())
        assert view.project_id
        with pytest.raises(NotFound):
            service.create_operator_key(session, scope=ApiKeyScope.READ, name="CLI", project_slug="x", now=clock.now())


def test_signing_up_in_and_out_leaves_a_trail_without_secrets(engine, clock):
    first = sign_up("ada@example.com", clock)
    second = entrance.sign_in("ada@example.com", PASSWORD, address="here", clock=clock)
    with session_scope(engine) as session:
        actor = service.caller_for_session(session, second.token, clock.now())
        service.logout(session, actor, second.token)
    with session_scope(engine) as session:
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.created_at, AuditEntry.id)).all()
        assert sorted(entry.action for entry in entries) == ["session.create", "session.delete", "user.register"]
        text = " ".join(f"{entry.target_id} {entry.payload}" for entry in entries)
        for secret in (PASSWORD, first.token, second.token):
            assert secret not in text
        assert {entry.actor_email for entry in entries} == {"ada@example.com"}
