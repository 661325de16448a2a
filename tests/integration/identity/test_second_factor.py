"""A code is good once, however many ask at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from app.identity import entrance, service
from app.identity.contracts import SignedIn
from app.identity.second_factor import CodeRefused, code_at, step_of
from app.identity.service.callers import actor_for
from app.kernel.database import session_scope
from app.kernel.errors import Gone
from models.identity import UserSession
from models.second_factors import RecoveryCode, SecondFactor, SignInTicket
from tests.factories import PASSWORD, make_user
from tests.integration.identity.test_concurrency import together

ADA = "ada@example.com"


@pytest.fixture
def ada(engine, clock):
    """Ada with a confirmed factor: her account, secret and recovery codes."""
    with session_scope(engine) as session:
        user = make_user(session, email=ADA, password=PASSWORD)
        secret = service.begin_second_factor(session, actor_for(user)).secret
        step = step_of(clock.now()) - 1
        codes = service.confirm_second_factor(session, actor_for(user), code_at(secret, step), clock.now())
    return user, secret, codes


def sign_in(clock, code, address):
    return entrance.sign_in(ADA, PASSWORD, address=address, clock=clock, code=code)


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_simultaneous_sign_ins_with_one_code_exactly_one_gets_in(engine, clock, ada, kind):
    _, secret, codes = ada
    code = codes[0] if kind == "recovery" else code_at(secret, step_of(clock.now()))
    results = together(*(lambda address=f"a{number}": sign_in(clock, code, address) for number in range(4)))
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert sum(isinstance(result, CodeRefused) for result in results) == 3, results
    with session_scope(engine, write=False) as session:
        assert len(session.exec(select(UserSession)).all()) == 1


def test_of_simultaneous_uses_of_one_ticket_exactly_one_gets_in(engine, clock, ada):
    _, secret, _ = ada
    ticket = entrance.begin_sign_in(ADA, PASSWORD, address="a", clock=clock)
    assert isinstance(ticket, str)
    step = step_of(clock.now())
    codes = [code_at(secret, step), code_at(secret, step + 1)]
    results = together(*(lambda code=code: entrance.finish_sign_in(ticket, code, address="b", clock=clock) for code in codes))
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert all(isinstance(result, SignedIn | Gone | CodeRefused) for result in results), results
    with session_scope(engine, write=False) as session:
        assert len(session.exec(select(UserSession)).all()) == 1
        assert session.exec(select(SignInTicket)).all() == []


def test_turning_off_while_somebody_signs_in_leaves_nothing_half_done(engine, clock, ada):
    user, secret, codes = ada
    code = code_at(secret, step_of(clock.now()))

    def turn_off() -> None:
        entrance.turn_off_second_factor(actor_for(user), PASSWORD, codes[0], address="a", clock=clock)

    results = together(lambda: sign_in(clock, code, "b"), turn_off)
    assert isinstance(results[0], SignedIn) and results[1] is None, results
    with session_scope(engine, write=False) as session:
        assert session.exec(select(SecondFactor)).all() == session.exec(select(RecoveryCode)).all() == []


def test_waiting_sign_ins_that_are_over_are_cleared_away(engine, clock, ada):
    entrance.begin_sign_in(ADA, PASSWORD, address="a", clock=clock)
    with session_scope(engine) as session:
        service.delete_expired(session, clock.now())
        assert len(session.exec(select(SignInTicket)).all()) == 1
        service.delete_expired(session, clock.now() + timedelta(minutes=5))
        assert session.exec(select(SignInTicket)).all() == []
