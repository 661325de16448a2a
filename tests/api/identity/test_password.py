"""Changing a password, and choosing one that was forgotten: over the API and the forms, with real mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from app.identity.contracts import ApiKeyScope, UserRole
from app.identity.second_factor import code_at, step_of
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from models.identity import AuditEntry, User
from models.password_resets import PasswordReset
from tests.factories import PASSWORD, make_api_key, make_user
from tests.ports import free_port

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
OWN = "/api/v1/me/password"
ASK = "/api/v1/auth/password-reset/request"
CONFIRM = "/api/v1/auth/password-reset/confirm"
ADA = "ada@example.com"
FRESH = "tall grass in may"


@pytest.fixture
def clock(monkeypatch):
    """A clock for routes and forms that tests can move."""
    clock = FixedClock(datetime(2026, 11, 25, 9, 30, tzinfo=UTC))
    for module in ("api", "forms", "second_factor_api", "password_api", "password_forms"):
        monkeypatch.setattr(f"app.identity.{module}.SYSTEM_CLOCK", clock)
    monkeypatch.setattr("app.http.SYSTEM_CLOCK", clock)
    return clock


@pytest.fixture
def ada(engine):
    with session_scope(engine) as session:
        return make_user(session, email=ADA, password=PASSWORD)


def sign_in(client, password=PASSWORD, **more):
    return client.post(LOGIN, json={"email": ADA, "password": password, **more})


def cookie(token):
    return {"Cookie": f"plumbline_session={token}"}


def change(client, **body):
    return client.put(OWN, json={"current_password": PASSWORD, "new_password": FRESH, **body})


def turn_on(client, clock):
    secret = client.post("/api/v1/me/second-factor", json={"password": PASSWORD}).json()["secret"]
    client.post("/api/v1/me/second-factor/confirm", json={"code": code_at(secret, step_of(clock.now()))})
    clock.advance(timedelta(minutes=10))
    return secret


def asked(client, mails, email=ADA, **more):
    """The tokens of all links that were mailed, the newest last."""
    answer = client.post(ASK, json={"email": email}, **more)
    assert answer.status_code == 200, answer.text
    return [re.search(r"http://plumb\.example/reset-password\?token=(\S+)", text)[1] for _, _, text in mails.posted()]


def confirm(client, token, password=FRESH):
    return client.post(CONFIRM, json={"token": token, "new_password": password})


def audited(engine, action):
    with session_scope(engine, write=False) as session:
        return session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()


def test_a_changed_password_holds_at_once_and_ends_the_other_sessions(client, engine, clock, ada):
    elsewhere = sign_in(client).cookies["plumbline_session"]
    sign_in(client)
    assert change(client).status_code == 204
    assert client.get(ME).status_code == 200
    assert client.get(ME, headers=cookie(elsewhere)).status_code == 401
    assert [sign_in(client, password).status_code for password in (PASSWORD, FRESH)] == [401, 200]
    [entry] = audited(engine, "user.change_password")
    assert (entry.actor_email, entry.target_id, entry.payload) == (ADA, ada.id, {"ended_sessions": 1})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"current_password": "not her password"}, "current_password"),
        ({"new_password": PASSWORD}, "new_password"),
        ({"new_password": "short"}, "new_password"),
        ({"new_password": "x" * 256}, "new_password"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_changes_nothing(client, engine, clock, ada, body, field):
    sign_in(client)
    refused = change(client, **body)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", field])
    assert sign_in(client).status_code == 200
    assert audited(engine, "user.change_password") == []


def test_five_wrong_passwords_make_the_person_wait_from_whichever_session(client, clock, ada):
    first = sign_in(client).cookies["plumbline_session"]
    sign_in(client)
    for _ in range(5):
        assert change(client, current_password="not her password").status_code == 422
    late = client.put(OWN, json={"current_password": PASSWORD, "new_password": FRESH}, headers=cookie(first))
    assert (late.status_code, int(late.headers["Retry-After"]) > 0) == (429, True)
    clock.advance(timedelta(minutes=5))
    assert change(client).status_code == 204


def test_with_a_second_factor_a_fresh_code_is_asked_for(client, engine, clock, ada):
    sign_in(client)
    secret = turn_on(client, clock)
    missing, wrong = change(client), change(client, code="000000")
    for refused in (missing, wrong):
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "code"])
    [refusal] = audited(engine, "second_factor.refuse")
    assert refusal.payload["purpose"] == "change password"
    assert change(client, code=code_at(secret, step_of(clock.now()))).status_code == 204
    clock.advance(timedelta(minutes=10))
    assert sign_in(client, FRESH).status_code == 401
    assert sign_in(client, FRESH, totp=code_at(secret, step_of(clock.now()))).status_code == 200


def test_a_sign_in_that_waits_for_its_code_ends_with_the_password_that_began_it(client, clock, ada):
    sign_in(client)
    secret = turn_on(client, clock)
    session = client.cookies["plumbline_session"]
    client.cookies.clear()
    begun = client.post("/session/login", data={"email": ADA, "password": PASSWORD})
    assert begun.headers["location"].startswith("/login/code")
    body = {"current_password": PASSWORD, "new_password": FRESH, "code": code_at(secret, step_of(clock.now()))}
    assert client.put(OWN, json=body, headers=cookie(session)).status_code == 204
    clock.advance(timedelta(minutes=1))
    late = client.post("/session/code", data={"totp": code_at(secret, step_of(clock.now()))})
    assert "error=sign_in_over" in late.headers["location"]


def test_only_a_person_in_a_session_changes_a_password_and_only_one_who_has_one(client, engine, clock, ada):
    with session_scope(engine) as session:
        _, key = make_api_key(session, session.get(User, ada.id), scope=ApiKeyScope.WRITE)
    body = {"current_password": PASSWORD, "new_password": FRESH}
    assert client.put(OWN, json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 403
    assert client.put(OWN, json=body).status_code == 401


def test_who_enters_by_the_provider_has_no_password_to_change_or_reset(client, clock, member, mails):
    member(UserRole.OWNER, email="olive@example.com")  # accounts without a password of their own
    visitor = member(UserRole.EDITOR, email="vic@example.com")
    body = {"current_password": PASSWORD, "new_password": FRESH}
    assert client.put(OWN, json=body, headers=visitor.headers).status_code == 409
    assert asked(client, mails, "vic@example.com") == []


def test_a_forgotten_password_is_replaced_once_by_the_mailed_link(client, engine, clock, ada, mails):
    open_session = sign_in(client).cookies["plumbline_session"]
    [token] = asked(client, mails, " Ada@Example.com ", headers={"Host": "evil.example"})
    [(recipient, subject, text)] = mails.posted()
    assert (recipient, subject) == (ADA, "Choose another password for Plumbline")
    assert "60 minutes" in text and "evil" not in text
    with session_scope(engine, write=False) as session:
        row = session.exec(select(PasswordReset)).one()
    assert token not in row.token_hash and row.expires_at - row.created_at == timedelta(minutes=60)

    done = confirm(client, token)
    assert (done.status_code, list(done.json())) == (200, ["message"])
    assert "set-cookie" not in done.headers
    assert client.get(ME, headers=cookie(open_session)).status_code == 401
    assert [sign_in(client, password).status_code for password in (PASSWORD, FRESH)] == [401, 200]
    again = confirm(client, token, "another one entirely")
    assert (again.status_code, "not valid" in again.json()["detail"]) == (400, True)
    assert [entry.payload["by"] for entry in audited(engine, "user.create_reset_link")] == ["mail"]
    assert len(audited(engine, "user.reset_password")) == 1


def test_every_address_has_the_same_answer_and_only_accounts_have_mail(client, clock, ada, mails):
    known, unknown, odd = (client.post(ASK, json={"email": email}) for email in (ADA, "eve@example.com", "no address"))
    assert known.json() == unknown.json() == odd.json()
    assert {answer.status_code for answer in (known, unknown, odd)} == {200}
    assert known.json()["email_configured"] is True
    assert [recipient for recipient, _, _ in mails.posted()] == [ADA]


def test_the_answer_waits_neither_for_the_look_up_nor_for_the_mail_server(client, clock, ada, mails, monkeypatch):
    put_aside = []
    monkeypatch.setattr("app.kernel.mail.post", put_aside.append)
    monkeypatch.setattr("app.identity.service.find_credential", None)
    for email in (ADA, "eve@example.com"):
        assert client.post(ASK, json={"email": email}).status_code == 200
    assert len(put_aside) == 2


def test_asking_is_bounded_by_address_and_by_account(client, clock, ada, mails):
    for _ in range(4):
        asked(client, mails)
    assert len(mails.posted()) == 3, "an account has three letters an hour"
    assert client.post(ASK, json={"email": "eve@example.com"}).status_code == 200
    late = client.post(ASK, json={"email": "eve@example.com"})
    assert (late.status_code, "Retry-After" in late.headers) == (429, True)
    clock.advance(timedelta(hours=1))
    assert len(asked(client, mails)) == 4


@pytest.mark.parametrize("ending", ["time", "change", "other link"])
def test_a_link_is_void_after_an_hour_and_once_the_password_changed(client, clock, ada, mails, ending):
    asked(client, mails)
    first, second = asked(client, mails)
    assert first != second
    if ending == "time":
        clock.advance(timedelta(minutes=60))
    elif ending == "change":
        sign_in(client)
        assert change(client).status_code == 204
    else:
        assert confirm(client, second, "another one entirely").status_code == 200
    refused = confirm(client, first, "a third one entirely")
    assert (refused.status_code, "not valid" in refused.json()["detail"]) == (400, True)


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "\0", "é"])
def test_a_token_nobody_was_given_is_a_bad_request(client, clock, ada, token):
    assert confirm(client, token).status_code == 400


def test_a_password_that_is_too_short_leaves_the_link_good(client, clock, ada, mails):
    [token] = asked(client, mails)
    assert confirm(client, token, "short").status_code == 422
    assert confirm(client, token).status_code == 200


def test_a_second_factor_stays_on_and_is_asked_for_after_a_reset(client, clock, ada, mails):
    sign_in(client)
    secret = turn_on(client, clock)
    [token] = asked(client, mails)
    assert confirm(client, token).status_code == 200
    without = sign_in(client, FRESH)
    assert (without.status_code, "code" in without.json()["detail"]) == (401, True)
    assert sign_in(client, FRESH, totp=code_at(secret, step_of(clock.now()))).status_code == 200


def test_without_a_mail_server_the_answer_says_whom_to_ask_and_no_link_is_made(client, engine, clock, ada):
    answer = client.post(ASK, json={"email": ADA}).json()
    assert answer["email_configured"] is False and "plumbline user reset-password" in answer["message"]
    assert audited(engine, "user.create_reset_link") == []


def test_a_mail_server_that_is_down_changes_no_answer(client, engine, clock, ada, mails, monkeypatch, caplog):
    monkeypatch.setenv("PLUMBLINE_SMTP_PORT", str(free_port()))
    get_settings.cache_clear()
    assert asked(client, mails) == []
    assert "a mail could not be sent" in caplog.text and ADA not in caplog.text


def test_where_passwords_are_switched_off_there_is_nothing_to_reset(client, clock, ada, mails, member, monkeypatch):
    owner = member(UserRole.OWNER)
    [token] = asked(client, mails)
    for name, value in {"ISSUER": "https://login.example", "CLIENT_ID": "plumbline", "ONLY": "true"}.items():
        monkeypatch.setenv(f"PLUMBLINE_OIDC_{name}", value)
    get_settings.cache_clear()
    assert client.post(ASK, json={"email": ADA}).status_code == 403
    assert confirm(client, token).status_code == 403
    assert client.post(f"/api/v1/users/{ada.id}/password-reset", headers=owner.headers).status_code == 409


def test_an_owner_makes_a_link_for_somebody_else_and_nobody_more(client, engine, clock, ada, member):
    owner, editor, visitor = member(UserRole.OWNER), member(UserRole.EDITOR), member(UserRole.VIEWER)
    path = f"/api/v1/users/{ada.id}/password-reset"
    assert client.post(path, headers=editor.headers).status_code == 403
    made = client.post(path, headers=owner.headers)
    assert (made.status_code, made.json()["email"]) == (201, ADA)
    [entry] = audited(engine, "user.create_reset_link")
    assert (entry.actor_email, entry.payload) == (owner.user.email, {"email": ADA})
    for refused, other in ((400, owner.user.id), (409, visitor.user.id), (404, "00000000-0000-0000-0000-000000000000")):
        assert client.post(f"/api/v1/users/{other}/password-reset", headers=owner.headers).status_code == refused
    token = made.json()["reset_path"].removeprefix("/reset-password?token=")
    assert token not in audited(engine, "user.create_reset_link")[0].model_dump_json()
    assert confirm(client, token).status_code == 200
    assert sign_in(client, FRESH).status_code == 200


def where(answer):
    assert answer.status_code == 303 and "set-cookie" not in answer.headers
    return answer.headers["location"]


def test_the_forms_go_from_asking_to_the_sign_in_page(client, clock, ada, mails):
    ask, choose = "/session/password-reset/request", "/session/password-reset/confirm"
    assert where(client.post(ask, data={"email": ""})) == "/forgot-password?error=invalid_input"
    assert where(client.post(ask, data={"email": ADA})) == "/forgot-password?done=asked"
    assert where(client.post(ask, data={"email": "eve@example.com"})) == "/forgot-password?done=asked"
    [(_, _, text)] = mails.posted()
    token = re.search(r"token=(\S+)", text)[1]
    short = where(client.post(choose, data={"token": token, "password": "short"}))
    assert short == f"/reset-password?token={token}&error=invalid_input"
    assert where(client.post(choose, data={"token": token, "password": FRESH})) == "/login?done=password"
    assert where(client.post(choose, data={"token": token, "password": FRESH})) == "/reset-password"
    assert sign_in(client, FRESH).status_code == 200


def test_the_status_tells_anybody_whether_there_are_people_and_room_for_more(client, engine, clock, monkeypatch):
    status = "/api/v1/auth/status"
    assert client.get(status).json() == {"has_users": False, "registration_enabled": True}
    with session_scope(engine) as session:
        make_user(session, role=UserRole.OWNER)
    monkeypatch.setenv("PLUMBLINE_REGISTRATION_OPEN", "false")
    get_settings.cache_clear()
    assert client.get(status).json() == {"has_users": True, "registration_enabled": False}
    answers = [client.get(status).status_code for _ in range(29)]
    assert answers == [200] * 28 + [429]


def test_an_invitation_is_mailed_too(client, clock, member, mails):
    owner = member(UserRole.OWNER, email="olive@example.com")
    body = {"email": "New@example.com", "role": "viewer"}
    made = client.post("/api/v1/users/invitations", json=body, headers=owner.headers)
    assert made.status_code == 201
    [(recipient, subject, text)] = mails.posted()
    assert (recipient, subject) == ("new@example.com", "You are invited to Plumbline")
    assert f"http://plumb.example{made.json()['accept_path']}" in text.splitlines()
    assert "olive@example.com invites you" in text and "as viewer" in text
    refused = client.post("/api/v1/users/invitations", json={"email": "olive@example.com"}, headers=owner.headers)
    assert refused.status_code == 409 and len(mails.posted()) == 1
