"""Failed sign-ins of the audit log are bounded for one account and for one address; success costs nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.audit import accounts
from app.identity.passwords import hash_password
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope

PASSWORD = "Right-1234"
FORM = {"username": "ana_1", "password": PASSWORD}


@pytest.fixture
def account(client, monkeypatch) -> FixedClock:
    clock = FixedClock(datetime.now(UTC))
    monkeypatch.setattr("app.audit.api.accounts.SYSTEM_CLOCK", clock)
    with session_scope() as session:
        key = accounts.sign_up(session, "ana_1", "ana@example.com", hash_password(PASSWORD), clock.now())
        accounts.activate(session, key, clock.now())
    return clock


def fail(client, name: str = "ana_1") -> int:
    return client.post("/auth/login", data={"username": name, "password": "Wrong-1234"}).status_code


def test_eleventh_wrong_password_of_a_minute_is_refused_and_so_is_the_right_one(client, account):
    assert [fail(client) for _ in range(11)] == [401] * 10 + [429]
    refused = client.post("/auth/login", data=FORM)
    assert refused.status_code == 429
    assert set(refused.json()["detail"]) == {"msg"}
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    account.advance(timedelta(minutes=1))
    assert client.post("/auth/login", data=FORM).status_code == 202


def test_right_password_may_be_used_as_often_as_one_likes(client, account):
    assert {client.post("/auth/login", data=FORM).status_code for _ in range(25)} == {202}
    assert fail(client) == 401


def test_one_address_may_not_try_many_names(client, account, monkeypatch):
    monkeypatch.setattr(accounts, "TRIES", (("account", 10), ("address", 12)))
    assert [fail(client, f"name_{number}") for number in range(13)] == [404] * 12 + [429]


def test_links_by_mail_are_bounded_for_one_address(client, account):
    ask = [client.post("/auth/password/forgot", data={"email": "ana@example.com"}).status_code for _ in range(11)]
    assert ask == [200] * 10 + [429]
