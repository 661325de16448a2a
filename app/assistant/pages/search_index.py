"""The search index of the open plan: how much it holds, and a button that builds it anew."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import reflex as rx
from reflex.event import EventSpec
from sqlmodel import Session

from app.assistant import service as assistant
from app.assistant.contracts import IndexState
from app.frame import ProjectState
from app.identity.contracts import Actor, UserRole
from app.kernel.errors import AppError
from components import button, job_progress, section, toast_done, toast_failed
from components.format import full_number

POLL_SECONDS: Final = 2.0


class SearchIndexState(ProjectState):
    """What search knows of the open branch, read again while meanings are still being computed."""

    index_words: str = ""
    index_percent: int = 100
    index_phase: str = ""
    may_rebuild: bool = False
    _follower: int = 0

    @rx.event(background=True)
    async def watch(self) -> None:
        """Read the index until every text has its meaning or the page is left."""
        async with self:
            self._follower += 1
            run, slug, branch, path = self._follower, self._slug(), self._branch(), self.router.url.path
        while True:
            try:
                may_rebuild, found = await self._read(_standing, slug, branch)
            except AppError:
                return  # the page itself reports what is wrong
            async with self:
                if self._follower != run or self.router.url.path != path or not self._is_connected():
                    return
                self.may_rebuild = may_rebuild
                self._show(found)
                if self.index_percent == 100:
                    return
            await asyncio.sleep(POLL_SECONDS)

    @rx.event
    async def rebuild(self) -> EventSpec | list[EventSpec]:
        """Write the branch's documents anew."""
        try:
            done = await self._call(assistant.reindex, self._slug(), branch=self._branch() or None)
        except AppError as refusal:
            return toast_failed(refusal.message)
        return [toast_done(f"{full_number(done.documents_indexed)} parts of the plan indexed"), SearchIndexState.watch]

    def _show(self, found: IndexState) -> None:
        self.index_words = f"{full_number(found.documents)} parts of this branch can be found by their words"
        if found.meanings is None:
            self.index_words += "; meanings are not compared (search_embeddings_enabled is off)."
            self.index_percent = 100
            return
        self.index_words += f", {full_number(found.meanings)} of {full_number(found.texts)} texts also by what they mean."
        self.index_percent = 100 * found.meanings // found.texts if found.texts else 100
        self.index_phase = "Computing meanings"


def _standing(session: Session, actor: Actor, slug: str, branch: str) -> tuple[bool, IndexState]:
    found = assistant.index_state(session, actor, slug, branch=branch or None)
    return actor.role is not UserRole.VIEWER, found


def search_index() -> rx.Component:
    """The section at the end of the page."""
    state: Any = SearchIndexState
    return section(
        "Search index",
        rx.el.p(state.index_words, class_name="snippet-note"),
        rx.cond(state.index_percent < 100, job_progress(state.index_percent, state.index_phase), rx.fragment()),
        rx.cond(state.may_rebuild, button("Rebuild the index", small=True, on_click=state.rebuild), rx.fragment()),
        note="Kept up to date by itself; rebuild it when a search misses what is there.",
    )
