"""The search index of the open plan: how much it holds, and a button that builds it anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.assistant import service as assistant
from app.frame import ProjectState
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import AppError
from app.page_states import follow_view
from components import button, job_progress, section, toast_done, toast_failed
from components.format import full_number

POLL_SECONDS: Final = 2.0


@dataclass(frozen=True)
class IndexView:
    """How much of the branch search knows. `is_live`: meanings are still being computed."""

    words: str = ""
    percent: int = 100
    may_rebuild: bool = False
    is_live: bool = False


class SearchIndexState(ProjectState):
    """What search knows of the open branch, read again while meanings are still being computed."""

    view: IndexView = IndexView()
    _follower: int = 0

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the index until every text has its meaning or the page is left."""
        async with self:
            slug, branch, path = self._slug(), self._branch(), self.router.url.path
        try:
            found = await self._read(index_view, slug, branch)
        except AppError:
            return  # the page itself reports what is wrong
        async with self:
            if self.router.url.path != path:
                return
            self.view = found
        if found.is_live:
            await follow_view(self, POLL_SECONDS, lambda: self._read(index_view, slug, branch))

    @rx.event
    async def rebuild(self) -> EventSpec | list[EventSpec]:
        """Write the branch's documents anew."""
        try:
            done = await self._call(assistant.reindex, self._slug(), branch=self._branch() or None)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return [toast_done(f"{full_number(done.documents_indexed)} parts of the plan indexed"), SearchIndexState.watch]


def index_view(session: Session, actor: Actor, slug: str, branch: str) -> IndexView:
    """How much of the branch is indexed, in a sentence or two. Errors: NotFound."""
    found = assistant.index_state(session, actor, slug, branch=branch or None)
    words = f"{full_number(found.documents)} parts of this branch can be found by their words"
    percent = 100
    if found.meanings is None:
        words += ". Finding by meaning is switched off."
    else:
        words += f", {full_number(found.meanings)} of {full_number(found.texts)} texts also by what they mean."
        percent = 100 * found.meanings // found.texts if found.texts else 100
    return IndexView(words, percent, actor.role is not UserRole.VIEWER, percent < 100)


def search_index() -> rx.Component:
    """The section at the end of the page."""
    state: Any = SearchIndexState
    view = state.view
    return section(
        "Search index",
        rx.el.p(view.words, class_name="snippet-note"),
        rx.cond(view.is_live, job_progress(view.percent, "Computing meanings"), rx.fragment()),
        rx.cond(view.may_rebuild, button("Rebuild the index", small=True, on_click=state.rebuild), rx.fragment()),
        note="Kept up to date by itself; rebuild it when a search misses what is there.",
    )
