from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import policy
from app.identity.contracts import Actor, ApiKeyScope, IngestKind, UserRole, Via
from app.kernel.errors import BadRequest, Forbidden

LOGIN = policy.Allowance("login", 5, timedelta(minutes=1))
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def actor(role: UserRole, *, via: Via = Via.SESSION, scope: ApiKeyScope = ApiKeyScope.WRITE, bound: str | None = None) -> Actor:
    return Actor("u1", "a@example.com", "A", role, via, scope, bound)


def test_the_first_person_owns_the_instance_and_later_ones_edit():
    assert policy.role_of_newcomer(has_owner=False) is UserRole.OWNER
    assert policy.role_of_newcomer(has_owner=True) is UserRole.EDITOR


@pytest.mark.parametrize("role", [UserRole.EDITOR, UserRole.VIEWER])
def test_demoting_the_last_owner_is_refused(role):
    with pytest.raises(BadRequest, match="last owner"):
        policy.check_role_change(UserRole.OWNER, role, owner_count=1)
    policy.check_role_change(UserRole.OWNER, role, owner_count=2)


def test_an_owner_who_stays_owner_is_never_the_last_one_demoted():
    policy.check_role_change(UserRole.OWNER, UserRole.OWNER, owner_count=1)
    policy.check_role_change(UserRole.VIEWER, UserRole.EDITOR, owner_count=1)


@pytest.mark.parametrize(("scope", "pattern"), [(ApiKeyScope.READ, "tk_r_"), (ApiKeyScope.WRITE, "tk_w_")])
def test_an_api_token_tells_its_scope_and_its_prefix_hides_the_rest(scope, pattern):
    token = policy.new_api_token(scope)
    assert re.fullmatch(pattern + r"[A-Za-z0-9_-]{32}", token)
    assert policy.PREFIX_CHARACTERS == 11


def test_an_ingest_token_tells_its_surface():
    assert re.fullmatch(r"pl_ev_[A-Za-z0-9_-]{32}", policy.new_ingest_token(IngestKind.EVENTS))


def test_a_viewer_makes_read_keys_only():
    policy.check_key_creation(actor(UserRole.VIEWER), ApiKeyScope.READ)
    with pytest.raises(Forbidden, match="Editor role required"):
        policy.check_key_creation(actor(UserRole.VIEWER), ApiKeyScope.WRITE)


def test_a_read_key_makes_no_keys():
    with pytest.raises(Forbidden, match="read-only scope"):
        policy.check_key_creation(actor(UserRole.OWNER, via=Via.KEY, scope=ApiKeyScope.READ), ApiKeyScope.READ)


def test_a_key_is_usable_until_it_expires_or_is_revoked():
    assert policy.is_usable(revoked_at=None, expires_at=None, now=NOW)
    assert policy.is_usable(revoked_at=None, expires_at=NOW + timedelta(seconds=1), now=NOW)
    assert not policy.is_usable(revoked_at=None, expires_at=NOW, now=NOW)
    assert not policy.is_usable(revoked_at=NOW, expires_at=None, now=NOW)


@pytest.mark.parametrize(("role", "editor", "owner"), [("viewer", False, False), ("editor", True, False), ("owner", True, True)])
def test_roles_of_a_session_reach_as_far_as_the_matrix_says(role, editor, owner):
    caller = actor(UserRole(role))
    caller.require_write()
    for allowed, check in ((editor, caller.require_editor), (owner, caller.require_owner)):
        if allowed:
            check()
        else:
            with pytest.raises(Forbidden, match="role required"):
                check()


def test_even_an_owners_write_key_does_nothing_that_is_the_owners():
    key = actor(UserRole.OWNER, via=Via.KEY)
    key.require_editor()
    with pytest.raises(Forbidden, match="Owner session required"):
        key.require_owner()


def test_a_bound_key_reaches_its_project_and_nothing_else():
    key = actor(UserRole.OWNER, via=Via.KEY, bound="p1")
    key.require_reach("p1")
    for elsewhere in ("p2", None):
        with pytest.raises(Forbidden, match="scoped to a single project"):
            key.require_reach(elsewhere)


def test_email_spelling_does_not_matter():
    assert policy.normal_email("  StraSSe@Example.COM ") == policy.normal_email("strasse@example.com")


def test_five_attempts_are_free_and_the_sixth_waits_twelve_seconds():
    tokens = 5.0
    for _ in range(5):
        turn = policy.take_turn(LOGIN, tokens=tokens, idle=timedelta(0))
        assert turn.wait_seconds == 0
        tokens = turn.tokens
    assert policy.take_turn(LOGIN, tokens=tokens, idle=timedelta(0)).wait_seconds == 12
    assert policy.take_turn(LOGIN, tokens=tokens, idle=timedelta(seconds=12)).wait_seconds == 0


@given(tokens=st.floats(0, 5), steps=st.lists(st.floats(min_value=0, max_value=40, allow_nan=False), max_size=60))
def test_a_bucket_never_gives_more_than_its_size_plus_its_refill(tokens, steps):
    given_turns = 0
    left, elapsed = tokens, 0.0
    for step in steps:
        turn = policy.take_turn(LOGIN, tokens=left, idle=timedelta(seconds=step))
        left, elapsed = turn.tokens, elapsed + step
        given_turns += turn.wait_seconds == 0
        assert 0 <= left <= LOGIN.count
    assert given_turns <= tokens + elapsed * 5 / 60 + 1e-6


@given(tokens=st.floats(0, 5), idle=st.floats(-1000, 1000))
def test_whoever_waits_as_long_as_told_gets_a_turn(tokens, idle):
    turn = policy.take_turn(LOGIN, tokens=tokens, idle=timedelta(seconds=idle))
    if turn.wait_seconds:
        assert policy.take_turn(LOGIN, tokens=turn.tokens, idle=timedelta(seconds=turn.wait_seconds)).wait_seconds == 0
