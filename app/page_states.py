"""What every page says while it loads, when its address leads nowhere, when it is not the viewer's, and when it failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx

from app import ui_paths
from app.frame import ProjectState
from app.kernel.errors import AppError
from app.presentation import Phase, phase_of
from app.ui import NotLoggedIn
from components import error_state, link_button, loading_state, no_rights_state, not_found_state

log = logging.getLogger("plumbline.ui")


class LoadedState(ProjectState):
    """The parent of states whose page is rebuilt from the address: what it is about, and how the load ended."""

    phase: str = Phase.LOADING.value
    problem: str = ""
    _shown: str = ""
    _shown_by: dict[str, str] = {}
    _follower: int = 0

    def _begin(self, about: str) -> bool:
        """Note what the page is about now; true when that is something else, so that nothing old may be left standing.

        All pages of a tab share one phase: that another page of the same project is ready says nothing of one never loaded.
        """
        name = type(self).get_full_name()
        is_other = self._shown != about or self._shown_by.get(name) != about
        if is_other:
            self._shown, self.phase = about, Phase.LOADING.value
            self._shown_by = {**self._shown_by, name: about}
        return is_other

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """Around everything a load reads: the page is ready when it ends, and says what is wrong when it fails.

        A fault of ours is logged and shown too, so that no page stands still in its loading state.
        """
        try:
            yield
        except AppError as refusal:
            self._refused(refusal)
        except NotLoggedIn:
            raise
        except Exception as fault:
            log.error("a page could not be loaded", exc_info=fault)
            self.phase, self.problem = Phase.FAILED.value, "Something went wrong on our side. It was logged."
        else:
            self.phase = Phase.READY.value

    def _refused(self, refusal: AppError) -> None:
        """Turn a refused load into what the page says; an expired session goes on to the sign-in page."""
        self.phase, self.problem = phase_of(refusal).value, refusal.message
        if self.phase == Phase.MISSING and refusal.message.startswith("Project"):
            self.project_name = "Unknown project"


def take_over(state: Any) -> Callable[[], bool]:
    """Make the calling background handler of a `LoadedState` the one that follows its page.

    What comes back says, as this itself inside `async with state`, whether it still is: no other handler took over, the page was
    not left, and the browser is there.
    """
    state._follower += 1
    run, path = state._follower, state.router.url.path
    return lambda: bool(state._follower == run and state.router.url.path == path and state._is_connected())


async def follow_view(state: Any, seconds: float, read: Callable[[], Awaitable[Any]], *, idle_seconds: float | None = None) -> None:
    """For background handlers of a `LoadedState`: read its `view` every so many seconds.

    Once what was read says that it `is_live` no more this ends, or goes on every `idle_seconds`. It also ends when the page is
    left or the browser gone, and when another handler follows.
    """
    async with state:
        is_followed = take_over(state)
    rest: float | None = seconds
    while rest is not None:
        await asyncio.sleep(rest)
        async with state:
            if not is_followed():
                return
        view = await read()
        rest = seconds if view.is_live else idle_seconds
        async with state:
            if is_followed() and state.view != view:
                state.view = view


def page_body(state: Any, *content: Any, on_retry: Any, what: str = "project", back: rx.Component | None = None) -> rx.Component:
    """The content once `state.phase` is ready; before and otherwise the fitting state.

    `what` names the thing in the address, `back` leads to the list of such things when it is not there.
    """
    return rx.match(
        state.phase,
        (Phase.READY.value, rx.fragment(*content)),
        (
            Phase.MISSING.value,
            not_found_state(
                f"There is no such {what}",
                "The address may be mistyped, or it was removed.",
                back if back is not None else link_button("All projects", href=ui_paths.HOME),
            ),
        ),
        (Phase.FORBIDDEN.value, no_rights_state(state.problem)),
        (Phase.FAILED.value, error_state(state.problem, on_retry)),
        loading_state(),
    )
