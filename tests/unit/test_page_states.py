"""How a load ends is what the page says."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import reflex as rx
from reflex.istate.data import RouterData

from app.kernel.errors import NotFound, Unauthorized
from app.page_states import LoadedState, follow_view, take_over
from app.presentation import Phase
from app.ui import NotLoggedIn


@pytest.fixture
def state():
    root = rx.State(_reflex_internal_init=True)
    return root.get_substate(LoadedState.get_full_name().split("."))


def test_a_load_that_ends_makes_the_page_ready(state):
    with state._loading():
        pass
    assert state.phase == Phase.READY


def test_a_refusal_is_told_in_its_own_words(state):
    with state._loading():
        raise NotFound("Event not found")
    assert (state.phase, state.problem) == (Phase.MISSING, "Event not found")


def test_the_name_of_another_project_does_not_stay_over_an_unknown_one(state):
    state.project_name = "Corner shop"
    with state._loading():
        raise NotFound("Project not found")
    assert state.project_name == "Unknown project"


def test_a_fault_of_ours_ends_the_waiting_without_its_details(state):
    with state._loading():
        raise RuntimeError("secret internals")
    assert state.phase == Phase.FAILED
    assert "secret" not in state.problem


@pytest.mark.parametrize("refusal", [NotLoggedIn("/p/shop"), Unauthorized("Session is over")])
def test_who_is_not_signed_in_goes_to_the_sign_in_page(state, refusal):
    with pytest.raises(type(refusal)), state._loading():
        raise refusal


def test_another_subject_begins_in_the_loading_state_and_the_same_one_does_not(state):
    assert state._begin("shop")
    with state._loading():
        pass
    assert not state._begin("shop")
    assert state.phase == Phase.READY
    assert state._begin("other")
    assert state.phase == Phase.LOADING


class OnePageState(LoadedState):
    """A page of a project."""


class OtherPageState(LoadedState):
    """Another one, in the same tab."""


def test_a_page_of_the_same_project_that_was_never_loaded_begins_in_the_loading_state_too():
    root = rx.State(_reflex_internal_init=True)
    one, other = (root.get_substate(kind.get_full_name().split(".")) for kind in (OnePageState, OtherPageState))
    assert one._begin("shop")
    with one._loading():
        pass
    assert other._begin("shop")
    assert other.phase == Phase.LOADING
    with other._loading():
        pass
    assert not one._begin("shop")
    assert one.phase == Phase.READY


def at_path(state, path):
    state.router = RouterData.from_router_data({"asPath": path})
    return state


def test_the_same_page_of_another_address_begins_in_the_loading_state_and_one_of_another_query_does_not(state):
    assert at_path(state, "/p/shop/scans?status=failed")._begin("scans")
    with state._loading():
        pass
    assert not at_path(state, "/p/shop/scans")._begin("scans")
    assert state.phase == Phase.READY
    assert at_path(state, "/p/other/scans")._begin("scans")
    assert list(state.loaded_paths.values()) == ["/p/other/scans"]


def test_a_page_does_not_come_back_with_the_fault_of_another_one():
    root = rx.State(_reflex_internal_init=True)
    one, other = (root.get_substate(kind.get_full_name().split(".")) for kind in (OnePageState, OtherPageState))
    assert one._begin("shop")
    with one._loading():
        pass
    assert other._begin("shop")
    with other._loading():
        raise NotFound("Release not found")
    assert len(other.loaded_paths) == 1
    assert one._begin("shop")
    assert one.phase == Phase.LOADING


class Followed:
    """As much of a page's state as following needs."""

    def __init__(self) -> None:
        self._follower, self.view = 0, None
        self.router = SimpleNamespace(url=SimpleNamespace(path="/p/shop/scans"))
        self.is_there = True

    async def __aenter__(self) -> None:
        """The lock of a state; there is one task here."""

    async def __aexit__(self, *_: object) -> None:
        """Nothing to write back."""

    def _is_connected(self) -> bool:
        return self.is_there


def read_from(state, views, then):
    """A reader that hands out one view after another and does something to the page with the last."""
    left = list(views)

    async def read():
        view = SimpleNamespace(is_live=left.pop(0))
        if not left:
            then(state)
        return view

    return read, left


def test_following_ends_with_what_is_followed():
    state = Followed()
    read, left = read_from(state, [True, False], lambda _state: None)
    asyncio.run(follow_view(state, 0, read))
    assert state.view.is_live is False
    assert left == []


@pytest.mark.parametrize(
    "leave",
    [
        lambda state: setattr(state, "is_there", False),
        lambda state: setattr(state.router.url, "path", "/p/shop"),
        take_over,
    ],
)
def test_an_idle_page_is_followed_on_until_it_is_left_or_taken_over(leave):
    state = Followed()
    read, left = read_from(state, [False, True, False, False], leave)
    asyncio.run(follow_view(state, 0, read, idle_seconds=0))
    assert left == []
    assert state.view.is_live is False
