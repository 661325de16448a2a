"""What every page says while it loads, when its address leads nowhere, when it is not the viewer's, and when it failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import reflex as rx
from reflex_base.vars import VarData

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
    loaded_paths: dict[str, str] = {}
    """The path that each page's content belongs to; a page that stands under another one, or is not here, has yet to be loaded."""

    _shown: str = ""
    _follower: int = 0

    def _begin(self, about: str) -> bool:
        """Note what the page is about now; true when that is something else, so that nothing old may be left standing.

        Call it first in `load`. All pages of a tab share one phase: that another page of the same project is ready says nothing
        of one never loaded.
        """
        name, path = _page_name(type(self)), str(self.router.url.path)
        kept = self.loaded_paths if self._shown == about else {}
        is_other = kept.get(name) != path
        if is_other:
            self._shown, self.phase = about, Phase.LOADING.value
            self.loaded_paths = {**kept, name: path}
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
            self._ended_in(Phase.FAILED, "Something went wrong on our side. It was logged.")
        else:
            self.phase = Phase.READY.value

    def _refused(self, refusal: AppError) -> None:
        """Turn a refused load into what the page says; an expired session goes on to the sign-in page."""
        self._ended_in(phase_of(refusal), refusal.message)
        if self.phase == Phase.MISSING and refusal.message.startswith("Project"):
            self.project_name = "Unknown project"

    def _ended_in(self, phase: Phase, problem: str) -> None:
        # Another page must not come back with this one's fault.
        name = _page_name(type(self))
        self.loaded_paths = {page: path for page, path in self.loaded_paths.items() if page == name}
        self.phase, self.problem = phase.value, problem


def _page_name(state: type[LoadedState]) -> str:
    return state.get_full_name().rpartition(".")[2]


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


def phase_here(state: Any) -> Any:
    """The phase as a variable of the browser, `loading` until the load of the page at this very address began.

    The browser is at the next address before the server knows, and what stood there before is another page's, or of another
    thing: whoever pressed a button of it would see its effect undone by the load. A change of the query alone keeps the page.
    """
    return rx.cond(state.loaded_paths[_page_name(state)] == _path_shown(), state.phase, Phase.LOADING.value)


def _path_shown() -> rx.Var[str]:
    source = VarData(imports={"react-router": "useLocation"}, hooks={"const shownAt = useLocation()": None})
    return rx.Var("shownAt.pathname", _var_type=str, _var_data=source)


def page_body(state: Any, *content: Any, on_retry: Any, what: str = "project", back: rx.Component | None = None) -> rx.Component:
    """The content once the page under this address is ready; before and otherwise the fitting state.

    `what` names the thing in the address, `back` leads to the list of such things when it is not there.
    """
    return rx.match(
        phase_here(state),
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
