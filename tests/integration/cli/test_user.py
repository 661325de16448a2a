"""`plumbline user` for somebody whose phone is gone, who forgot their password, or whose account somebody else enters."""

from __future__ import annotations

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from app.cli.main import app
from app.identity import service
from app.identity.second_factor import code_at, step_of
from app.identity.service.callers import actor_for
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record
from models.identity import AuditEntry, UserSession
from models.second_factors import RecoveryCode, SecondFactor
from models.single_sign_on import ExternalIdentity
from tests.factories import make_session_cookie, make_user

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_it_is_taken_away_with_its_codes_and_sessions_and_noted(engine, clock):
    with session_scope(engine) as session:
        user = make_user(session, email="ada@example.com", role="owner")
        secret = service.begin_second_factor(session, actor_for(user)).secret
        service.confirm_second_factor(session, actor_for(user), code_at(secret, step_of(clock.now())), clock.now())
        make_session_cookie(session, user)
    result = CliRunner().invoke(app, ["user", "reset-second-factor", "Ada@example.com"])
    assert result.exit_code == 0, result.output
    with session_scope(engine, write=False) as session:
        for table in (SecondFactor, RecoveryCode, UserSession):
            assert session.exec(select(table)).all() == []
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "second_factor.reset")).one()
    assert (entry.actor_email, entry.target_id) == ("system", user.id)

    again = CliRunner().invoke(app, ["user", "reset-second-factor", "ada@example.com"])
    assert (again.exit_code, "no second factor" in again.output) == (1, True)


def test_an_unknown_account_is_named(engine):
    result = CliRunner().invoke(app, ["user", "reset-second-factor", "eve@example.com"])
    assert (result.exit_code, "no account eve@example.com" in result.output) == (1, True)


def test_a_link_for_a_forgotten_password_is_printed_under_the_public_address(engine, monkeypatch, clock):
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", role="owner", password="not remembered")
        make_user(session, email="vic@example.com")  # enters at a provider
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumb.example/")
    get_settings.cache_clear()
    result = CliRunner().invoke(app, ["user", "reset-password", "Ada@example.com"])
    assert result.exit_code == 0, result.output
    link, token = result.stdout.strip().split("?token=")
    assert link == "https://plumb.example/reset-password"
    with session_scope(engine) as session:
        assert service.reset_holder(session, token, SYSTEM_CLOCK.now()).email == "ada@example.com"
        entry = session.exec(select(AuditEntry)).one()
    assert (entry.action, entry.actor_email) == ("user.create_reset_link", "system")
    for email, words in (("vic@example.com", "no password"), ("eve@example.com", "no account eve@example.com")):
        refused = CliRunner().invoke(app, ["user", "reset-password", email])
        assert (refused.exit_code, words in refused.output) == (1, True)


def test_without_a_public_address_the_link_begins_with_that_of_the_running_instance(engine, monkeypatch, tmp_path):
    with session_scope(engine) as session:
        make_user(session, email="ada@example.com", role="owner", password="not remembered")
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PLUMBLINE_PUBLIC_URL", raising=False)
    get_settings.cache_clear()
    with DataFolderLock(tmp_path):
        write_runtime_record(tmp_path, RuntimeRecord(4711, "http://127.0.0.1:8313", "http://127.0.0.1:1", 1, "s" * 40))
        beside = CliRunner().invoke(app, ["user", "reset-password", "ada@example.com"])
    alone = CliRunner().invoke(app, ["user", "reset-password", "ada@example.com"])
    assert beside.stdout.startswith("http://127.0.0.1:8313/reset-password?token="), beside.output
    assert alone.stdout.startswith(f"{get_settings().base_url}/reset-password?token="), alone.output
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "https://plumb.example")
    get_settings.cache_clear()
    with DataFolderLock(tmp_path):
        write_runtime_record(tmp_path, RuntimeRecord(4711, "http://127.0.0.1:8313", "http://127.0.0.1:1", 1, "s" * 40))
        named = CliRunner().invoke(app, ["user", "reset-password", "ada@example.com"])
    assert named.stdout.startswith("https://plumb.example/reset-password?token="), named.output


def test_who_enters_an_account_at_a_provider_is_forgotten(engine):
    with session_scope(engine) as session:
        user = make_user(session, email="ada@example.com")
        session.add(ExternalIdentity(issuer="https://login.example", subject="ada-1", user_id=user.id))
        make_session_cookie(session, user)
    assert CliRunner().invoke(app, ["user", "unlink", "Ada@example.com"]).exit_code == 0
    with session_scope(engine, write=False) as session:
        assert session.exec(select(ExternalIdentity)).all() == session.exec(select(UserSession)).all() == []
        assert session.exec(select(AuditEntry.action)).all() == ["user.unlink_identity"]
    for email in ("ada@example.com", "nobody@example.com"):
        assert CliRunner().invoke(app, ["user", "unlink", email]).exit_code == 1
