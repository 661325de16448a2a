"""A person sees where they are signed in and ends what is not theirs any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.identity import entrance, service
from app.identity.contracts import ApiKeyScope, Via
from app.kernel.database import session_scope
from app.kernel.errors import Forbidden, NotFound
from tests.factories import make_actor

PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0"


@pytest.fixture
def tokens(engine, clock):
    """Ada signed up in a browser, then signed in with a program; somebody else is signed in too."""
    up = entrance.sign_up("ada@example.com", PASSWORD, None, address="192.0.2.1", clock=clock, user_agent=FIREFOX)
    clock.advance(timedelta(minutes=1))
    second = entrance.sign_in("ada@example.com", PASSWORD, address="192.0.2.2", clock=clock, user_agent="curl/8.0\0" + "x" * 999)
    other = entrance.sign_up("eve@example.com", PASSWORD, None, address="192.0.2.9", clock=clock)
    return up.token, second.token, other.token


def actor_of(session, token, clock):
    actor = service.caller_for_session(session, token, clock.now())
    assert actor is not None
    return actor


def views(engine, token, clock):
    with session_scope(engine, write=False) as session:
        return service.list_sign_ins(session, actor_of(session, token, clock), clock.now())


def test_only_own_sign_ins_are_listed_with_device_address_and_use(engine, tokens, clock):
    browser, program = sorted(views(engine, tokens[0], clock), key=lambda view: view.address)
    assert (browser.address, browser.user_agent, browser.is_current) == ("192.0.2.1", FIREFOX, True)
    assert (program.address, program.is_current, len(program.user_agent)) == ("192.0.2.2", False, 400)
    assert program.last_used_at is None

    clock.advance(timedelta(minutes=5))

    used = views(engine, tokens[1], clock)
    assert [view.address for view in views(engine, tokens[1], clock)] == ["192.0.2.2", "192.0.2.1"]
    assert used[0].is_current and views(engine, tokens[0], clock)[0].last_used_at == clock.now()


def test_one_that_is_over_is_not_listed(engine, tokens, clock):
    clock.advance(timedelta(hours=168) - timedelta(seconds=30))
    assert [view.address for view in views(engine, tokens[1], clock)] == ["192.0.2.2"]


def test_ending_one_signs_it_out_at_once(engine, tokens, clock):
    other = next(view.id for view in views(engine, tokens[0], clock) if not view.is_current)
    with session_scope(engine) as session:
        service.end_sign_in(session, actor_of(session, tokens[0], clock), other)
    with session_scope(engine, write=False) as session:
        assert service.caller_for_session(session, tokens[1], clock.now()) is None
        assert service.caller_for_session(session, tokens[0], clock.now()) is not None


def test_nobody_ends_the_sign_in_of_another_person(engine, tokens, clock):
    [theirs] = views(engine, tokens[2], clock)
    with session_scope(engine) as session, pytest.raises(NotFound):
        service.end_sign_in(session, actor_of(session, tokens[0], clock), theirs.id)
    assert len(views(engine, tokens[2], clock)) == 1


def test_ending_all_others_keeps_the_one_that_asks(engine, tokens, clock):
    with session_scope(engine) as session:
        assert service.end_other_sign_ins(session, actor_of(session, tokens[1], clock)) == 1
    assert [view.is_current for view in views(engine, tokens[1], clock)] == [True]
    assert len(views(engine, tokens[2], clock)) == 1


def test_a_key_has_no_sign_ins(engine, clock):
    with session_scope(engine) as session:
        person = make_actor(session)
        key = type(person)(person.user_id, person.email, person.name, person.role, Via.KEY, ApiKeyScope.WRITE)
        with pytest.raises(Forbidden):
            service.list_sign_ins(session, key, clock.now())
        with pytest.raises(Forbidden):
            service.end_other_sign_ins(session, key)
