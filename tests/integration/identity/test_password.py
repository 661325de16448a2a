"""Passwords that change while somebody else uses the old one, or the same link, at that moment."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from app.identity import entrance, password_changes, service
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.database import session_scope
from app.kernel.errors import BadRequest, Unauthorized
from models.identity import UserSession
from models.password_resets import PasswordReset
from tests.factories import PASSWORD, make_user
from tests.integration.identity.test_concurrency import together

ADA = "ada@example.com"


def links(engine, clock, count):
    """Tokens of so many links for Ada, who has just signed up."""
    with session_scope(engine) as session:
        ada = make_user(session, email=ADA, password=PASSWORD)
        return [service.create_reset_link(session, SYSTEM_ACTOR, ada.id, clock.now())[1] for _ in range(count)]


def reset(clock, token, new):
    return lambda: password_changes.reset_password(token, new, address="a", clock=clock)


def test_of_several_who_use_links_of_an_account_at_once_one_gets_the_account(engine, clock):
    first, second = links(engine, clock, 2)
    passwords = [f"password of number {number}" for number in range(4)]
    results = together(*(reset(clock, token, new) for token, new in zip([first, first, second, second], passwords, strict=True)))
    assert sorted(type(result).__name__ for result in results) == ["BadRequest"] * 3 + ["NoneType"]
    assert all(isinstance(result, BadRequest) for result in results if result is not None)
    winner = passwords[list(results).index(None)]
    assert entrance.sign_in(ADA, winner, address="b", clock=clock).user.email == ADA


def test_no_session_of_the_old_password_outlives_a_reset_at_the_same_moment(engine, clock):
    [token] = links(engine, clock, 1)
    entries = [lambda number=number: entrance.sign_in(ADA, PASSWORD, address=f"c{number}", clock=clock) for number in range(3)]
    results = together(entries[0], reset(clock, token, "tall grass in may"), *entries[1:])
    assert results[1] is None
    assert all(isinstance(result, Unauthorized) or hasattr(result, "token") for result in results[2:])
    with session_scope(engine, write=False) as session:
        assert session.exec(select(UserSession)).all() == []


def test_links_that_are_over_are_forgotten(engine, clock):
    links(engine, clock, 1)
    with session_scope(engine) as session:
        service.delete_expired(session, clock.now() + timedelta(minutes=59))
        assert len(session.exec(select(PasswordReset)).all()) == 1
        service.delete_expired(session, clock.now() + timedelta(minutes=60))
        assert session.exec(select(PasswordReset)).all() == []
